"""From a cell of the table down to the files and the answers that it is made of."""

import json
import shlex
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from statistics import fmean, median

import pytest

from leaderboard.rows.rank import rows
from leaderboard.rows.settings import shown
from leaderboard.show.explain_cost import COST_CELLS, explain_cost
from leaderboard.show.signature import Signature
from leaderboard.store import board
from leaderboard.store.board import UnknownName, load, load_files, of_label, suite
from leaderboard.store.generations import Generations
from leaderboard.store.record import Record
from leaderboard.store.reruns import publish_rerun, rerun
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


def test_a_run_of_an_older_suite_is_made_again_at_its_commit(capsys):
    words = ("std_cot", "--track", "pocket-100", "--suite", "v1")
    (told, *_) = explained(capsys, *words)["runs"]
    assert told["reproduce"] == f"git checkout {told['commit']} && {told['command']}"
    assert run("explain", *words) == 0
    printed = capsys.readouterr().out
    assert f"again: {told['reproduce']}\n" in printed
    assert "note: the track is at v2 by now: the same command, run from that commit" in printed
    assert "skbench reproduce" not in printed


COMMAND = "skbench run toy --methods kard --seeds 0"
COMMIT = "5" * 40


@pytest.mark.parametrize(
    ("commit", "command", "again"),
    [
        (COMMIT, COMMAND, COMMAND),
        (COMMIT, f"{COMMAND} ; rm -r .", f"{COMMAND} ';' rm -r ."),
        (COMMIT, f"{COMMAND} $(id) `id`", f"{COMMAND} '$(id)' '`id`'"),
        (COMMIT, "rm -r .", None),
        (COMMIT, "skbench clean --yes", None),
        (COMMIT, f"{COMMAND} '", None),
        (COMMIT, None, None),
        (None, COMMAND, None),
        (f"{COMMIT}\n", COMMAND, None),
        ("main; rm -r .", COMMAND, None),
    ],
)
def test_a_strangers_command_is_quoted_or_not_told_to_be_run(
    repository, capsys, commit, command, again
):
    told = {"dirty": False, "commit": commit, "command": command}
    root = repository / "leaderboard" / "records"
    old, new = record("comet", provenance=told), record("comet", snapshot={"track": {"version": 2}})
    save(root / "v1", [old])
    save(root / "v2", [new])
    (found,) = explained(capsys, "comet", "--track", "toy", "--suite", "v1")["runs"]
    assert found["reproduce"] == (again and f"git checkout {commit} && {again}")
    assert run("explain", "comet", "--track", "toy", "--suite", "v1") == 0
    unknown = "again: the track is at v2 by now, and the record names no commit and command"
    assert (unknown in capsys.readouterr().out) == (again is None)


def test_a_row_and_its_runs_say_how_they_came_out_again(repository, capsys):
    path = repository / "leaderboard" / "records" / "v1" / "toy" / "kard" / "seed1.json"
    obtained = record("kard", 1, outcomes={"id_a": [0, 0, 1, 1], "ood_a": [0, 0, 1, 1]})
    publish_rerun(rerun(path, Record.load(path), obtained, is_inside=True), path)
    for words in (("kard", "--track", "toy"), ("kard", "--track", "toy", "--metric", "train_s")):
        found = explained(capsys, *words)
        (step,) = found["run_again"]
        assert (step["level"], step["flipped"]) == ("within its interval", 1 / 8)
        assert [each["run_again"] for each in found["runs"]] == [[], [step]]
        assert run("explain", *words) == 0
        lines = capsys.readouterr().out.splitlines()
        told = "within its interval, 12.50 % flipped (1 rerun, same machine, same software)"
        assert [line.strip() for line in lines if "run again" in line] == [
            f"run again: {told}",
            "not run again",
            f"run again: {told}",
        ]


@pytest.fixture(scope="module")
def published():
    """The records of pocket, and the tables of tuned and untuned rows."""
    files = load_files("pocket", suite(board.PUBLISHED, "pocket"))
    records = list(files.values())
    tables = [rows(shown(records, (), tuned=tuned), records) for tuned in (True, False)]
    return files, {row.method: row for table in tables for row in table}


