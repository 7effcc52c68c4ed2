"""From records to rows and tables."""

import csv
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.compare.pair import compare, comparison_text
from leaderboard.rows.rank import row, rows
from leaderboard.rows.row import row_json
from leaderboard.show.exporting import Shown, export
from leaderboard.show.render import detail, legend, table
from leaderboard.stats.averages import Seeds
from leaderboard.stats.formats import p_value
from leaderboard.stats.intervals import mcnemar, unseen
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record, Scope
from tests.leaderboard_records import OUTCOMES, record, with_costs

UNPOOLED = Seeds({})
FLOPS = ("prefill_flops", "decode_flops", "total_flops", "prompt_only_flops")


def test_a_row_holds_the_fields_that_readers_of_the_json_rely_on():
    (row,) = rows([record(seed=0), record(seed=1)])
    body = json.loads(json.dumps(row_json(row)))
    assert (body["method"], body["n_seeds"]) == ("std_cot", 2)
    assert {"value", "low", "high"} <= body["id"].keys() & body["ood"].keys()
    assert body["id"]["value"] == 0.75
    assert body["tasks"] == {"id_a": 0.75, "ood_a": 0.5}
    assert (body["prompt_tokens"], body["generated_tokens"]) == (10, 5)
    assert [body[name] for name in FLOPS] == [1000, 500, 1500, 900]
    assert (body["ttft_s"], body["tpot_s"]) == (0.01, 0.002)
    assert (body["train_tokens"], body["train_s"]) == (50_000, 30.0)


def test_rows_stand_by_their_mean_of_id_and_ood_and_ties_by_label():
    best = record("best", outcomes={"id_a": [1, 1, 1, 1], "ood_a": [0, 0, 1, 1]})
    only_id = record("only_id", outcomes={"id_a": [1, 1, 1, 0]})
    ranked = rows([record("b"), best, record("a"), only_id])
    assert [row.method for row in ranked] == ["best", "only_id", "a", "b"]
    assert ranked[1].ood is None


@given(st.permutations([(label, seed) for label in ("std_cot", "kard") for seed in (0, 1, 2)]))
def test_rows_do_not_depend_on_the_order_of_records(order):
    records = [record(label, seed) for label, seed in order]
    assert rows(records) == rows(sorted(records, key=lambda r: (r.label, r.seed)))


def test_costs_are_means_over_all_questions_and_not_over_data_sets():
    run = record(outcomes={"id_a": [1], "ood_a": [1, 1, 1]})
    (row,) = rows([with_costs(run, "id_a", prompt_tokens=[50], generated_tokens=[1])])
    assert row.prompt_tokens == (50 + 3 * 10) / 4
    assert row.generated_tokens == (1 + 3 * 5) / 4


@given(st.lists(st.integers(10**15, 10**18), min_size=4, max_size=4), st.integers(1, 3))
def test_flops_stay_exact_integers_beyond_the_precision_of_floats(flops, n_seeds):
    run = with_costs(record(), "id_a", prefill_flops=flops)
    (row,) = rows([replace(run, seed=seed) for seed in range(n_seeds)])
    total = sum(flops) + 4 * 1000
    assert isinstance(row.prefill_flops, int)
    assert abs(8 * row.prefill_flops - total) <= 4
    assert row.total_flops == row.prefill_flops + row.decode_flops


def test_relative_flops_divide_by_the_reference_of_the_track():
    costly = with_costs(record("kard"), "id_a", prefill_flops=[7000] * 4, decode_flops=[2000] * 4)
    kard, std_cot = rows([record(), costly])
    assert (std_cot.relative_flops, std_cot.relative_prompt_only_flops) == (1.0, 1.0)
    assert kard.relative_flops == (9000 + 1500) / 2 / 1500
    assert kard.relative_prompt_only_flops == 1.0


def test_without_a_row_of_the_reference_there_is_no_relative_number():
    (row,) = rows([record("kard")])
    assert row.relative_flops is None
    assert row.relative_prompt_only_flops is None
    cells = [cell.strip() for cell in table([row], "markdown").splitlines()[-1].split("|")]
    assert cells.count("-") == 2


@pytest.mark.parametrize("label", ["std_cot", "kard"])
def test_a_row_of_fewer_questions_has_no_relative_number(label):
    records = {name: record(name) for name in ("std_cot", "kard", "skintern")}
    records[label] = with_costs(records[label], "ood_a", overflow=[0, 0, 0, 1])
    ranked = rows(list(records.values()))
    expected = set() if label == "std_cot" else {"std_cot", "skintern"}
    for name in ("relative_flops", "relative_prompt_only_flops"):
        assert {row.method for row in ranked if getattr(row, name) is not None} == expected


