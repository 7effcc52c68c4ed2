"""The board's section on triples: cuts, critics, relations, probe."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leaderboard.rows.triples import facts
from leaderboard.show.cuts import cuts_figure, cuts_svg
from leaderboard.show.rendering import check, render_all
from leaderboard.show.triples import cuts_table, probe_table, relations_table
from leaderboard.store.record import Record
from tests.leaderboard_records import record, save, with_costs

OUTCOMES = {"id_a": [1, 0, 1, 1], "ood_a": [0, 0, 1, 1]}
TASKS = ["xWant", "xWant", "xNeed", "xNeed"]


def of_triples(
    label: str, seed: int = 0, n: int | None = 100, ranks: Sequence[float | None] = (), **told: Any
) -> Record:
    """A record whose ID data set was ranked."""
    fields = {"critic": "none", "judge": "trained"} if label.startswith("comet_distil") else {}
    for field in label.partition("[")[2].removesuffix("]").split(","):
        key, _, value = field.partition("=")
        fields |= {key: value} if value else {}
    said = {"novel": 0.5, "n": 4, "distinct_tails": 3, "distinct_2": 0.8}
    snapshot: dict[str, Any] = {"method": fields, "written": {"id_a": said, "ood_a": said}}
    if n is not None:
        cut = {"n": n, "share_true": n / 200, "distinct_tails": 9, "distinct_2": 0.7}
        snapshot["triples"] = cut
    base = record(label, seed, OUTCOMES, snapshot=snapshot | told)
    for name in OUTCOMES:
        base = with_costs(base, name, tasks=TASKS)
    if ranks:
        ranked = replace(base.data_sets["id_a"], graded={"rank": list(ranks)})
        base = replace(base, data_sets={**base.data_sets, "id_a": ranked})
    return base


def cells(table: str, label: str) -> list[str]:
    (line,) = [each for each in table.splitlines() if each.startswith(f"| {label} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_records_that_are_not_of_triples_have_no_such_section() -> None:
    assert facts([record()]) == []


def test_what_a_cut_keeps_is_a_mean_over_seeds_and_the_largest_comes_first() -> None:
    critic = {"judge": "trained", "auroc": 0.75, "calibration_error": None}
    newer = critic | {"accuracy": 0.5}
    found = facts(
        [
            of_triples("comet_distil[critic=high]", 0, 40, critic=newer),
            of_triples("comet_distil[critic=high]", 1, 60, critic=critic),
            of_triples("comet_distil", 0, 100),
            of_triples("loose_teacher", 0, None),
        ]
    )
    table = cuts_table(found)
    assert cells(table, "comet_distil")[:6] == ["comet_distil", "1", "100", "50.0", "9", "0.70"]
    high = cells(table, "comet_distil[critic=high]")
    assert high[1:4] == ["2", "50", "25.0"] and high[6] == "0.75" and high[9] == "-"
    assert table.index("| comet_distil ") < table.index("| comet_distil[")
    assert "loose_teacher" not in table


def test_every_relation_has_its_accuracy_in_each_group() -> None:
    table = relations_table(facts([of_triples("comet")]))
    assert cells(table, "comet") == ["comet", "100.0 / 100.0", "50.0 / 0.0"]


def test_the_probe_is_a_mean_over_relations_not_over_questions() -> None:
    (found,) = facts([of_triples("comet", ranks=[1, 20, 4, None])])
    probe = found.probes["id_a"]
    assert (probe.n, probe.p_1, probe.p_10) == (3, 0.25, 0.75)
    assert probe.mrr == pytest.approx(((1 + 1 / 20) / 2 + 1 / 4) / 2)
    table = probe_table([found])
    assert "| 3 |" in " ".join(table.split()) and "ood_a" in table


def test_what_a_judge_accepts_stands_between_its_floor_and_its_ceiling() -> None:
    told = {"judge": "pmi", "auroc": 0.8, "floor": 0.2, "ceiling": 0.75}
    judged = of_triples("comet", acceptance=told)
    ranked = replace(judged.data_sets["id_a"], graded={"accepted": [1.0, 0.0, None, 1.0]})
    judged = replace(judged, data_sets={**judged.data_sets, "id_a": ranked})
    table = probe_table(facts([judged, of_triples("comet_distil")]))
    assert "66.7 (20.0, 75.0)" in table and "0.80" in table
    assert "accepted" not in probe_table(facts([of_triples("comet")]))


def test_the_picture_has_a_line_for_each_judge_and_is_the_same_twice() -> None:
    found = facts(
        [
            of_triples("comet_distil", 0, 100),
            of_triples("comet_distil[critic=high]", 0, 40),
            of_triples("comet_distil[critic=high,judge=pmi]", 0, 30),
            of_triples("comet", 0, 10),
        ]
    )
    panels = cuts_figure(found, "comet").axes
    named = [line.get_label() for line in panels[0].get_lines()]
    assert [n for n in named if not str(n).startswith("_")] == ["comet", "trained critic", "PMI"]
    assert list(panels[2].get_lines()[0].get_xdata()) == [100.0, 40.0]  # pyright: ignore
    assert cuts_svg(found, "comet") == cuts_svg(found, "comet")


def test_a_panel_has_something_to_show() -> None:
    """None of the share that is true where nobody knows, nor of a group without a data set."""

    def row(label: str, n: int) -> Record:
        plain = of_triples(label, 0, n)
        cut = {**plain.snapshot["triples"], "share_true": None}
        snapshot = {**plain.snapshot, "triples": cut, "written": {"id_a": {"novel": 0.5}}}
        return replace(plain, data_sets={"id_a": plain.data_sets["id_a"]}, snapshot=snapshot)

    rows = [("comet_distil", 100), ("comet_distil[critic=high]", 40), ("comet", 10)]
    panels = cuts_figure(facts([row(*each) for each in rows]), "comet").axes
    assert [axes.get_title(loc="left") for axes in panels] == ["ID, accuracy in %"]


def test_likeness_to_the_right_tails_has_its_columns_where_it_was_graded() -> None:
    plain = of_triples("comet")
    graded = {"bleu_2": [0.5, 0.0, 1.0, 0.5], "rouge_l": [0.2, 0.2, 0.2, 0.4]}
    only = replace(plain.data_sets["id_a"], graded=graded)
    found = facts([replace(plain, data_sets={**plain.data_sets, "id_a": only})])
    table = probe_table(found)
    (line,) = [each for each in table.splitlines() if "id_a" in each]
    assert "BLEU-2" in table and line.split()[-4:] == ["50.0", "|", "25.0", "|"]
    assert "BLEU" not in probe_table(facts([plain]))


def test_the_page_shows_the_section_and_keeps_it_fresh(tmp_path: Path) -> None:
    save(tmp_path / "leaderboard/records/v1", [of_triples("std_cot", ranks=[1, 2, 3, 4])])
    changed = render_all(tmp_path / "leaderboard" / "records")
    assert [path.name for path in changed] == ["LEADERBOARD.md", "toy-cuts.svg", "index.html"]
    assert "### toy: by relation" in changed[0].read_text() and not check(
        tmp_path / "leaderboard" / "records"
    )
