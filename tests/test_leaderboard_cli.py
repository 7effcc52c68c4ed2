"""The verb `board`, as a user calls it, and the pages it keeps."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.cli.publish import publish
from leaderboard.show.rendering import check, render_all
from leaderboard.store import board
from leaderboard.store.board import UnknownName, load
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Scope
from tests.board_verb import run
from tests.leaderboard_records import record, save


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A repository without records, and an empty $SKBENCH_HOME beside it."""
    root = tmp_path / "repository"
    published = root / "leaderboard" / "records" / "v1"
    published.mkdir(parents=True)
    monkeypatch.setattr(board, "PUBLISHED", published.parent)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    return root


@pytest.fixture
def published(home):
    root = home / "leaderboard" / "records" / "v1"
    save(root, [record(label, seed) for label in ("std_cot", "kard") for seed in (0, 1)])
    return root


@pytest.fixture
def local(home, tmp_path):
    return tmp_path / "home" / "records" / "v1"


def test_show_json_is_a_list_of_rows(published, capsys):
    assert run("show", "toy", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in body] == ["kard", "std_cot"]
    assert body[0]["n_seeds"] == 2


def test_show_by_task_adds_a_table_of_data_sets(published, capsys):
    assert run("show", "toy") == 0
    assert "ood_a" not in capsys.readouterr().out
    assert run("show", "toy", "--by-task") == 0
    assert "ood_a" in capsys.readouterr().out


def test_a_scope_is_read_from_the_local_records_alone(published, local, capsys):
    sealed = record("skintern", scope=Scope(split="sealed", sealed=7))
    world = record("oracle", scope=Scope(world=2))
    save(local, [sealed, world, record("mine")])
    for words, label in [
        (("--sealed", "7"), "skintern"),
        (("--world", "2"), "oracle"),
        (("--local",), "mine"),
    ]:
        assert run("show", "toy", "--json", *words) == 0
        assert [row["method"] for row in json.loads(capsys.readouterr().out)] == [label]
    assert run("show", "toy", "--sealed", "8") == 3


def test_a_track_without_records_is_said_on_stderr_with_exit_code_3(home, capsys):
    assert run("show", "toy") == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "skbench run toy" in printed.err


def test_an_unknown_track_is_refused_with_the_nearest_name(published):
    with pytest.raises(UnknownName, match="unknown track 'toi'; did you mean 'toy'"):
        run("show", "toi")
    assert run("show", "other", known=("other",)) == 3


def test_an_unknown_label_is_refused_with_the_nearest_name(published):
    with pytest.raises(UnknownName, match=r"'karl'.*'kard'"):
        run("compare", "karl", "std_cot", "--track", "toy")


def test_compare_prints_a_difference_with_interval_and_p(published, capsys):
    assert run("compare", "kard", "std_cot", "--track", "toy", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["a"], body["b"], body["id"]["value"], body["id"]["p"]) == ("kard", "std_cot", 0, 1)
    assert run("compare", "kard", "std_cot", "--track", "toy") == 0
    assert "p = 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("show", "toy"),
        ("audit", "toy"),
        ("compare", "kard", "std_cot", "--track", "toy"),
        ("transfer", "toy"),
        ("power", "toy"),
    ],
)
def test_rows_of_other_settings_are_refused_by_every_verb_that_sets_them_side_by_side(
    published, capsys, words
):
    def at(label, epochs, **own):
        snapshot = {"track": {"training": {"epochs": epochs}}, **own}
        return record(label, 2, snapshot=snapshot)

    for each in published.rglob("*.json"):
        each.unlink()
    tuned = {"of": "kard", "name": "tuned", "settings": {"learning_rate": 0.01}}
    rows = [at("std_cot", 3), at("kard", 3), at("kard+tuned", 3, own=tuned)]
    save(published, [replace(each, seed=seed) for each in rows for seed in (1, 2)])
    assert run(*words) == 0
    save(published, [at("skintern", 1)])
    with pytest.raises(RecordError, match=r"settings differ between .*\[skintern seed 2\]"):
        run(*words)


