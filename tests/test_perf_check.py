"""The harness's own speed: only slower alarms, and a slower machine is no slower harness."""

import json
from typing import Any

import pytest
from pytest_benchmark.utils import get_machine_id

from tests.perf.check import FAILED, FINE, INCOMPLETE, main


def run(**medians: tuple[float, float | None]) -> dict[str, Any]:
    """As pytest-benchmark writes it: of each benchmark the median and the loop beside it, in s."""
    return {
        "benchmarks": [
            {
                "fullname": name,
                "stats": {"median": median},
                "extra_info": {} if loop is None else {"calibration_s": loop},
            }
            for name, (median, loop) in medians.items()
        ]
    }


@pytest.mark.parametrize(
    ("before", "now", "code", "line"),
    [
        pytest.param((1.0, 0.1), (1.29, 0.1), FINE, "ok      1.29 x show", id="a little slower"),
        pytest.param((1.0, 0.1), (1.31, 0.1), FAILED, "SLOWER  1.31 x show", id="slower"),
        pytest.param((1.0, 0.1), (2.0, 0.2), FINE, "ok      1.00 x show", id="as the machine is"),
        pytest.param((1.0, 0.2), (1.0, 0.1), FAILED, "SLOWER  2.00 x show", id="a faster machine"),
        pytest.param((1.0, 0.1), (0.1, 0.1), FINE, "ok      0.10 x show", id="faster"),
        pytest.param((1.0, None), (9.0, 0.1), FINE, "new     show", id="before there were loops"),
    ],
)
def test_times_are_held_against_the_loop_beside_them(
    before, now, code, line, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    saved = tmp_path / ".benchmarks" / get_machine_id()
    saved.mkdir(parents=True)
    (saved / "0001_older.json").write_text(json.dumps(run(show=(99.0, 0.001))))
    (saved / "0002_newer.json").write_text(json.dumps(run(show=before)))
    (tmp_path / "now.json").write_text(json.dumps(run(show=now)))
    assert main("now.json") == code
    assert line in capsys.readouterr().out.splitlines()


def test_without_a_run_to_hold_it_against_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main("now.json") == INCOMPLETE
    assert "make perf" in capsys.readouterr().err
