"""What each row was given beside the reference, and the marks that say so."""

import json
from argparse import ArgumentParser
from dataclasses import asdict, replace

import pytest

from leaderboard.cli import parser as cli
from leaderboard.rows.audit import audit, audit_legend, audit_table
from leaderboard.rows.rank import rows
from leaderboard.rows.row import row_json
from leaderboard.show.exporting import Shown, export
from leaderboard.show.render import detail, legend, table
from leaderboard.store import board
from leaderboard.store.record import Record
from tests.leaderboard_records import record, save, trained

DECODING = {"max_new_tokens": 128, "stop": ["\n\n"]}


def decoded(base, **changes):
    return replace(base, snapshot={"track": {"decoding": DECODING | changes}})


def treatment(*records, label="kard"):
    return next(each for each in audit(records) if each.label == label)


def test_a_method_that_was_given_twice_the_tokens_is_flagged():
    twice = trained(record("kard"), tokens=100_000)
    found = treatment(record(), twice)
    assert found.ratios["train_tokens"] == 2.0
    assert found.warnings == {"train_tokens": "training tokens 2.00x the reference"}
    marked, plain = rows([record(), twice])
    assert (marked.unequal, plain.unequal) == (["training tokens 2.00x the reference"], [])
    head, _, first, second = table([marked, plain], "markdown").splitlines()
    assert "| kard ! " in first
    assert "!" not in head + second
    told = "! not matched with std_cot in training tokens, steps, tuning trials or decoding"
    assert told in legend([marked, plain])
    assert f"{told}." in audit_legend(audit([record(), twice]), "std_cot")
    assert "!" not in legend([plain])


def test_a_method_that_was_given_a_quarter_of_the_tokens_is_flagged_too():
    found = treatment(record(), trained(record("kard"), tokens=12_500))
    assert found.warnings == {"train_tokens": "training tokens 0.25x the reference"}


@pytest.mark.parametrize(("tokens", "flagged"), [(52_500, False), (52_501, True), (47_499, True)])
def test_tokens_match_within_five_percent(tokens, flagged):
    found = treatment(record(), trained(record("kard"), tokens=tokens))
    assert bool(found.warnings) is flagged


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("n_steps", 151, "optimizer steps 151, the reference 150"),
        ("tuning_trials", 4, "tuning trials 4, the reference 0"),
    ],
)
def test_steps_and_trials_match_exactly_and_mark_the_row(field, value, words):
    other = trained(record("kard"), **{field: value})
    assert treatment(record(), other).warnings == {field: words}
    assert rows([record(), other])[0].unequal == [words]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("n_examples", 399, "examples 399, the reference 400"),
        ("teacher_tokens", 40_000, "teacher tokens 2.00x the reference"),
        ("teacher_flops", 10**9, "teacher FLOPs 1e+09, the reference none"),
        (
            "written_tokens",
            12_345,
            "tokens that the student wrote 1.23e+04, the reference none",
        ),
    ],
)
def test_what_a_method_needs_of_the_teacher_is_named_but_does_not_mark_the_row(field, value, words):
    other = trained(record("kard"), **{field: value})
    name = "teacher_and_helper_flops" if field == "teacher_flops" else field
    assert treatment(record(), other).warnings == {name: words}
    assert rows([record(), other])[0].unequal == []


def test_restarts_are_named_but_do_not_mark_the_row():
    fresh = replace(record("kard"), snapshot={"restarts": 3})
    found = treatment(replace(record(), snapshot={"restarts": 0}), fresh)
    assert found.warnings == {"restarts": "restarts 3, the reference 0"}
    assert found.telling == []


def test_what_critics_and_rerankers_took_stands_with_the_teachers_flops():
    other = trained(record("kard"), teacher_flops=10**9, helper_flops=10**9)
    found = treatment(record(), other)
    assert found.warnings == {"teacher_and_helper_flops": "teacher FLOPs 2e+09, the reference none"}


def test_trials_chose_for_all_seeds_whichever_was_told_of_them():
    told, untold = (trained(record("kard", seed=i), tuning_trials=n) for i, n in ((0, 4), (1, 0)))
    assert treatment(trained(record(), tuning_trials=4), told, untold).warnings == {}


def test_other_decoding_is_named_setting_by_setting():
    found = treatment(decoded(record()), decoded(record("kard"), max_new_tokens=256))
    assert found.same_decoding is False
    assert found.telling == ["decoding: max_new_tokens 256, the reference 128"]
    assert treatment(decoded(record()), decoded(record("kard"))).same_decoding is True
    assert treatment(record(), decoded(record("kard"))).same_decoding is None


def test_one_seed_with_other_decoding_is_enough():
    runs = [decoded(record("kard")), decoded(record("kard", seed=1), stop=[])]
    assert treatment(decoded(record()), *runs).same_decoding is False