def test_what_a_question_cost_before_its_prompt_did_not_fit_is_in_no_mean():
    two = {"prompt_tokens": 200, "n_calls": 2, "prefill_flops": 2000, "generated_tokens": 40}
    cut = {name: [value, value // 2] for name, value in two.items()}
    both = record(outcomes={"id_a": [1, 0]})
    (row,) = rows([with_costs(both, "id_a", overflow=[0, 1], **cut)])
    assert {name: getattr(row, name) for name in two} == two


@pytest.mark.parametrize("is_cut", [True, False])
def test_costs_of_other_questions_or_of_no_student_have_no_ratio(is_cut):
    one, other = record("a"), record("b")
    other = (
        with_costs(other, "id_a", overflow=[0, 0, 0, 1]) if is_cut else replace(other, latency=None)
    )
    for sides in ([one], [other]), ([other], [one]):
        found = compare(*sides, [one, other])
        assert found.total_flops_ratio is None and found.prompt_only_flops_ratio is None
    assert compare([one], [one], [one]).total_flops_ratio == 1


def test_latency_is_the_median_over_seeds_and_training_the_mean():
    first = record()
    runs = [
        replace(
            first,
            seed=seed,
            latency=replace(first.latency, ttft_s_p50=ttft, peak_memory_bytes=memory),
            training=replace(first.training, seconds=seconds),
        )
        for seed, ttft, memory, seconds in [(0, 0.1, 5, 10), (1, 0.9, 7, 20), (2, 0.2, 6, 60)]
    ]
    (row,) = rows(runs)
    assert (row.ttft_s, row.peak_memory_bytes, row.train_s) == (0.2, 7, 30)


def test_failures_overflow_and_other_extractors_are_told_apart():
    run = with_costs(
        record(), "id_a", failed=[1, 1, 0, 0], overflow=[1, 0, 0, 0], flexible=[1, 1, 1, 1]
    )
    (row,) = rows([run, replace(run, seed=1)])
    assert (row.failed, row.overflow) == (0.25, 2)
    assert (row.id.value, row.id_author, row.id_flexible) == (0.75, 0.75, 1.0)
    assert row.ood_flexible == 0.5


def test_recall_is_the_mean_of_the_seeds_that_retrieved():
    recalls = [None, 0.5, 1.0]
    (row,) = rows([record(seed=i, retrieval_recall=r) for i, r in enumerate(recalls)])
    assert row.retrieval_recall == 0.75


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (record(seed=1, outcomes={"id_a": [1, 0, 1]}), "other items"),
        (record(seed=1, outcomes={"id_a": [1, 0, 1, 1], "ood_b": [1, 1, 1, 1]}), "other items"),
        (with_costs(record(seed=1), "id_a", items_sha256="else"), "other items"),
        (record(seed=0), "two records of one seed"),
        (record(seed=1, track="toy-2"), "more than one track"),
        (record("kard", track="toy-2"), "more than one track"),
        (record(seed=1, scope=Scope(limit=4)), "more than one scope"),
        (record(seed=1, reference="kard"), "more than one reference"),
    ],
)
def test_records_that_cannot_be_compared_are_refused(other, words):
    with pytest.raises(RecordError, match=words):
        rows([record(), other])


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        (
            "snapshot",
            {"track": {"training": {"epochs": 3}}},
            {"track": {"training": {"epochs": 4}}},
        ),
        ("snapshot", {}, {"track": {"training": {"epochs": 4}}}),
        ("provenance", {"corpus_sha256": "a"}, {"corpus_sha256": "b"}),
        ("provenance", {}, {"corpus_sha256": "b"}),
    ],
)
def test_runs_of_a_track_that_changed_are_refused_and_named(field, old, new):
    before = [record(**{field: old}), record(seed=1, **{field: old})]
    with pytest.raises(RecordError) as error:
        rows([*before, record("kard", **{field: new})])
    message = str(error.value)
    assert "[std_cot seed 0, std_cot seed 1] and [kard seed 0]" in message
    assert "remove the old records, or raise the changed track's version" in message
    assert "\n" not in message


def test_a_track_may_gain_methods_and_seeds_and_other_words_about_it():
    def track(**listed):
        return {"track": {"training": {"epochs": 3}, **listed}}

    old = record(snapshot=track(about="a", methods=["std_cot"], seeds=[0]))
    new = record(
        "kard",
        snapshot=track(about="b", methods=["std_cot", "kard"], seeds=[0, 1], tuning={"kard": 3}),
    )
    assert len(rows([old, new])) == 2