def test_a_grade_stands_in_the_place_of_accuracy_where_it_is_asked_for(local, capsys):
    """On the data sets that have it; a rank is no share, and cannot."""
    grades = {"std_cot": [0.5, 0.25, 0.0, 0.25], "kard": [1 + 1e-15, 0.5, 0.5, 0.0]}
    for label, values in grades.items():
        plain = record(label)
        graded = replace(plain.data_sets["id_a"], graded={"bleu_2": values, "rank": [3.0] * 4})
        save(local, [replace(plain, data_sets={**plain.data_sets, "id_a": graded})])
    assert run("show", "toy", "--local", "--json", "--metric", "bleu_2") == 0
    rows = {row["method"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["kard"]["id"]["value"] == pytest.approx(0.5)
    assert rows["std_cot"]["id"]["value"] == 0.25
    assert rows["kard"]["ood"] is None and list(rows["kard"]["tasks"]) == ["id_a"]
    words = ("compare", "kard", "std_cot", "--track", "toy", "--local", "--metric", "bleu_2")
    assert run(*words) == 0
    printed = capsys.readouterr().out
    assert "bleu_2" in printed and "+25.0" in printed
    with pytest.raises(UnknownName, match="bleu_2"):
        run("show", "toy", "--local", "--metric", "blue")
    with pytest.raises(UnknownName, match="rank"):
        run("show", "toy", "--local", "--metric", "rank")


def test_regress_against_a_folder_exits_with_its_finding(published, tmp_path, capsys):
    base = tmp_path / "base"
    save(base, [record(label, seed) for label in ("std_cot", "kard") for seed in (0, 1)])
    assert run("regress", "--base", str(base)) == 0
    assert "0 regressions in 12 comparisons" in capsys.readouterr().out
    save(base, [record("extra")])
    assert run("regress", "--base", str(base), "--track", "toy", "--json") == 3
    assert json.loads(capsys.readouterr().out)["status"] == 3


def test_regress_common_compares_what_the_new_records_have(published, local, tmp_path, capsys):
    save(local, [record("kard")])
    base = ("regress", "--base", str(published), "--local")
    assert run(*base, "--track", "toy") == 3
    capsys.readouterr()
    assert run(*base, "--track", "toy", "--common") == run(*base, "--common") == 0
    assert "kard" in capsys.readouterr().out
    save(published, [record(track="elsewhere")])
    assert run(*base, "--common") == 0


def test_regress_common_without_anything_in_common_is_incomplete(published, local, capsys):
    base = ("regress", "--base", str(published), "--local", "--common")
    assert run(*base) == 3
    assert "no track in common" in capsys.readouterr().out
    save(local, [record("kard", seed=7)])
    assert run(*base, "--track", "toy") == 3
    assert "no (label, seed) in common" in capsys.readouterr().out


def test_regress_notices_a_track_that_vanished(published, tmp_path):
    base = tmp_path / "base"
    save(base, [record(track="gone")])
    assert run("regress", "--base", str(base)) == 3


def test_regress_is_incomplete_where_there_is_nothing_to_hold_and_refuses_an_unknown_track(
    published, tmp_path, capsys
):
    (tmp_path / "base").mkdir()
    assert run("regress", "--base", str(tmp_path / "base")) == 3
    assert "has no records of any track" in capsys.readouterr().out
    save(tmp_path / "base", [record(track="elsewhere")])
    words = ("regress", "--base", str(tmp_path / "base"), "--track")
    assert run(*words, "toy") == 0, "a track that is new has nothing to fall behind"
    capsys.readouterr()
    assert run(*words, "unrun", known=["unrun"]) == 3
    assert "has records of unrun" in capsys.readouterr().out
    with pytest.raises(UnknownName, match="toy"):
        run("regress", "--base", str(tmp_path / "base"), "--track", "toi")


def test_the_track_to_read_is_pocket_unless_named(published, capsys):
    save(published, [record("in_pocket", track="pocket")])
    for words in (("show", "--json"), ("export", "--format", "json")):
        assert run(*words) == 0
        assert [row["method"] for row in json.loads(capsys.readouterr().out)] == ["in_pocket"]


def test_an_empty_home_is_the_default_one(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SKBENCH_HOME", "")
    monkeypatch.chdir(tmp_path)
    save(tmp_path / ".bench" / "records" / "v1", [record("mine")])
    assert run("show", "toy", "--local", "--json") == 0
    assert [row["method"] for row in json.loads(capsys.readouterr().out)] == ["mine"]


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "json"])
def test_export_writes_the_same_to_a_file_as_to_the_screen(published, tmp_path, capsys, form):
    assert run("export", "toy", "--format", form) == 0
    printed = capsys.readouterr().out
    assert run("export", "toy", "--format", form, "--output", str(tmp_path / "out")) == 0
    assert (tmp_path / "out").read_text() == printed
    assert "kard" in printed


def test_publish_copies_public_records_and_brings_the_pages_up_to_date(home, local, capsys):
    save(local, [record("skintern[steps=2]"), record("kard", scope=Scope(limit=5))])
    assert run("publish", "toy") == 0
    root = home / "leaderboard" / "records" / "v1"
    assert [p.relative_to(root).as_posix() for p in sorted(root.glob("*/*/*"))] == [
        "toy/skintern[steps=2]/seed0.json"
    ]
    assert load("toy", root) == [record("skintern[steps=2]")]
    assert "skintern[steps=2]" in (home / "leaderboard" / "LEADERBOARD.md").read_text()
    assert check(home / "leaderboard" / "records") == []
    assert run("publish", "toy") == 0


def test_a_publication_that_was_cut_off_is_noted_once(home, local, monkeypatch):
    save(local, [record("kard"), record("std_cot")])
    changes = home / "leaderboard" / "CHANGELOG.md"
    for cut in ("leaderboard.cli.publish.note", "leaderboard.cli.publish.log"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(cut, _killed)
            run("publish", "toy")
    assert run("publish", "toy") == 0
    assert changes.read_text().count("kard seed 0; std_cot seed 0") == 1


def _killed(*_):
    raise KeyboardInterrupt


def test_a_published_record_is_never_replaced(published, local):
    changed = replace(record("kard"), method="other")
    save(local, [record("a_new_one"), changed])
    with pytest.raises(RecordError, match="append-only"):
        publish(local, "toy", published)
    assert record("kard") in load("toy", published)
    assert not (published / "toy" / "a_new_one").exists()


def test_a_run_of_a_changed_track_is_not_published_beside_the_old_ones(published, local):
    save(local, [record("a_new_one", provenance={"corpus_sha256": "else"})])
    with pytest.raises(RecordError, match="corpus"):
        publish(local, "toy", published)
    assert not (published / "toy" / "a_new_one").exists()


def test_a_record_that_exists_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    path = tmp_path / "seed0.json"
    record().save(path)
    text = path.read_text()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", lambda *_: pytest.fail("wrote a file"))
        with pytest.raises(FileExistsError, match=r"seed0\.json"):
            record("kard").save(path)
    assert path.read_text() == text


def test_of_two_runs_that_save_at_once_the_second_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "kard" / "seed0.json"
    record().save(path)
    text = path.read_text()
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(FileExistsError):
        record("kard").save(path)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_text() == text


def test_pages_are_filled_between_their_markers_and_stale_ones_are_found(home, published):
    readme = home / "README.md"
    before, after = "# Title\n\n<!-- board:toy -->\n", "<!-- /board -->\n\nmore\n"
    readme.write_text(f"{before}old\n{after}<!-- board:none -->\nold\n<!-- /board -->\n")
    assert run("render", "--check") == 1
    assert set(render_all(home / "leaderboard" / "records")) == {
        readme,
        home / "leaderboard" / "LEADERBOARD.md",
        home / "leaderboard" / "page" / "index.html",
    }
    text = readme.read_text()
    assert text.startswith(before)
    assert after in text
    assert "| kard" in text
    assert "old" not in text
    assert run("render", "--check") == 0
    save(published, [record("newcomer")])
    assert set(check(home / "leaderboard" / "records")) == {
        readme,
        home / "leaderboard" / "LEADERBOARD.md",
        home / "leaderboard" / "page" / "index.html",
    }
    assert run("render") == 0
    assert "newcomer" in readme.read_text()


def test_a_marker_that_is_not_closed_is_an_error_and_nothing_is_written(home, published):
    text = "<!-- board:toy -->\nkept\n"
    (home / "README.md").write_text(text)
    with pytest.raises(RecordError, match=r"README.md: 1 board markers opened, 0 closed"):
        render_all(home / "leaderboard" / "records")
    assert (home / "README.md").read_text() == text


def test_a_dirty_record_is_published_with_a_dagger(home, published):
    save(published, [record("hasty", provenance={"dirty": True})])
    render_all(home / "leaderboard" / "records")
    text = (home / "leaderboard" / "LEADERBOARD.md").read_text()
    assert "hasty †" in text
    assert "kard †" not in text


def test_a_bad_file_is_named(published):
    (published / "toy" / "kard" / "seed9.json").write_text("{")
    with pytest.raises(RecordError, match=r"seed9\.json"):
        run("show", "toy")


def test_a_record_in_the_folder_of_another_track_is_refused(published):
    replace(record("stray"), track="else").save(published / "toy" / "stray" / "seed0.json")
    with pytest.raises(RecordError, match=r"stray/seed0\.json: .*'else'"):
        run("show", "toy")


def test_two_records_of_one_cell_are_refused(published):
    record("kard").save(published / "toy" / "kard" / "again.json")
    with pytest.raises(RecordError, match=r"kard seed 0.*kard/again\.json"):
        run("show", "toy")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["power", "--seeds"], "whole numbers from 1 on, separated by commas"),
        (["amortised", "--questions"], "whole numbers from 0 on, separated by commas"),
        (["explain", "std_cot", "--items"], "a whole number from 1 on"),
        (["regress", "--base=HEAD", "--confirm"], "whole numbers from 0 on, separated by commas"),
        (["regress", "--base=HEAD", "--latency-ratio"], "a number from 1 on"),
        (["power", "--gap"], "a number above 0"),
        (["show", "--limit"], "a whole number from 1 on"),
    ],
)
@pytest.mark.parametrize("text", ["many", "", "-1", "0.5,1", "nan"])
def test_numbers_that_are_none_or_out_of_bounds_are_told_what_is_expected(
    words, expected, text, capsys
):
    with pytest.raises(SystemExit) as caught:
        run(*words[:-1], f"{words[-1]}={text}")
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        f"argument {words[-1]}: expected {expected}, got '{text}'\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["compare", "kard", "kard"], "name each row once"),
        (["compare", "kard", "std_cot", "std_cot"], "name each row once"),
        (["regress", "--base=HEAD", "--against", "kard"], "add --candidate"),
    ],
)
def test_words_that_say_nothing_are_refused(published, words, expected):
    track = ["--track", "toy"] if words[0] == "compare" else []
    with pytest.raises(RecordError, match=expected):
        run(*words, *track)


