"""From a cell of the table down to the files and the answers that it is made of."""

import json
import shlex
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from statistics import fmean

import pytest

from leaderboard.rows.rank import rows
from leaderboard.show.signature import Signature
from leaderboard.store import board
from leaderboard.store.board import UnknownName, load, of_label, suite
from leaderboard.store.generations import Generations
from leaderboard.store.record import Record
from tests.board_verb import run
from tests.leaderboard_records import record, save, with_costs

LABEL = "skintern[steps=2]"
KEYS = {"key": "b5d6d23fd43433e0", "train_key": "f35af616f690b994"}


def explained(capsys, *words):
    assert run("explain", *words, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def repository(home, tmp_path, monkeypatch):
    """Published records of two rows; `home`, of the local ones, is empty."""
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "leaderboard" / "records")
    runs = [record(label, seed) for label in ("std_cot", "kard") for seed in (0, 1)]
    save(tmp_path / "leaderboard" / "records" / "v1", runs)
    return tmp_path


@pytest.mark.parametrize("cell", ["id", "ood"])
def test_a_cell_is_that_of_the_table_and_its_parts_average_to_it(cell, capsys):
    track = load("pocket", suite(board.PUBLISHED, "pocket"))
    row = next(row for row in rows(track) if row.method == LABEL)
    found, table = explained(capsys, LABEL, "--metric", cell), getattr(row, cell)
    assert (found["value"]["low"], found["value"]["high"]) == (table.low, table.high)
    assert fmean(fmean(p["means"].values()) for p in found["parts"]) == pytest.approx(table.value)
    assert {p["data_set"]: p["n_items"] for p in found["parts"]} == {
        name: len(each.items)
        for name, each in of_label(track, LABEL)[0].data_sets.items()
        if each.group == cell
    }
    assert Signature.parse(found["signature"]).of == cell


def test_each_run_names_its_file_where_it_is_from_and_what_makes_it_again(capsys):
    found = explained(capsys, LABEL)
    assert [run["seed"] for run in found["runs"]] == [0, 1, 2]
    for each in found["runs"]:
        stored, told = Record.load(Path(each["record"])), each
        assert (stored.label, stored.seed) == (LABEL, each["seed"])
        assert told["sha256"] == sha256(Path(each["record"]).read_bytes()).hexdigest()
        for name in ("commit", "dirty", "date", "device", "versions", "command"):
            assert told[name] == stored.provenance[name]
        assert shlex.split(each["reproduce"]) == ["skbench", "reproduce", each["record"]]
    assert run("explain", LABEL) == 0
    printed = capsys.readouterr().out
    assert all(each["reproduce"] in printed for each in found["runs"])
    assert f"commit {found['runs'][0]['commit']} (clean), {found['runs'][0]['date']}" in printed


def test_a_cell_of_one_seed_or_of_one_data_set_is_explained_as_well(repository, capsys):
    other = replace(record(seed=2), data_sets=record(outcomes={"id_a": [1, 1, 1, 1]}).data_sets)
    save(repository / "leaderboard" / "records" / "v1", [replace(other, label="skintern")])
    alone = explained(capsys, "std_cot", "--track", "toy", "--seed", "1", "--metric", "ood_a")
    assert [part["data_set"] for part in alone["parts"]] == ["ood_a"]
    assert ([run["seed"] for run in alone["runs"]], alone["value"]["value"]) == ([1], 0.5)
    for words, match in [
        (("karl",), "unknown method label 'karl'.*'kard'"),
        (("kard", "--seed", "7"), "unknown seed '7'"),
        (("kard", "--metric", "ood_b"), "unknown metric 'ood_b'.*'ood_a'"),
        (("skintern", "--metric", "ood"), "unknown metric 'ood'"),
    ]:
        with pytest.raises(UnknownName, match=match):
            run("explain", *words, "--track", "toy")


def test_without_records_there_is_nothing_to_explain(repository, capsys):
    assert run("explain", "kard", "--track", "toy", "--sealed", "7") == 3
    assert "no such records" in capsys.readouterr().err


def test_what_a_stranger_wrote_cannot_steer_a_terminal(repository, capsys):
    path = repository / "leaderboard" / "records" / "v1" / "toy" / "kard" / "seed0.json"
    body = json.loads(path.read_text())
    body["provenance"]["device"] = "x\x1b]0;mine\x07\x1b[2J"
    path.write_text(json.dumps(body))
    assert run("explain", "kard", "--track", "toy") == 0
    printed = capsys.readouterr().out
    assert "mine" in printed and not {"\x1b", "\x07"} & set(printed)


@pytest.mark.parametrize("local", [False, True], ids=["published", "local"])
def test_texts_of_runs_are_those_kept_beside_their_records(repository, capsys, local):
    root = repository / ("home" if local else "leaderboard")
    runs = [record("kard"), record("kard", 1)]
    if local:
        save(root / "records" / "v1", runs)
    kept = root / "generations" / "v1" / "toy" / "kard" / "seed1.json.xz"
    answers = [(name, f"{item}\n\x1b") for name, s in runs[1].data_sets.items() for item in s.items]
    Generations.of(runs[1], answers).save(kept)
    words = ("kard", "--track", "toy", "--items", "1", *(["--local"] if local else []))
    found = explained(capsys, *words)
    told = {r["seed"]: r for r in found["runs"]}
    assert {seed: each["texts_kept"] for seed, each in told.items()} == {0: False, 1: True}
    assert told[1]["texts"] == str(kept)
    assert found["answers"][0]["texts"] == [None, f"{found['answers'][0]['item']}\n\x1b"]
    assert run("explain", *words) == 0
    printed = capsys.readouterr().out
    assert f"texts: {kept}\n" in printed
    assert f"texts: not kept ({str(kept).replace('seed1', 'seed0')})\n" in printed
    written = printed.split("1: right")[1]
    assert 'seed 1: "' in written and "\\n\\u001b" in written and "seed 0: " not in written


def test_what_a_corpus_answered_is_not_to_be_run_again(repository, capsys):
    save(
        repository / "home" / "records" / "v1",
        [record("loose_teacher", kind="corpus", latency=None)],
    )
    (found,) = explained(capsys, "loose_teacher", "--track", "toy", "--local")["runs"]
    assert found["reproduce"] is None


def test_the_first_items_are_shown_under_each_extractor_seed_by_seed(repository, capsys):
    changed = with_costs(record("mt_cot"), "id_a", author=[0, 0, 1, 1], flexible=[1, 1, 1, 1])
    save(repository / "leaderboard" / "records" / "v1", [changed, record("mt_cot", 1)])
    words = ("mt_cot", "--track", "toy", "--items", "2")
    assert explained(capsys, *words)["answers"] == [
        {
            "data_set": "id_a",
            "item": f"id_a/{i}",
            "strict": [bit, bit],
            "author": [0, bit],
            "flexible": [1, bit],
            "texts": [None, None],
        }
        for i, bit in enumerate([1, 0])
    ]
    assert run("explain", *words) == 0
    assert ["id_a/1", "0", "0", "0", "0", "1", "0"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]
    for wrong in ("0", "-1", "1,2", "two"):
        with pytest.raises(SystemExit):
            run(*words[:-1], wrong)
