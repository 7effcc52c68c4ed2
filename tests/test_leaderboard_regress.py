"""The gate: what counts as a regression, what as incomplete, and what does not."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from leaderboard.compare.gate.base import base_root
from leaderboard.compare.gate.findings import merged, report_json
from leaderboard.compare.regress import regress
from leaderboard.show.gate.text import text
from leaderboard.store.board import UnknownName
from tests.leaderboard_records import record, save, with_costs


def runs(label, share, n_seeds=2):
    """Seeds of a label, right on about `share` of 200 items in each of two data sets."""
    rng = np.random.default_rng(0)
    draws = rng.random((2, 200))
    return [
        record(label, seed, {f"{g}_a": [int(x < share) for x in d] for g, d in named(draws)})
        for seed in range(n_seeds)
    ]


def named(draws):
    return zip(("id", "ood"), draws, strict=True)


def regressed(report):
    return [(f.label, f.metric) for f in report.findings if f.regression]


def test_the_same_records_are_no_regression():
    report = regress("toy", runs("a", 0.7), runs("a", 0.7))
    assert (report.status, report.incomplete) == (0, [])
    assert {f.metric for f in report.findings} == {
        "id", "ood", "prompt_tokens", "generated_tokens", "prefill_flops", "decode_flops",
    }  # fmt: skip


def test_a_clear_drop_is_a_regression_and_the_same_gain_is_none():
    report = regress("toy", runs("a", 0.7), runs("a", 0.5))
    assert (report.status, regressed(report)) == (1, [("a", "id"), ("a", "ood")])
    assert regress("toy", runs("a", 0.5), runs("a", 0.7)).status == 0


def test_a_drop_that_chance_explains_is_no_regression():
    base = record(outcomes={"id_a": [1] * 60 + [0] * 40})
    new = record(outcomes={"id_a": [0] * 2 + [1] * 58 + [1] + [0] * 39})
    report = regress("toy", [base], [new])
    (finding,) = [f for f in report.findings if f.metric == "id"]
    assert finding.new < finding.base
    assert report.status == 0


def test_p_values_are_adjusted_over_all_labels_and_both_groups():
    base = [record(label, outcomes={"id_a": [1] * 100}) for label in "abcdefgh"]
    drop = {"id_a": [0] * 4 + [1] * 96}  # one-sided p = 0.022
    new = [record("a", outcomes=drop), *base[1:]]
    assert regressed(regress("toy", base[:1], new)) == [("a", "id")]
    assert regressed(regress("toy", base, new)) == []


@pytest.mark.parametrize(
    ("metric", "lists"),
    [
        ("prompt_tokens", {"prompt_tokens": [10, 10, 10, 11]}),
        ("prefill_flops", {"prefill_flops": [1000, 1000, 1000, 1001]}),
        ("decode_flops", {"decode_flops": [500, 500, 500, 501]}),
    ],
)
def test_one_token_or_flop_more_at_fixed_lengths_is_a_regression(metric, lists):
    worse = with_costs(record(), "ood_a", **lists)
    assert regressed(regress("toy", [record()], [worse])) == [("std_cot", metric)]
    assert regress("toy", [worse], [record()]).status == 0


def test_flops_of_items_whose_lengths_differ_are_not_compared():
    longer = with_costs(
        record(), "id_a", generated_tokens=[6, 5, 5, 5], decode_flops=[600, 500, 500, 500]
    )
    assert regress("toy", [record()], [longer]).status == 0
    shorter = with_costs(
        record(), "id_a", prompt_tokens=[9, 10, 10, 10], prefill_flops=[1100, 1000, 1000, 1000]
    )
    assert regress("toy", [record()], [shorter]).status == 0


def test_a_second_prompt_may_grow_with_the_completion_that_it_holds():
    old = with_costs(record(), "id_a", n_calls=[2] * 4)
    longer = {"prompt_tokens": [12, 10, 10, 10], "n_calls": [2] * 4}
    grown = with_costs(old, "id_a", generated_tokens=[7, 5, 5, 5], **longer)
    assert regress("toy", [old], [grown]).status == 0
    assert regress("toy", [old], [with_costs(old, "id_a", **longer)]).status == 1


def test_costs_are_paired_by_item_and_by_seed():
    first = with_costs(record(), "id_a", prompt_tokens=[10, 20, 30, 40])
    turned = with_costs(
        first,
        "id_a",
        items=first.data_sets["id_a"].items[::-1],
        strict=first.data_sets["id_a"].strict[::-1],
        prompt_tokens=[40, 30, 20, 10],
        prefill_flops=[1000] * 4,
    )
    assert regress("toy", [first], [turned]).status == 0
    slower = with_costs(turned, "id_a", prefill_flops=[1000, 1000, 1000, 1001])
    assert regressed(regress("toy", [first], [slower])) == [("std_cot", "prefill_flops")]
    other_seed = with_costs(replace(first, seed=1), "id_a", prompt_tokens=[99] * 4)
    assert regress("toy", [first], [first, other_seed]).status == 0


def test_a_missing_label_or_seed_is_incomplete_unless_something_else_regressed():
    base = [*runs("a", 0.7), *runs("b", 0.7)]
    report = regress("toy", base, runs("a", 0.7))
    assert report.status == 3
    assert "toy/b: " in report.incomplete[0]
    assert regress("toy", base, [*runs("a", 0.7), *runs("b", 0.7, 1)]).status == 3
    assert regress("toy", base, runs("a", 0.4)).status == 1


def test_new_labels_and_seeds_are_welcome():
    new = [*runs("a", 0.7, 3), *runs("b", 0.2)]
    assert regress("toy", runs("a", 0.7), new).status == 0


def test_other_items_are_incomplete_and_not_compared():
    report = regress("toy", [record()], [record(outcomes={"id_a": [0, 0, 0, 0]})])
    assert (report.status, report.findings) == (3, [])
    reworded = with_costs(record(), "id_a", items_sha256="else")
    report = regress("toy", [record()], [reworded])
    assert (report.status, report.findings) == (3, [])


def test_one_new_seed_is_compared_with_the_same_one_of_three():
    base = [*runs("a", 0.7, 3), *runs("b", 0.7, 3)]
    same = regress("toy", base, runs("a", 0.7, 1), common=True)
    assert (same.status, same.incomplete) == (0, [])
    assert {f.label for f in same.findings} == {"a"}
    assert regressed(regress("toy", base, runs("a", 0.5, 1), common=True)) == [
        ("a", "id"), ("a", "ood"),
    ]  # fmt: skip


def test_only_seeds_that_both_have_count_as_common():
    bad = runs("a", 0.1, 3)[2]
    assert regress("toy", runs("a", 0.7, 1), [*runs("a", 0.7, 1), bad], common=True).status == 0


@pytest.mark.parametrize("base", [[], [record(seed=1)], [record("kard")]])
def test_nothing_in_common_is_incomplete(base):
    report = regress("toy", base, [record()], common=True)
    assert (report.status, report.findings) == (3, [])
    assert "toy: base and new have no (label, seed) in common" in text(report)


def test_a_base_without_records_is_said_and_passes():
    report = regress("toy", [], runs("a", 0.7))
    assert report.status == 0
    assert "no records" in text(report)


def test_reports_of_tracks_join_and_the_text_names_each_regression():
    bad = regress("toy", runs("a", 0.7), runs("a", 0.4))
    both = merged([regress("toy-2", [], []), bad])
    assert both.status == report_json(both)["status"] == 1
    assert text(both).count("REGRESSION") == 2


@pytest.fixture
def repository(tmp_path):
    """A git repository with one commit: a label's records, then removed from the tree."""
    root = tmp_path / "repository"
    published = root / "leaderboard" / "records" / "v1"
    save(published, [record("skintern[steps=2]")])
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git[:3], "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "empty"], check=True)
    subprocess.run([*git, "tag", "empty"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "records"], check=True)
    shutil.rmtree(published)
    return published.parent


def test_the_base_of_a_git_ref_is_what_was_committed_there(repository, tmp_path):
    root = base_root("main", tmp_path / "base", repository)
    assert [p.name for p in (root / "v1/toy/skintern[steps=2]").iterdir()] == ["seed0.json"]


def test_a_ref_from_before_the_first_record_has_none(repository, tmp_path):
    root = base_root("empty", tmp_path / "base", repository)
    assert list(root.rglob("*.json")) == []


@pytest.mark.parametrize("ref", ["mian", "--help", ""])
def test_an_unknown_ref_is_refused(repository, tmp_path, ref):
    with pytest.raises(UnknownName, match=re.escape(repr(ref))):
        base_root(ref, tmp_path / "base", repository)


def test_the_nearest_ref_is_named(repository, tmp_path):
    with pytest.raises(UnknownName, match=r"'mian'.*'main'"):
        base_root("mian", tmp_path / "base", repository)


def test_a_folder_may_be_records_or_a_clone(tmp_path):
    inner = tmp_path / "leaderboard" / "records" / "v1"
    save(inner, [record()])
    for base, expected in ((inner, inner), (inner.parent, inner.parent), (tmp_path, inner.parent)):
        assert base_root(str(base), tmp_path / "x", tmp_path / "published") == expected
