"""The gate as continuous integration calls it, in a clone of a repository with a small board."""

import json
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.__main__ import main
from leaderboard.store import board
from leaderboard.store.board import load
from tests.leaderboard_records import data_set, save
from tests.test_leaderboard_gate import lowered, shares, table

LABELS = "abc"


@pytest.fixture
def truth():
    return shares(np.random.default_rng(7), LABELS)


@pytest.fixture
def clone(tmp_path, monkeypatch, truth):
    """A clone whose board was committed: three rows of two seeds; the process stands in it."""
    origin, here = tmp_path / "origin", tmp_path / "clone"
    save(origin / "leaderboard/records/v1", table(np.random.default_rng(8), truth, range(2)))
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(origin)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(origin)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "records"], check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(here)], check=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(board, "PUBLISHED", here / "leaderboard/records")
    return here


def rewrite(clone, change):
    """Replace the committed records of row `a` in the tree."""
    root = clone / "leaderboard/records/v1"
    changed = [change(record) for record in load("toy", root) if record.label == "a"]
    for path in (root / "toy/a").glob("*.json"):
        path.unlink()
    save(root, changed)


def with_sets(record, **lists):
    sets = {
        name: replace(each, **{key: change(each) for key, change in lists.items()})
        for name, each in record.data_sets.items()
    }
    return replace(record, data_sets=sets)


def test_a_tree_that_changed_no_record_passes(clone, capsys):
    assert main(["board", "regress", "--base", "main"]) == 0
    assert "0 regressions in 18 comparisons" in capsys.readouterr().out


def test_two_honest_seeds_of_a_row_pass(clone, truth, capsys):
    """Other runs in the place of the committed ones, drawn alike."""
    root = clone / "leaderboard/records/v1"
    for path in root.glob("toy/*/*.json"):
        path.unlink()
    save(root, table(np.random.default_rng(9), truth, range(2)))
    assert main(["board", "regress", "--base", "main"]) == 0
    assert "-> " in capsys.readouterr().out


def test_worse_outcomes_fail_and_the_report_names_row_metric_and_numbers(clone, capsys):
    rewrite(clone, lambda r: with_sets(r, strict=lambda each: [0] * len(each.strict)))
    assert main(["board", "regress", "--base", "main"]) == 1
    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if line.startswith("REGRESSION  toy/a id: ")]
    before = 100 * np.mean([r.data_sets["id_a"].strict for r in committed(clone)])
    assert f"id: {before:.1f} -> 0.0 % (p = " in line
    assert "skbench run toy --methods a --seeds 2,3\n" in told
    assert "skbench board regress --base main --track toy --confirm 2,3\n" in told


def committed(clone):
    shown = subprocess.run(
        ["git", "archive", "main", "leaderboard/records"],
        cwd=clone,
        capture_output=True,
        check=True,
    ).stdout
    folder = clone.parent / "committed"
    folder.mkdir()
    subprocess.run(["tar", "x", "-C", str(folder)], input=shown, check=True)
    return [r for r in load("toy", folder / "leaderboard/records/v1") if r.label == "a"]


def test_longer_prompts_fail_by_their_count_and_need_no_rerun(clone, capsys):
    rewrite(clone, lambda r: with_sets(r, prompt_tokens=lambda d: [n + 1 for n in d.prompt_tokens]))
    assert main(["board", "regress", "--base", "main"]) == 1
    told = capsys.readouterr().out
    assert "REGRESSION  toy/a prompt_tokens: 10 -> 11 tokens (exact)" in told
    assert told.count("REGRESSION") == 1 and "--confirm" not in told


def test_one_format_goes_to_a_file_and_the_text_to_the_log(clone, capsys):
    rewrite(clone, lambda r: with_sets(r, strict=lambda each: [0] * len(each.strict)))
    words = ["board", "regress", "--base", "main"]
    assert main([*words, "--format", "junit", "--output", "gate.xml"]) == 1
    assert "REGRESSION" in capsys.readouterr().out
    assert len(ElementTree.parse("gate.xml").findall(".//failure")) == 2
    assert main([*words, "--format", "github"]) == 1
    place = "::error file=leaderboard/records/v1/toy/a/seed0.json,title=toy/a id::"
    assert place in capsys.readouterr().out
    assert main([*words, "--json"]) == main([*words, "--format", "json"]) == 1
    assert main([*words, "--format", "markdown"]) == 1
    assert "| <code>toy/a</code>" in capsys.readouterr().out


