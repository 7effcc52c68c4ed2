"""Suites: a track that means something else has records of its own, and the old ones stay."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leaderboard.cli.publish import publish
from leaderboard.compare.regress import regress
from leaderboard.rows.rank import rows
from leaderboard.store import board
from leaderboard.store.board import UnknownName, load, suite, suites
from leaderboard.store.probes import ProbeRecord, load_probes
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record, Scope
from tests.board_verb import run
from tests.leaderboard_records import in_sweep, probe, record, save, trained

LABELS = ("std_cot", "kard")


def of(version: int | None, label: str = "std_cot", seed: int = 0, **changes: Any) -> Record:
    """A record of `toy` that says its version, or is from before there were any."""
    said = {} if version is None else {"version": version}
    return record(label, seed, snapshot={"track": {"corpus": "c", **said}}, **changes)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`toy` in suites v1 and v2, `other` in v1 alone."""
    root = tmp_path / "repository"
    monkeypatch.setattr(board, "PUBLISHED", root / "leaderboard" / "records")
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    save(board.PUBLISHED / "v1", [of(None, label) for label in (*LABELS, "old_row")])
    save(board.PUBLISHED / "v1", [replace(of(None), track="other")])
    save(board.PUBLISHED / "v2", [of(2, label) for label in (*LABELS, "new_row")])
    return root


@pytest.fixture
def local(repository: Path, tmp_path: Path) -> Path:
    return tmp_path / "home" / "records"


def test_suites_stand_in_the_order_of_their_versions(tmp_path: Path) -> None:
    for name in ("v10", "v9", "v0", "v1.5", "old", "v2"):
        save(tmp_path / name, [record(track="a[b]")])
    save(tmp_path / "v11", [record()])
    assert suites(tmp_path, "a[b]") == ["v2", "v9", "v10"]
    assert suite(tmp_path, "a[b]").name == "v10"
    assert suites(tmp_path) == ["v2", "v9", "v10", "v11"]
    assert suite(tmp_path, "nothing").name == suite(tmp_path / "none", "toy").name == "v1"