@pytest.mark.parametrize("hub", ["nonsense", "", "a/b/c"])
def test_a_data_set_of_the_hub_is_named_by_its_owner(published, tmp_path, hub, capsys):
    words = ("export", "toy", "--format", "hf", "--output", tmp_path / "out")
    assert run(*words, "--hub-dataset", hub) == 2
    assert "OWNER/NAME" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert run(*words, "--hub-dataset", "owner/name") == 0


def test_where_nothing_is_to_be_said_a_verb_says_so(home, tmp_path, capsys):
    root = home / "leaderboard" / "records" / "v1"
    save(root, [record("kard")])
    for words, why in (
        (["compare", "kard", "--track", "toy"], "no row beside kard"),
        (["power", "unrun"], "no such records of unrun"),
    ):
        assert run(*words, known=["unrun"]) == 3
        assert why in capsys.readouterr().err
    (root / "toy" / "kard" / "seed0.json").unlink()
    save(root, [record("teacher", kind="corpus", latency=None)])
    assert run("figures", "toy", "--out", tmp_path) == 3
    assert "cost" in capsys.readouterr().err


def test_without_a_folder_of_records_no_page_is_made(home, capsys):
    (home / "leaderboard" / "records" / "v1").rmdir()
    (home / "leaderboard" / "records").rmdir()
    for words in (["render"], ["render", "--check"]):
        assert run(*words) == 3
        assert "no records in" in capsys.readouterr().err
    assert not (home / "leaderboard" / "LEADERBOARD.md").exists()


def test_building_the_parser_loads_nothing_but_the_standard_library():
    code = (
        "import argparse, sys; from leaderboard.cli import parser\n"
        "parser.add_parser(argparse.ArgumentParser().add_subparsers())\n"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    bare = "import sys; print(*{m.split('.')[0] for m in sys.modules})"
    with_it, without = (
        set(
            subprocess.run(
                [sys.executable, "-c", each], capture_output=True, text=True, check=True
            ).stdout.split()
        )
        for each in (code, bare)
    )
    loaded = with_it - without
    assert "leaderboard" in loaded
    assert loaded - {"leaderboard"} <= set(sys.stdlib_module_names)