def test_a_setting_that_older_records_do_not_know_counts_as_unused():
    def track(**student):
        return {"track": {"student": {"path": "p", **student}}}

    old = record(snapshot=track())
    unused = record("kard", snapshot=track(revision=None, chat_template=False, shape={}))
    assert len(rows([old, unused])) == 2
    for used in ({"chat_template": True}, {"shape": {"hidden_size": 1}}, {"alpha": 0}):
        with pytest.raises(RecordError):
            rows([old, record("kard", snapshot=track(**used))])


def test_rows_that_saw_knowledge_say_whether_it_was_written_per_task():
    told = record("skintern", snapshot={"knowledge": "per task"})
    found = rows([told, record()])
    assert {row.method: row.knowledge for row in found} == {"skintern": "per task", "std_cot": None}
    assert legend(found).endswith(" knowledge: per task - skintern.")
    assert "knowledge:" not in legend(rows([record()]))


def test_no_records_give_no_rows():
    assert rows([]) == []


def test_tables_show_percentages_with_their_interval():
    (row,) = rows([record(seed=s, outcomes={"id_a": [1] * 60 + [0] * 40}) for s in range(2)])
    low, high = 100 * row.id.low, 100 * row.id.high
    for form in ("text", "markdown", "latex"):
        assert f"60.0 [{low:.1f}, {high:.1f}]" in table([row], form)
    assert "std_cot" in legend([row])


def test_the_detail_table_has_a_column_per_data_set_and_one_of_failed_extractions():
    (row,) = rows([with_costs(record(), "id_a", failed=[1, 1, 1, 0])])
    head, _, line = detail([row], "markdown").splitlines()
    cells = dict(
        zip(*([cell.strip() for cell in text.split("|")] for text in (head, line)), strict=True)
    )
    assert cells["id_a"] == "75.0"
    assert cells["failed"] == "37.5"


def test_a_row_from_an_uncommitted_tree_is_marked():
    clean, dirty = rows([record("a"), record("b", provenance={"dirty": True})])
    assert "†" in table([dirty], "markdown")
    assert "uncommitted" in legend([clean, dirty])
    assert "†" not in table([clean], "markdown") + legend([clean])


def test_every_export_names_every_row():
    ranked = rows([record(), record("kard[passages=2]")])
    assert r"\toprule" in export(Shown(ranked), "latex")
    assert "|" in export(Shown(ranked), "markdown")
    assert json.loads(export(Shown(ranked), "json")) == [row_json(row) for row in ranked]
    lines = list(csv.DictReader(io.StringIO(export(Shown(ranked), "csv"))))
    assert [line["method"] for line in lines] == ["kard[passages=2]", "std_cot"]
    assert float(lines[0]["id.value"]) == 0.75
    assert float(lines[0]["tasks.ood_a"]) == 0.5


def test_a_comparison_gives_differences_of_accuracy_and_ratios_of_cost():
    better = record("skintern", outcomes={"id_a": [1, 1, 1, 1], "ood_a": [0, 0, 1, 1]})
    slow = record(latency=replace(record().latency, ttft_s_p50=0.04))
    slow = with_costs(slow, "id_a", prefill_flops=[4000] * 4)
    found = compare([better], [slow], [better, slow])
    assert found.id.value == 0.25
    assert found.ood is not None
    assert (found.ood.value, found.ood.p) == (0.0, 1.0)
    assert found.total_flops_ratio == 1500 / 3000
    assert (found.ttft_ratio, found.tpot_ratio) == (0.25, 1.0)
    body = json.loads(json.dumps(found, default=asdict))
    assert {"value", "low", "high", "p"} <= body["id"].keys()
    assert "+25.0" in comparison_text(found)


def test_times_of_two_devices_have_no_ratio():
    mine, yours = (record(name, provenance={"device": name}) for name in ("a", "b"))
    alike = replace(yours, provenance=mine.provenance)
    assert compare([mine], [alike], [mine, alike]).ttft_ratio == 1
    for other in ([yours], [alike, replace(yours, seed=1)]):
        found = compare([mine], other, [mine, *other])
        assert (found.ttft_ratio, found.tpot_ratio, found.total_flops_ratio) == (None, None, 1)


def test_a_p_value_below_what_is_computed_is_not_printed_as_a_number():
    assert [p_value(p) for p in (0.0123, 1e-9, 16e-12)] == ["0.0123", "1e-09", "<1e-09"]


