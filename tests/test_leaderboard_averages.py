"""Micro and macro averages, clusters and overlap with the corpus, from records to tables."""

import json
from dataclasses import replace

import pytest

from leaderboard.compare.pair import compare
from leaderboard.compare.regress import regress
from leaderboard.rows.rank import rows
from leaderboard.rows.row import row_json
from leaderboard.show.exporting import Shown, export
from leaderboard.show.render import detail, legend
from leaderboard.stats.intervals import mcnemar, unseen
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from tests.leaderboard_records import record, with_costs

ID_OVERLAP = {
    "shared_13gram": 0.125,
    "equal_questions": 0.0,
    "may_be_known_to": ["a teacher"],
}
OVERLAP = {
    "id_a": ID_OVERLAP,
    "ood_a": {"shared_13gram": 0.0, "equal_questions": 0.25, "may_be_known_to": []},
}


def with_tasks(base):
    """Three items of task x, of which two are right, and one right one of task y."""
    return with_costs(base, "id_a", tasks=["x", "x", "y", "x"], strict=[1, 0, 1, 1])


def in_pairs(base):
    """Each outcome twice over, by two items of one cluster."""
    single = base.data_sets["id_a"].strict
    doubled = record(base.label, base.seed, {"id_a": [bit for bit in single for _ in range(2)]})
    clusters = [f"seed question {i // 2}" for i in range(2 * len(single))]
    return with_costs(doubled, "id_a", clusters=clusters)


def cells(text):
    """The lines of a markdown table, column -> cell."""
    head, _, *body = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.split("\n")]
    return [dict(zip(head, line, strict=True)) for line in body]


def test_micro_counts_items_and_macro_counts_sub_tasks():
    (row,) = rows([with_tasks(record(seed=seed)) for seed in range(2)])
    assert row.tasks["id_a"] == 3 / 4
    assert row.tasks_macro == {"id_a": pytest.approx((2 / 3 + 1) / 2)}
    assert row.id.value == 3 / 4  # a headline is the mean over data sets of micro averages


def test_the_micro_average_of_a_group_weighs_its_data_sets_by_their_items():
    (row,) = rows([record(outcomes={"id_a": [1, 1], "id_b": [0, 0, 0, 0, 0, 0], "ood_a": [1]})])
    assert (row.id.value, row.id_micro, row.ood_micro) == (0.5, 0.25, 1.0)
    (row,) = rows([record(outcomes={"id_a": [1, 0]})])
    assert (row.id_micro, row.ood_micro) == (0.5, None)


def test_the_json_of_a_row_names_both_averages_and_the_overlap():
    run = with_tasks(record(provenance={"contamination": OVERLAP}))
    (body,) = json.loads(export(Shown(rows([run])), "json"))
    assert body["tasks_macro"] == {"id_a": pytest.approx(5 / 6)}
    assert (body["id_micro"], body["ood_micro"]) == (0.75, 0.5)
    assert body["contamination"] == OVERLAP


def test_the_detail_table_shows_both_averages_and_the_legend_tells_them_apart():
    ranked = rows([with_tasks(record())])
    (line,) = cells(detail(ranked, "markdown"))
    assert (line["id_a"], line["id_a macro"]) == ("75.0", "83.3")
    assert (line["ID micro"], line["OOD micro"]) == ("75.0", "50.0")
    assert "ood_a macro" not in line
    for words in ("micro", "macro", "as the paper does"):
        assert words in legend(ranked)


def test_a_table_without_sub_tasks_and_overlap_shows_neither():
    ranked = rows([record(), record("kard")])
    shown = detail(ranked, "markdown") + legend(ranked)
    for words in ("micro", "macro", "overlap with"):
        assert words not in shown


def test_the_overlap_with_the_corpus_stands_under_each_data_set():
    run = record(provenance={"contamination": OVERLAP})
    lines = cells(detail(rows([record("kard"), run]), "markdown"))[-3:]
    assert [(line["method"], line["id_a"], line["ood_a"], line["failed"]) for line in lines] == [
        ("overlap with the corpus, % of items sharing 13 words", "12.5", "0.0", "-"),
        ("overlap with the corpus, % of items sharing the whole question", "0.0", "25.0", "-"),
        ("may be known to the teacher a teacher", "yes", "-", "-"),
    ]


def test_a_data_set_that_was_not_searched_has_no_overlap_and_not_none():
    run = record(provenance={"contamination": {"id_a": ID_OVERLAP}})
    assert cells(detail(rows([run]), "markdown"))[-2]["ood_a"] == "-"


@pytest.mark.parametrize("wrong", [{"id_a": 0.125}, {"id_a": {"shared": 1}}, ["id_a"]])
def test_an_overlap_in_another_form_is_refused_and_named(wrong):
    with pytest.raises(RecordError, match=r"toy/std_cot seed 0: provenance\.contamination"):
        rows([record(provenance={"contamination": wrong})])


def test_two_items_of_a_cluster_tell_no_more_than_one():
    single = record(outcomes={"id_a": [1, 0, 0, 1, 1, 1]})
    (one,), (other,) = rows([single]), rows([in_pairs(single)])
    naive = with_costs(in_pairs(single), "id_a", clusters=[])
    assert row_json(other)["id"] == pytest.approx(row_json(one)["id"])
    assert rows([naive])[0].id.stderr < other.id.stderr


