"""What lm-eval scores by log-likelihood: stored where there is any, shown beside, never ranked."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from leaderboard.rows.rank import rows
from leaderboard.rows.row import row_json
from leaderboard.show.exporting import Shown, export
from leaderboard.show.render import detail, legend, table
from leaderboard.stats.intervals import single
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from tests.leaderboard_records import record, with_costs

SCORES: dict[str, Any] = {
    "n_options": [2, 0, 4, 4],
    "loglikelihood_acc": [1, None, 1, 0],
    "loglikelihood_acc_norm": [0, None, 1, 0],
}
"""Of the four items of `id_a`, one without options."""
HEAD = ["by log-likelihood", "n", "acc", "acc_norm", "chance", "rows"]


def untrained(label: str = "zero_shot", seed: int = 0, **scores: Any) -> Record:
    return with_costs(record(label, seed), "id_a", **(SCORES | scores))


def lines(text: str) -> list[list[str]]:
    """The cells of the markdown table that begins with HEAD."""
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    begin = found.index(HEAD)
    return [cells for cells in found[begin + 2 :] if len(cells) == len(HEAD)]


def test_a_record_keeps_them_and_one_without_has_no_such_columns(tmp_path):
    for name, run in (("with", untrained()), ("without", record())):
        path = tmp_path / f"{name}.json"
        run.save(path)
        assert Record.load(path) == run
        stored = json.loads(path.read_text())["data_sets"]
        assert (SCORES.keys() <= stored["id_a"].keys()) == (name == "with")
        assert not SCORES.keys() & stored["ood_a"].keys()


@pytest.mark.parametrize(
    ("column", "values", "fault"),
    [
        ("n_options", [2, 0, 4], "n_options .*3 .*4"),
        ("n_options", [2, None, 4, 4], "n_options.1 .*None"),
        ("n_options", [2, -1, 4, 4], "n_options.1 .*-1"),
        ("n_options", [2, 3, 4, 4], "loglikelihood_acc must be null where n_options is 0"),
        ("n_options", [], "loglikelihood_acc .*n_options"),
        ("loglikelihood_acc", [1, 0, 1, 0], "loglikelihood_acc .*n_options"),
        ("loglikelihood_acc", [1, None, None, 0], "loglikelihood_acc .*n_options"),
        ("loglikelihood_acc_norm", [], "loglikelihood_acc_norm .*n_options"),
        ("loglikelihood_acc_norm", [1, None, 2, 0], "loglikelihood_acc_norm.2 .*2"),
        ("loglikelihood_acc_norm", [1, None, 0.5, 0], "loglikelihood_acc_norm.2 .*0.5"),
        ("loglikelihood_acc_norm", [1, None], "loglikelihood_acc_norm .*2 .*4"),
        ("strict", [1, None, 1, 1], "strict.1 .*None"),
    ],
)
def test_columns_that_do_not_go_together_are_refused(tmp_path, column, values, fault):
    path = tmp_path / "seed0.json"
    untrained().save(path)
    body = json.loads(path.read_text())
    body["data_sets"]["id_a"][column] = values
    path.write_text(json.dumps(body))
    with pytest.raises(RecordError, match=f"id_a.{fault}"):
        Record.load(path)


def test_scores_are_over_the_items_with_options_beside_what_guessing_scores():
    (row,) = rows([untrained()])
    found = row.loglikelihood["id_a"]
    assert (found.n, found.acc.value, found.acc_norm.value) == (3, 2 / 3, 1 / 3)
    assert found.chance == pytest.approx((1 / 2 + 1 / 4 + 1 / 4) / 3)
    assert "ood_a" not in row.loglikelihood
    assert rows([record()])[0].loglikelihood == {}


def test_items_that_share_a_source_count_as_one_draw():
    run = untrained(n_options=[4] * 4, loglikelihood_acc=[1, 1, 1, 0])
    run = with_costs(run, "id_a", loglikelihood_acc_norm=[1, 1, 0, 0], clusters=list("aabb"))
    found = rows([run])[0].loglikelihood["id_a"]
    assert found.acc == single([1, 1, 1, 0], list("aabb"))
    assert found.acc_norm == single([1, 1, 0, 0], list("aabb")) != single([1, 1, 0, 0], [])


def test_an_older_seed_without_them_does_not_hide_those_of_another():
    (row,) = rows([record("few_shot", 0), untrained("few_shot", 1)])
    assert row.loglikelihood["id_a"].n == 3


def test_rows_of_one_student_share_a_line_of_a_table_below_that_of_the_data_sets():
    other = untrained("zero_shot@mine", loglikelihood_acc=[0, None, 0, 0])
    ranked = rows([untrained(), untrained("few_shot"), other, record("std_cot")])
    shown = lines(detail(ranked, "markdown"))
    assert [(cells[0], cells[1], cells[-1]) for cells in shown] == [
        ("id_a", "3", "few_shot, zero_shot"),
        ("id_a", "3", "zero_shot@mine"),
    ]
    assert shown[0][2].startswith("66.7 [") and shown[0][4] == "33.3"
    assert "By log-likelihood" in legend(ranked)
    for form in ("text", "latex"):
        assert "few_shot" in detail(ranked, form).split("by log-likelihood")[1].replace("\\", "")


def test_a_track_without_them_shows_neither_table_nor_note():
    ranked = rows([record()])
    assert "likelihood" not in detail(ranked, "markdown") + legend(ranked)


def test_they_change_nothing_that_is_ranked():
    with_them, without = (
        rows([run, record("std_cot")]) for run in (untrained(), record("zero_shot"))
    )
    assert [replace(row, loglikelihood={}) for row in with_them] == without
    assert table(with_them, "markdown") == table(without, "markdown")


def test_json_and_csv_hold_them_as_fractions():
    ranked = rows([untrained(), record("std_cot")])
    body = json.loads(json.dumps(row_json(ranked[1])))["loglikelihood"]
    assert body["id_a"]["acc"]["value"] == 2 / 3 and body["id_a"]["n"] == 3
    plain, with_them = csv.DictReader(io.StringIO(export(Shown(ranked), "csv")))
    assert float(with_them["loglikelihood.id_a.acc_norm.value"]) == 1 / 3
    assert plain["loglikelihood.id_a.acc_norm.value"] == ""