def test_rows_that_do_not_train_are_listed_and_compared_in_decoding_alone():
    idle = trained(record("kard"), tokens=0, n_steps=0, n_examples=0, teacher_tokens=5)
    found = treatment(decoded(record()), decoded(idle))
    assert (found.trains, found.warnings) == (False, {})
    assert set(found.ratios.values()) == {None}
    other = treatment(decoded(record()), decoded(idle, max_new_tokens=1))
    assert list(other.warnings) == ["decoding"]


def test_nothing_is_compared_with_a_reference_that_is_missing_or_does_not_train():
    assert audit([]) == []
    (alone,) = audit([record("kard")])
    assert (set(alone.ratios.values()), alone.warnings) == ({None}, {})
    assert "std_cot has no row here" in audit_legend([alone], "std_cot")
    idle = trained(record(), tokens=0)
    assert treatment(idle, record("kard")).warnings == {}


def test_costs_are_means_over_seeds():
    seeds = [trained(record("kard", seed), n_steps=n) for seed, n in enumerate((150, 450))]
    found = treatment(record(), *seeds)
    assert (found.n_seeds, found.n_steps, found.ratios["n_steps"]) == (2, 300, 2.0)


def test_restarts_are_those_of_the_snapshot_else_of_the_runs_that_showed_knowledge():
    told = record("kard", snapshot={"restarts": 3})
    assert treatment(told).restarts == 3
    assert treatment(trained(record("kard"), kept_ratio=[1.0, 0.5, 0.0])).restarts == 2
    assert treatment(record("kard")).restarts is None


def test_the_audit_as_a_table_and_as_json():
    found = audit([record(), trained(record("kard"), tokens=100_000, teacher_flops=10**9)])
    head, _, line, _ = audit_table(found, "markdown").splitlines()
    cells = dict(
        zip(*([cell.strip() for cell in text.split("|")] for text in (head, line)), strict=True)
    )
    assert cells["method"] == "kard !"
    assert cells["train tok"] == "100,000 (2.00x)"
    assert cells["teacher FLOPs"] == "1.00e+09"
    assert cells["not matched"].startswith("training tokens 2.00x the reference; teacher FLOPs")
    body = json.loads(json.dumps(found, default=asdict))
    assert body[0]["ratios"]["train_tokens"] == 2.0
    assert body[1]["warnings"] == {}


def test_records_from_before_a_field_was_kept_load_and_match(tmp_path):
    record("kard").save(tmp_path / "new.json")
    body = json.loads((tmp_path / "new.json").read_text())
    del body["skewed"]
    for name in ("teacher_flops", "tuning_trials", "kept_ratio", "loss_curve"):
        del body["training"][name]
    (tmp_path / "old.json").write_text(json.dumps(body))
    old = Record.load(tmp_path / "old.json")
    assert old == record("kard")
    assert treatment(record(), old).warnings == {}


def test_a_skewed_row_is_marked_in_every_table_and_explained_only_where_it_is():
    skewed, plain = record("cascod", skewed=True), record()
    ranked, found = rows([skewed, plain]), audit([skewed, plain])
    for text in (
        table(ranked, "text"),
        detail(ranked, "markdown"),
        export(Shown(ranked), "latex"),
        audit_table(found, "text"),
    ):
        assert "cascod ‡" in text
        assert "std_cot ‡" not in text
    assert "‡ the test prompt differs on purpose" in legend(ranked)
    assert "‡ the test prompt differs on purpose" in audit_legend(found, "std_cot")
    only = rows([plain])
    assert "‡" not in legend(only) + audit_legend(audit([plain]), "std_cot")
    assert [row_json(row)["skewed"] for row in ranked] == [True, False]


def test_the_kept_ratio_is_a_mean_over_seeds_of_each_run_between_restarts():
    seeds = [
        trained(record("skintern", seed), kept_ratio=kept)
        for seed, kept in enumerate(([1.0, 0.5, 0.0], [0.9, 0.6, 0.0], []))
    ]
    (row,) = rows(seeds)
    assert row.kept_ratio == pytest.approx([0.95, 0.55, 0.0])
    assert detail([row], "markdown").splitlines()[-1].rstrip(" |").endswith("95 55 0")
    assert rows([record()])[0].kept_ratio == []


def test_the_verb_prints_the_audit_of_published_and_of_local_records(tmp_path, monkeypatch, capsys):
    published = tmp_path / "repository" / "leaderboard" / "records" / "v1"
    monkeypatch.setattr(board, "PUBLISHED", published.parent)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    parser = ArgumentParser()
    cli.add_parser(parser.add_subparsers())

    def run(*words):
        args = parser.parse_args(["board", "audit", *words])
        return args.run(args)

    assert run("toy") == 3
    save(published, [record(), trained(record("kard"), tokens=100_000)])
    save(tmp_path / "home" / "records" / "v1", [record("mine")])
    assert run("toy") == 0
    assert "training tokens 2.00x the reference" in capsys.readouterr().out
    assert run("toy", "--json", "--local") == 0
    assert [each["label"] for each in json.loads(capsys.readouterr().out)] == ["mine"]
