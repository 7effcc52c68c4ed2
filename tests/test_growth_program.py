"""`make growth` itself, and what its estimate was counted from."""

from pathlib import Path

import pytest

from bench.estimates import dry_run
from tests.perf.growth import __main__ as growth
from tests.perf.growth import answering, child, matrix, training


@pytest.mark.slow
def test_the_kept_matrix_is_what_a_dry_run_counts(data: Path):
    cells = [cell for cell in matrix._cells("qwen2-0.5b", data) if cell.label == "std_cot"]
    (known,) = dry_run.plan(cells).cells
    (row,) = (r for r in matrix.read() if (r.track, r.method) == ("qwen2-0.5b", "std_cot"))
    assert row.training_flops == known.training_flops
    assert 0 < row.prefill_flops < (known.evaluation_flops or 0)


@pytest.mark.slow
def test_every_training_that_fails_says_why(tmp_path: Path):
    with pytest.raises(SystemExit, match="not_a_method"):
        training._apart(child.Case(1, 64, row="not_a_method"), tmp_path)


@pytest.mark.slow
def test_the_program_writes_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With one of its sections: `--tiny` alone takes minutes, of starting processes."""
    sections = (answering.by_questions,)
    monkeypatch.setattr(growth, "SECTIONS", sections)
    growth.main(["--tiny", "--out", str(tmp_path / "page.md")])
    shown = (tmp_path / "page.md").read_text()
    assert shown.count("## ") == len(sections) + 3