def test_a_comparison_of_clustered_items_is_that_of_their_clusters():
    a = record("a", outcomes={"id_a": [1] * 9 + [0]})
    b = record("b", outcomes={"id_a": [0] * 5 + [1] * 4 + [0]})
    twice = in_pairs(a), in_pairs(b)
    single, double = compare([a], [b], [a, b]), compare([twice[0]], [twice[1]], twice)
    assert (double.id.low, double.id.p) == pytest.approx((single.id.low, single.id.p))
    assert double.data_sets["id_a"].p == pytest.approx(double.id.p)
    assert double.data_sets["id_a"].p > mcnemar([1] * 18 + [0] * 2, [0] * 10 + [1] * 8 + [0] * 2)


def test_clusters_are_paired_by_item_and_not_by_place():
    one = in_pairs(record("a", outcomes={"id_a": [1, 0, 0]}))
    columns = ("items", "strict", "clusters")
    turned = {name: getattr(one.data_sets["id_a"], name)[::-1] for name in columns}
    other = replace(with_costs(one, "id_a", **turned), label="b")
    found = compare([one], [other], [one, other])
    assert (found.id.value, found.id.stderr) == (0.0, unseen(3))


@pytest.mark.parametrize("clusters", [[], list("abcd")])
def test_items_in_other_clusters_are_other_items(clusters):
    one = with_costs(record(), "id_a", clusters=list("aabb"))
    other = with_costs(record(), "id_a", clusters=clusters)
    with pytest.raises(RecordError, match="id_a"):
        compare([one], [replace(other, label="b")], [])
    with pytest.raises(RecordError, match=r"seed 1: .*seed 0"):
        rows([one, replace(other, seed=1)])
    assert regress("toy", [one], [other]).status == 3


def test_a_drop_within_few_clusters_is_no_regression():
    base, drop = [1] * 120, [0] * 6 + [1] * 114
    old, new = record(outcomes={"id_a": base}), record(outcomes={"id_a": drop})
    clusters = [str(i // 6) for i in range(120)]
    assert regress("toy", [old], [new]).status == 1
    both = [with_costs(each, "id_a", clusters=clusters) for each in (old, new)]
    assert regress("toy", *([each] for each in both)).status == 0


def test_a_file_holds_sub_tasks_and_clusters_only_where_there_are_any(tmp_path):
    plain = record()
    rich = with_costs(with_tasks(plain), "id_a", clusters=list("aabb"))
    for name, run in (("plain", plain), ("rich", rich)):
        run.save(tmp_path / name)
        assert Record.load(tmp_path / name) == run
    stored = json.loads((tmp_path / "plain").read_text())["data_sets"]["id_a"]
    assert not {"tasks", "clusters"} & stored.keys()
    stored = json.loads((tmp_path / "rich").read_text())["data_sets"]
    assert stored["id_a"]["clusters"] == list("aabb")
    assert "clusters" not in stored["ood_a"]


@pytest.mark.parametrize("column", ["tasks", "clusters"])
def test_a_column_of_another_length_is_refused_and_named(tmp_path, column):
    with_costs(record(), "id_a", **{column: ["x"]}).save(tmp_path / "seed0.json")
    with pytest.raises(RecordError, match=f"id_a.{column} has 1 entries, items has 4"):
        Record.load(tmp_path / "seed0.json")


def at(body, path, value):
    """The JSON of a record with the value at a path such as `data_sets.id_a.strict`."""
    *above, last = path.split(".")
    place = body
    for name in above:
        place = place[name]
    place[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("schema", True, "schema .*True"),
        ("label", ["x"], "label .*x"),
        ("snapshot", [], "snapshot"),
        ("provenance", None, "provenance"),
        ("seed", -1, "seed .*-1"),
        ("seed", True, "seed .*True"),
        ("training.tokens", "many", "training.tokens .*many"),
        ("latency.n", {}, "latency.n"),
        ("data_sets.id_a.group", "zzz", "data_sets.id_a.group .*zzz"),
        ("data_sets.id_a.items", None, "data_sets.id_a.items .*None"),
        ("data_sets.id_a.strict", [1, 0, "1", 1], "data_sets.id_a.strict.2 .*'1'"),
        ("data_sets.id_a.strict", [1, 0, 1000, 1], "data_sets.id_a.strict.2 .*1000"),
        ("data_sets.id_a.clusters", [[1], [2], [3], [4]], "data_sets.id_a.clusters.0"),
        ("data_sets.id_a.prefill_flops", [1, 2, 3, -4], "data_sets.id_a.prefill_flops.3 .*-4"),
    ],
)
def test_a_strangers_record_is_checked_before_anything_is_made_of_it(tmp_path, path, value, fault):
    file = tmp_path / "seed0.json"
    record().save(file)
    file.write_text(json.dumps(at(json.loads(file.read_text()), path, value)))
    with pytest.raises(RecordError, match=f"seed0.json: {fault}"):
        Record.load(file)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 200_000, b"[]"])
def test_a_file_that_is_no_record_is_refused(tmp_path, content):
    (tmp_path / "seed0.json").write_bytes(content)
    with pytest.raises(RecordError, match=r"seed0\.json"):
        Record.load(tmp_path / "seed0.json")