def test_items_are_paired_by_id_and_not_by_place():
    one = record("a", outcomes={"id_a": [1, 1, 0, 0]})
    turned = with_costs(one, "id_a", items=one.data_sets["id_a"].items[::-1], strict=[0, 0, 1, 1])
    other = replace(turned, label="b")
    found = compare([one], [other], [one, other])
    assert (found.id.value, found.id.p, found.id.stderr) == (0.0, 1.0, unseen(4))


def test_two_single_runs_are_compared_by_mcnemar_on_each_data_set():
    one = record("a", outcomes={"id_a": [1] * 9 + [0]})
    other = record("b", outcomes={"id_a": [0] * 7 + [1, 1, 0]})
    p = compare([one], [other], [one, other]).data_sets["id_a"].p
    assert p == mcnemar([1] * 9 + [0], [0] * 7 + [1, 1, 0])


def test_methods_that_answered_other_items_are_not_compared():
    fewer = record("kard", outcomes={"id_a": OUTCOMES["id_a"]})
    for one, other in [(record(), fewer), (fewer, record())]:
        with pytest.raises(RecordError, match="different items in ood_a"):
            compare([one], [other], [])
    renamed = with_costs(record("kard"), "id_a", items=list("wxyz"))
    with pytest.raises(RecordError, match="id_a"):
        compare([record()], [renamed], [])
    reworded = with_costs(record("kard"), "id_a", items_sha256="else")
    with pytest.raises(RecordError, match="id_a"):
        compare([record()], [reworded], [])


def test_a_graded_metric_is_averaged_in_the_place_of_right_and_wrong() -> None:
    base = record(outcomes={"id_a": [1, 0, 0, 0], "ood_a": [0, 0, 0, 0]})
    bleu = replace(
        base.data_sets["id_a"], graded={"bleu": [0.5, 0.25, 0.0, 0.25], "rank": [1, None, 7, 2]}
    )
    graded = replace(base, data_sets={**base.data_sets, "id_a": replace(bleu, metric="bleu")})
    assert (
        row([graded], UNPOOLED).id.value == 0.25 and row([graded], UNPOOLED).tasks["id_a"] == 0.25
    )
    beside = replace(base, data_sets={**base.data_sets, "id_a": bleu})
    assert row([beside], UNPOOLED).id.value == 0.25 == row([base], UNPOOLED).id.value
    assert row([graded], UNPOOLED).id_author == 0.25 == row([base], UNPOOLED).id_author


def test_a_corpus_that_answers_has_a_row_without_latency() -> None:
    """Nor relative FLOPs: what its teacher spent on writing is not known."""
    teacher = record("loose_teacher", kind="corpus", latency=None)
    found = {each.method: each for each in rows([record(), teacher])}
    assert found["loose_teacher"].ttft_s is None and found["std_cot"].ttft_s is not None
    assert found["loose_teacher"].relative_flops is None and found["std_cot"].relative_flops == 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"graded": {"bleu": [0.5]}}, "bleu .*1 .*4"),
        ({"metric": "b", "graded": {"b": [1, 1, 0, 0]}}, "metric is for who reads to choose"),
        ({"graded": {"failed": [1, 1, 0, 0]}}, "graded.failed has the name of a column"),
    ],
)
def test_grades_that_do_not_go_with_the_items_are_refused(
    tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    base = record()
    broken = replace(base, data_sets={"id_a": replace(base.data_sets["id_a"], **change)})
    broken.save(tmp_path / "seed0.json")
    with pytest.raises(RecordError, match=fault):
        Record.load(tmp_path / "seed0.json")


def test_grades_are_kept_as_they_were(tmp_path: Path) -> None:
    base = record()
    graded = replace(base.data_sets["id_a"], graded={"rank": [1.0, None, 3.0, 2.0]})
    made = replace(base, data_sets={**base.data_sets, "id_a": graded})
    made.save(tmp_path / "seed0.json")
    assert Record.load(tmp_path / "seed0.json") == made


def test_a_row_that_is_shown_what_a_question_needs_is_marked_as_an_upper_bound():
    above = record("few_shot", snapshot={"upper_bound": True})
    (old,) = rows([record(snapshot={"method": {"query": "oracle"}})])
    assert old.upper_bound, "a record from before they said so"
    ranked = {row.method: row for row in rows([record(), above])}
    assert ranked["few_shot"].upper_bound and not ranked["std_cot"].upper_bound
    assert ranked["few_shot"].id_rank is None and ranked["std_cot"].id_rank is not None
    assert "few_shot ^" in table([ranked["few_shot"]], "text")
    assert "^ an upper bound" in legend([ranked["few_shot"]])
    assert "^" not in legend([ranked["std_cot"]])