@pytest.mark.parametrize(("drop", "status"), [(0.3, 1), (0.0, 0)])
def test_an_alarm_fails_or_not_by_local_runs_of_fresh_seeds(
    clone, truth, tmp_path, drop, status, capsys
):
    rng = np.random.default_rng(11)
    local = tmp_path / "home/records/v1"
    save(local, table(rng, lowered(truth, "a", 0.35), (0,)))
    words = ["board", "regress", "--base", "leaderboard/records", "--track", "toy", "--local"]
    words += ["--common"]
    assert main(words) == 1
    again = capsys.readouterr().out.splitlines()[-1].split()[1:]
    assert again == [*words, "--confirm", "2,3"], "the very command, with the seeds"
    assert main(again) == 3, "they have not run"
    save(local, table(rng, {"a": lowered(truth, "a", drop)["a"]}, (2, 3)))
    capsys.readouterr()
    assert main([*again, "--json"]) == status
    body = json.loads(capsys.readouterr().out)
    asked = [f["again"]["seeds"] for f in body["findings"] if f["again"]]
    assert asked and all(seeds == [2, 3] for seeds in asked)


def test_seeds_that_the_base_has_cannot_confirm(clone, capsys):
    assert main(["board", "regress", "--base", "main", "--confirm", "1,5"]) == 2
    assert "the base has seed 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["--confirm", "-1"], ["--confirm", "x"], ["--format", "xml"], ["--latency-ratio", "0.9"]],
)
def test_arguments_that_cannot_be_are_refused(clone, words):
    with pytest.raises(SystemExit) as stopped:
        main(["board", "regress", "--base", "main", *words])
    assert stopped.value.code == 2


def test_a_checkpoint_has_no_seeds_to_confirm_with(clone, capsys):
    words = ["board", "regress", "--base", "main", "--track", "toy", "--candidate", "a@mine"]
    assert main([*words, "--common"]) == 2
    assert "leave out --confirm and --common" in capsys.readouterr().err
    assert main(words) == 2
    assert "skbench evaluate" in capsys.readouterr().err


@pytest.mark.parametrize(("drop", "status"), [(0.0, 0), (0.35, 1)])
def test_a_checkpoint_is_held_against_the_row_of_its_method(
    clone, truth, tmp_path, drop, status, capsys
):
    rng = np.random.default_rng(12)
    (run,) = table(rng, {"a": lowered(truth, "a", drop)["a"]}, (0,))
    made = replace(run, track="toy.own", label="a@mine-1", latency=None)
    save(tmp_path / "home/records/v1", [made])
    words = ["board", "regress", "--base", "main", "--track", "toy", "--candidate", "a@mine-1"]
    assert main([*words, "--json"]) == status
    body = json.loads(capsys.readouterr().out)
    assert [(f["label"], f["metric"]) for f in body["findings"]] == [
        ("a@mine-1", metric) for metric in ("id", "ood", "prompt_tokens", "generated_tokens")
    ]
    assert main([*words, "--against", "nobody"]) == 2
    assert "unknown method label 'nobody'" in capsys.readouterr().err


def test_a_checkpoint_that_answered_other_items_is_incomplete(clone, truth, tmp_path, capsys):
    other = {"id_a": data_set("id_a", [1] * 4), "ood_a": data_set("ood_a", [1] * 4)}
    (run,) = table(np.random.default_rng(13), {"a": truth["a"]}, (0,))
    save(
        tmp_path / "home/records/v1",
        [replace(run, track="toy.own", label="a@mine-1", data_sets=other)],
    )
    words = ["board", "regress", "--base", "main", "--track", "toy", "--candidate", "a@mine-1"]
    assert main(words) == 3
    assert "different items" in capsys.readouterr().out