@pytest.mark.parametrize("label", [LABEL, f"{LABEL}+tuned"])
@pytest.mark.parametrize("cell", COST_CELLS)
def test_a_cost_is_that_of_the_table_and_its_parts_make_it(cell, label, published):
    files, table = published
    mine = {path: each for path, each in files.items() if each.label == label}
    found = explain_cost(mine, files, cell, 0)
    assert found.value == getattr(table[label], cell) is not None
    if found.parts[0].questions is None:
        average = median if cell in ("ttft_s", "tpot_s") else fmean
        assert average(found.parts[0].values.values()) == pytest.approx(found.value)
        return
    total = sum(value for part in found.parts for value in part.values.values())
    mean = total / sum(n for part in found.parts for n in part.questions.values())
    of = {"relative_flops": "total_flops"}.get(cell, cell.removeprefix("relative_"))
    assert mean == pytest.approx(getattr(table[label], of), abs=2)


def test_a_relative_cost_names_the_reference_and_both_sides(repository, capsys):
    dear = with_costs(record("mt_cot"), "id_a", prefill_flops=[4000] * 4)
    save(repository / "leaderboard" / "records" / "v1", [dear])
    assert run("explain", "mt_cot", "--track", "toy", "--metric", "relative_flops") == 0
    printed = capsys.readouterr().out
    assert "mt_cot: relative_flops 2.00" in printed
    assert "relative_flops = total_flops 3,000 / 1,500 of std_cot; " in printed
    assert ["id_a", "18,000", "/", "4"] in [line.split() for line in printed.splitlines()]
    assert ["mean", "per", "question", "3,000.0"] in [x.split() for x in printed.splitlines()]


def test_a_cost_leaves_out_prompts_that_did_not_fit_and_is_then_not_related(repository, capsys):
    cut = with_costs(
        record("mt_cot"), "id_a", overflow=[1, 0, 0, 0], prompt_tokens=[99, 10, 10, 10]
    )
    save(repository / "leaderboard" / "records" / "v1", [cut])
    words = ("mt_cot", "--track", "toy", "--metric")
    found = explained(capsys, *words, "prompt_tokens")
    told = {part["name"]: (part["values"]["0"], part["questions"]["0"]) for part in found["parts"]}
    assert (found["value"], told) == (10, {"id_a": (30, 3), "ood_a": (40, 4)})
    assert explained(capsys, *words, "relative_flops")["value"] is None
    assert run("explain", *words, "relative_flops") == 0
    assert "not related: no student ran, or a prompt did not fit" in capsys.readouterr().out


def test_a_time_that_nobody_took_is_a_dash(repository, capsys):
    save(
        repository / "leaderboard" / "records" / "v1",
        [record("loose_teacher", kind="corpus", latency=None)],
    )
    assert run("explain", "loose_teacher", "--track", "toy", "--metric", "ttft_s") == 0
    assert "loose_teacher: ttft_s -\n" in capsys.readouterr().out


def test_the_answers_behind_a_cost_are_shown_as_well(repository, capsys):
    words = ("kard", "--track", "toy", "--metric", "generated_tokens", "--items", "1")
    assert [each["item"] for each in explained(capsys, *words)["answers"]] == ["id_a/0", "ood_a/0"]
    assert run("explain", *words) == 0
    assert "1: right, 0: wrong; seeds 0, 1" in capsys.readouterr().out


def test_an_unknown_metric_is_told_the_nearest_and_all(repository):
    names = ["id", "ood", "id_a", "ood_a", *COST_CELLS]
    with pytest.raises(UnknownName, match="did you mean 'train_tokens'") as told:
        run("explain", "kard", "--track", "toy", "--metric", "train_tok")
    assert f"(there are: {', '.join(sorted(names))})" in str(told.value)


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


def test_only_what_was_trained_elsewhere_has_no_command(repository, capsys):
    teacher = record("loose_teacher", kind="corpus", latency=None)
    judged = replace(record("kard"), snapshot={**record("kard").snapshot, "checkpoint": {}})
    for each, is_told in ((teacher, True), (judged, False)):
        save(repository / "home" / "records" / "v1", [each])
        (found,) = explained(capsys, each.label, "--track", "toy", "--local")["runs"]
        assert bool(found["reproduce"]) == is_told


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