def test_the_newest_suite_is_shown_unless_another_is_asked_for(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "toy") == 0
    shown = capsys.readouterr().out
    assert "new_row" in shown and "superseded" not in shown
    assert run("show", "toy", "--suite", "v1") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("toy v1 is superseded by v2\n") and "old_row" in shown
    for words, said in (((), ("v2", None)), (("--suite", "v1"), ("v1", "v2"))):
        assert run("show", "toy", "--json", *words) == 0
        found = json.loads(capsys.readouterr().out)
        assert {(row["suite"], row["superseded_by"]) for row in found} == {said}
    assert run("show", "other", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["suite"], row["superseded_by"]) == ("v1", None)


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "kard", "std_cot", "--track", "toy"],
        ["audit", "toy"],
        ["show", "toy", "--by-task"],
        ["probes", "toy"],
        ["bands", "toy"],
    ],
    ids=lambda words: words[0],
)
def test_every_reading_verb_takes_a_suite_and_says_what_superseded_it(
    words: list[str], repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for version in (1, 2):
        each = probe(version=version)
        each.save(repository / "leaderboard" / "probes" / each.place)
    for name, text in (("v1", "toy v1 is superseded by v2\n"), ("v2", "")):
        assert run(*words, "--suite", name) in (0, 3)
        assert capsys.readouterr().out.startswith(text)
    with pytest.raises(UnknownName, match=r"'v3'.*v1, v2"):
        run(*words, "--suite", "v3")


def test_an_exported_table_says_what_superseded_it(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form, text in (("markdown", "\nSuite v1, superseded by v2. ID"), ("latex", "\n% Suite v1")):
        assert run("export", "toy", "--suite", "v1", "--format", form) == 0
        assert text in capsys.readouterr().out
    assert run("export", "toy", "--format", "markdown") == 0
    assert "superseded" not in capsys.readouterr().out


def test_local_rows_are_superseded_by_a_suite_that_is_published(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(local / "v1", [of(1)])
    assert run("show", "toy", "--local", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["suite"], row["superseded_by"]) == ("v1", "v2")


def test_a_track_is_known_though_its_records_are_in_another_suite(repository: Path) -> None:
    assert load("other", board.PUBLISHED / "v2") == []
    with pytest.raises(UnknownName, match=r"'toi'.*'toy'"):
        load("toi", board.PUBLISHED / "v2")


# ------------------------------------------------------------ the version in a record


def test_a_record_in_the_suite_of_another_version_is_refused(repository: Path) -> None:
    save(board.PUBLISHED / "v2", [of(None, "stray")])
    with pytest.raises(RecordError, match=r"stray/seed0\.json: is of version 1 .* suite v1"):
        run("show", "toy")
    each = probe(version=2)
    each.save(repository / "leaderboard" / "probes" / probe(version=1).place)
    with pytest.raises(RecordError, match=r"skintern/seed0\.json: .*suite v2"):
        load_probes(repository / "leaderboard" / "probes" / "v1", "toy")


@pytest.mark.parametrize("version", [0, -1, "2", True, None, 1.5])
def test_a_version_that_is_none_is_refused(tmp_path: Path, version: object) -> None:
    replace(of(1), snapshot={"track": {"version": version}}).save(tmp_path / "seed0.json")
    with pytest.raises(RecordError, match=r"seed0\.json: snapshot\.track\.version"):
        Record.load(tmp_path / "seed0.json")


def test_a_probe_from_before_there_were_versions_is_of_the_first(tmp_path: Path) -> None:
    probe().save(tmp_path / "seed0.json")
    body = json.loads((tmp_path / "seed0.json").read_text())
    del body["version"]
    (tmp_path / "old.json").write_text(json.dumps(body))
    assert ProbeRecord.load(tmp_path / "old.json") == probe(version=1)


def test_a_record_without_a_version_agrees_with_one_of_the_first() -> None:
    assert [row.suite for row in rows([of(None), of(1, seed=1)])] == ["v1"]
    assert [row.suite for row in rows([of(2)])] == ["v2"]
    with pytest.raises(RecordError, match="version: 1, 2"):
        rows([of(None), of(2, seed=1)])


# ------------------------------------------------------------ pages


# ------------------------------------------------------------ regress, bands


def test_records_of_another_version_are_not_compared_and_no_fault(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"id_a": [0] * 4, "ood_a": [0] * 4}
    save(local / "v2", [replace(of(2, outcomes=wrong), track="other")])
    for words in (("--track", "other"), ("--track", "other", "--common")):
        assert run("regress", "--base", str(board.PUBLISHED), "--local", *words) == 0
        out = capsys.readouterr().out
        assert "other: base has v1, new v2: another suite version, nothing compared" in out
        assert "INCOMPLETE" not in out


@pytest.mark.parametrize("base", ["", "v2"], ids=["suites", "one suite"])
def test_new_records_are_compared_with_those_of_their_version(
    base: str, local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(local / "v1", [of(1, label) for label in LABELS])
    save(local / "v2", [of(2, label) for label in (*LABELS, "new_row")])
    words = ["regress", "--base", str(board.PUBLISHED / base), "--track", "toy", "--local"]
    assert run(*words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["label"] for each in found["findings"]} == {*LABELS, "new_row"}
    assert not [note for note in found["notes"] if "version" in note]


def test_old_local_records_are_compared_with_the_old_suite(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(local / "v1", [of(1, "old_row")])
    words = ["regress", "--base", str(board.PUBLISHED), "--track", "toy", "--local", "--common"]
    assert run(*words) == 0
    assert "toy/old_row id" in capsys.readouterr().out


def test_a_track_without_new_records_is_incomplete_in_its_newest_suite(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("regress", "--base", str(board.PUBLISHED), "--track", "toy", "--local") == 3
    out = capsys.readouterr().out
    assert "toy/new_row: no new record" in out and "old_row" not in out


def test_a_report_of_two_versions_holds_one_note() -> None:
    report = regress("toy", [of(None)], [of(2)])
    assert (report.status, report.findings, report.incomplete) == (0, [], [])
    assert report.notes == ["toy: base has v1, new v2: another suite version, nothing compared"]


def test_a_local_loss_is_judged_by_the_published_runs_of_its_version(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curves = {1: [9.0, 9.0], 2: [0.8, 0.3]}
    for version, curve in curves.items():
        for seed in (1, 2):
            run_of = trained(of(version, seed=seed), loss_curve=curve)
            save(board.PUBLISHED / f"v{version}", [run_of])
        save(local / f"v{version}", [trained(of(version, seed=7), loss_curve=curves[2])])
    assert run("bands", "toy", "--local") == 0
    assert run("bands", "toy", "--local", "--suite", "v1") == 1
    capsys.readouterr()
    assert run("show", "toy", "--local") == 0
    assert "std_cot ?" not in capsys.readouterr().out


# ------------------------------------------------------------ publish


def test_records_and_probes_are_published_to_the_suite_they_were_made_for(local: Path) -> None:
    save(local / "v1", [of(1, "left_over")])
    save(local / "v2", [of(2, "fresh")])
    each = probe(version=2)
    each.save(local.parent / "probes" / each.place)
    assert run("publish", "toy") == 0
    assert (board.PUBLISHED / "v2" / "toy" / "fresh" / "seed0.json").is_file()
    assert not list(board.PUBLISHED.rglob("left_over"))
    assert load_probes(board.beside(board.PUBLISHED / "v2", "probes"), "toy") == [each]


def test_a_refused_record_is_told_the_version_to_raise(local: Path) -> None:
    for version in (1, 2):
        save(local / f"v{version}", [of(version, method="other")])
        with pytest.raises(RecordError, match="`version = 3`"):
            publish(local / f"v{version}", "toy", board.PUBLISHED / f"v{version}")


def test_a_raised_version_is_published_beside_the_old_one(local: Path) -> None:
    save(local / "v3", [of(3, method="other")])
    assert run("publish", "toy") == 0
    assert suites(board.PUBLISHED, "toy") == ["v1", "v2", "v3"]


# ------------------------------------------------------------ maps


def pair(version: int, right: int, value: str = "40") -> list[Record]:
    both = (("skintern", right), ("std_cot[restarts=3]", 8))
    found = [in_sweep(label, 0, n, value) for label, n in both]
    return [
        replace(each, snapshot={**each.snapshot, "track": {"version": version}}) for each in found
    ]


def test_a_map_is_of_the_version_of_its_track(
    repository: Path, local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(local / "v1", pair(1, 5))
    assert run("map", "regimes", "--publish") == 0
    page, maps = repository / "leaderboard" / "LEADERBOARD.md", repository / "leaderboard" / "maps"
    assert "### regimes" in page.read_text() and (maps / "v1" / "regimes.json").is_file()
    # The new map has fewer points: it takes nothing from the old one.
    save(local / "v2", pair(2, 7, "400"))
    assert run("map", "regimes", "--publish") == 0
    text = page.read_text()
    assert "| 400 " in text and "| 40 " not in text
    assert {path.parent.name for path in maps.rglob("regimes.json")} == {"v1", "v2"}
    capsys.readouterr()
    for where in ((), ("--local",)):
        for words, value in (((), "400"), (("--suite", "v1"), "40")):
            assert run("map", "regimes", "--json", *where, *words) == 0
            assert [p["value"] for p in json.loads(capsys.readouterr().out)["points"]] == [value]
        with pytest.raises(UnknownName, match=r"'v7'.*v1, v2"):
            run("map", "regimes", *where, "--suite", "v7")


def test_a_map_is_made_of_the_newest_suite_that_has_runs_of_the_sweep(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(local / "v1", pair(1, 5))
    save(local / "v2", [of(2)])
    assert run("map", "regimes", "--local", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 1
    save(local / "v2", pair(1, 5))
    with pytest.raises(RecordError, match=r"seed0\.json: .*suite v1"):
        run("map", "regimes", "--local")


# ------------------------------------------------------------ a track of one's own


@pytest.mark.parametrize(
    ("text", "name"), [("about = 'x'", "mine"), ("name = 'called'", "called")], ids=["stem", "key"]
)
def test_a_file_names_its_track_and_its_records_are_local(
    text: str, name: str, local: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    file = str(path)
    assert run("show", file) == 3
    assert f"no such records of {name} in" in (told := capsys.readouterr().err)
    assert f"run `skbench run {file}` first" in told
    save(local / "v1", [replace(of(1, label), track=name) for label in LABELS])
    for words in (
        ["show", file, "--json"],
        ["audit", file, "--json"],
        ["export", file, "--format", "json"],
    ):
        assert run(*words) == 0
        assert len(json.loads(capsys.readouterr().out)) == 2
    assert run("compare", "kard", "std_cot", "--track", file) == 0
    assert run("bands", file) == 3
    assert run("regress", "--base", str(local), "--track", file) == 0
    assert run("publish", file) == 0
    assert suites(board.PUBLISHED, name) == ["v1"]


@pytest.mark.parametrize(
    ("text", "words"), [(None, "no such file"), ("=", "not valid TOML"), (b"\xff", "not valid")]
)
def test_a_file_that_is_no_track_is_named(
    text: str | bytes | None, words: str, repository: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecordError, match=rf"bad\.toml.*: {words}"):
        run("show", str(path))


def test_a_suite_of_runs_that_are_not_public_is_local_too(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(local / "v1", [of(1, "then", scope=Scope(world=2))])
    save(local / "v2", [of(2, "now", scope=Scope(world=2))])
    for words, label in (((), "now"), (("--suite", "v1"), "then")):
        assert run("show", "toy", "--world", "2", "--json", *words) == 0
        assert [row["method"] for row in json.loads(capsys.readouterr().out)] == [label]
