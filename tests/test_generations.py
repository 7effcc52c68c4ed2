"""What students answered is kept beside their records, and gives their outcomes again."""

import json
import lzma
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench import __main__ as entry
from bench import api
from bench.__main__ import main
from bench.questions import obtain
from bench.reuse.rescore import Rescorer
from leaderboard.store import board
from leaderboard.store.files import file_sha256
from leaderboard.store.generations import MAX_BYTES, Generations, place
from leaderboard.store.ledger import events_of, file_records, ledger_of
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.chain import check_ledger
from leaderboard.verify.rescored import _outcomes, scored_again
from leaderboard.verify.tree import read_tree
from tests.tampered import PUBLISHED
from tests.tracks import toy_track


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a local record of an untrained student on four questions."""
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "toy.toml").write_text(toy_track(["std_cot", "zero_shot"]))
    api.run(tmp_path / "toy.toml", methods=["zero_shot"], limit=2)
    (path,) = (tmp_path / "home" / "records").rglob("*.json")
    return path


def packed(path: Path, body: bytes) -> Path:
    path.write_bytes(lzma.compress(body))
    return path


def test_a_run_keeps_its_texts_and_they_score_what_the_record_says(run: Path) -> None:
    record, texts = Record.load(run), Generations.load(place(run))
    texts.check(record, place(run))
    (samples,) = run.parents[4].rglob("samples-*.jsonl")
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    found = [text for each in texts.data_sets.values() for text in each]
    assert found == [line["solution"] for line in lines]
    outcomes = Rescorer(None)(record, texts)
    for name, each in record.data_sets.items():
        for key, values in outcomes[name].items():
            assert values == list(getattr(each, key))


def test_other_texts_score_otherwise(run: Path) -> None:
    record, texts = Record.load(run), Generations.load(place(run))
    (name, *_), line = record.data_sets, json.loads(next(iter(samples(run))))
    right = [f"Therefore, the answer is {line['target']}."]
    better = replace(texts, data_sets={**texts.data_sets, name: right + texts.data_sets[name][1:]})
    assert record.data_sets[name].strict[0] == 0
    assert Rescorer(None)(record, better)[name]["strict"][0] == 1


def test_runs_that_are_scored_together_are_scored_as_alone(run: Path, tmp_path: Path) -> None:
    """What was asked is read once, also for a run that was asked less of it."""
    api.run(tmp_path / "toy.toml", methods=["zero_shot"], limit=1)
    (fewer,) = {*(tmp_path / "home" / "records").rglob("*.json")} - {run}
    runs = [(Record.load(path), Generations.load(place(path))) for path in (run, fewer, run)]
    together = Rescorer(None)
    found = [together(*each) for each in runs]
    assert found == [Rescorer(None)(*each) for each in runs]
    for n, (record, _), scored in zip((2, 1, 2), runs, found, strict=True):
        assert {name: len(scored[name]["strict"]) for name in record.data_sets} == dict.fromkeys(
            record.data_sets, n
        )


def samples(run: Path) -> list[str]:
    (path,) = run.parents[4].rglob("samples-*.jsonl")
    return path.read_text().splitlines()


def test_texts_are_not_scored_on_other_questions(run: Path) -> None:
    record, texts = Record.load(run), Generations.load(place(run))
    name, other = record.data_sets
    others = replace(record.data_sets[name], items_sha256="0" * 64)
    changed = replace(record, data_sets={**record.data_sets, name: others})
    assert list(Rescorer(None)(changed, texts)) == [other]
    strange = replace(record, data_sets={"of_no_track": others})
    assert Rescorer(None)(strange, replace(texts, data_sets={"of_no_track": ["4"]})) == {}


ROW = "v2/pocket/skintern+tuned/seed0.json"


def published() -> tuple[Record, Generations]:
    path = board.PUBLISHED / ROW
    return Record.load(path), Generations.load(place(path))


def rescored(record: Record, texts: Generations, tmp_path: Path) -> list[str]:
    """What `board verify` says of a record of ours with those texts."""
    kept = place(tmp_path / "records" / ROW)
    kept.parent.mkdir(parents=True)
    packed(kept, json.dumps(asdict(texts)).encode())
    return [str(each) for each in scored_again(kept, ROW, record, entry._Harness())]


def test_texts_of_other_lengths_than_were_told_are_a_fault(tmp_path: Path) -> None:
    record, texts = published()
    name, *_ = record.data_sets
    longer = [f"It is so and so. {text}" for text in texts.data_sets[name]]
    assert rescored(record, texts, tmp_path / "honest") == []
    texts = replace(texts, data_sets={**texts.data_sets, name: longer})
    (said,) = rescored(record, texts, tmp_path)
    assert f"{name}.generated_tokens" in said and "not those of the texts" in said


def test_a_student_that_is_none_of_ours_has_no_tokenizer_here(tmp_path: Path) -> None:
    record, texts = published()
    track = record.snapshot["track"]
    student = {**track["student"], "path": "tasks/pocket"}
    snapshot = {**record.snapshot, "track": {**track, "student": student}}
    assert rescored(replace(record, snapshot=snapshot), texts, tmp_path) == []


@pytest.mark.parametrize(
    "told", [{"seeds": "garbage"}, {"methods": ["std_cot", 7]}, {"reranker": {"nonsense": 1}}]
)
def test_a_track_that_is_none_is_a_fault_and_no_reason_to_score_nothing(
    tmp_path: Path, told: dict[str, object]
) -> None:
    record, texts = published()
    snapshot = {**record.snapshot, "track": {**record.snapshot["track"], **told}}
    said, _ = rescored(replace(record, snapshot=snapshot), texts, tmp_path)
    assert "should be the track as `skbench run` tells it" in said


def test_a_track_of_ours_asks_its_own_questions_alone(tmp_path: Path) -> None:
    record, texts = published()
    tasks = {**record.snapshot["track"]["tasks"], "include": "nowhere"}
    snapshot = {**record.snapshot, "track": {**record.snapshot["track"], "tasks": tasks}}
    said, _ = rescored(replace(record, snapshot=snapshot), texts, tmp_path)
    assert "questions of its own" in said


def naming(run: Path, **told: object) -> tuple[Record, Generations]:
    """The run as a stranger might hand it in: its track names other tasks."""
    record, texts = Record.load(run), Generations.load(place(run))
    track = record.snapshot["track"]
    tasks = {**track["tasks"], **told}
    snapshot = {**record.snapshot, "track": {**track, "tasks": tasks}}
    return replace(record, snapshot=snapshot), texts


@pytest.mark.parametrize("where", ["{}/private.jsonl", "../private.jsonl", "a/../../private.jsonl"])
def test_no_file_outside_the_working_folder_is_opened_for_a_record(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (tmp_path / "private.jsonl").write_text('{"password": 1}\n')
    (tmp_path / "here" / "a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    path = where.format(tmp_path)
    for told in ({"id": ["private"], "files": {"private": path}}, {"include": path}):
        said = Rescorer(None)(*naming(run, **told))
        assert said == f"its track names {path}: nothing is read outside the working folder"


def test_a_link_out_of_the_working_folder_is_not_followed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private.jsonl").write_text('{"password": 1}\n')
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link.jsonl").symlink_to(tmp_path / "private.jsonl")
    monkeypatch.chdir(tmp_path / "here")
    said = Rescorer(None)(*naming(run, id=["mine"], files={"mine": "link.jsonl"}))
    assert said == "its track names link.jsonl: nothing is read outside the working folder"


def test_questions_that_are_a_folder_end_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    said = Rescorer(None)(*naming(run, id=["mine"], files={"mine": "inner"}))
    assert isinstance(said, str) and "inner" in said


def test_grades_are_those_of_the_texts(data: Path) -> None:
    path = PUBLISHED / "v1/atomic-real/null_model/seed0.json"
    record = Record.load(path)
    kept = Generations.load(place(path))
    found = Rescorer(data)(record, kept)
    assert not isinstance(found, str)
    assert list(_outcomes(record, found)) == []
    (name,) = record.data_sets
    graded = {**record.data_sets[name].graded, "bleu_2": [1.0] * len(record.data_sets[name].items)}
    better = replace(record.data_sets[name], graded=graded)
    told = [what for what, _ in _outcomes(replace(record, data_sets={name: better}), found)]
    assert len(told) == 1 and "bleu_2" in told[0]


def test_code_of_a_task_never_runs_for_a_record(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here" / "inc"
    folder.mkdir(parents=True)
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef rows(): ...\n")
    (folder / "mine.yaml").write_text("task: mine\ncustom_dataset: !function evil.rows\n")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("SKBENCH_TRUST_TASK_CODE", "1")
    said = Rescorer(None)(*naming(run, id=["mine"], include="inc"))
    assert "evil.rows" in said and "`skbench board` never does" in said
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a track of own questions, whose run is a board."""
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("sums", "more"):
        rows = [{"question": f"{name}: 1 + {i}?", "target": str(1 + i)} for i in range(2)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    root = tmp_path / "home" / "records"
    monkeypatch.setattr(board, "PUBLISHED", root)
    track = toy_track(["std_cot", "zero_shot"], id="sums.jsonl", ood=["more.jsonl"])
    (folder / "own.toml").write_text(track)
    monkeypatch.chdir(folder)
    api.run("own.toml", methods=["zero_shot"])
    file_records(root, [], "", "2026-11-29")
    return folder


def verified(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """As a process of its own finds it."""
    obtain._read.cache_clear()
    entry._rescorer.cache_clear()
    capsys.readouterr()
    return main(["board", "rescore"]), capsys.readouterr().out


def test_a_record_that_cannot_be_scored_again_here_is_noted_and_ends_nothing(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = verified(capsys)
    assert code == 0 and "no faults in 1 records, outcomes of 1 scored again" in said
    monkeypatch.chdir(tmp_path)
    code, said = verified(capsys)
    name = "records/v1/own/zero_shot/seed0.json"
    why = "its track names sums.jsonl: go to the folder of the track's file"
    assert f"note: own v1: outcomes of 1 of 1 records, the first {name}, are not scored" in said
    assert why in said and code == 0 and "outcomes of 0 scored again" in said


def test_an_edited_question_is_a_fault_of_the_record(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (study / "sums.jsonl").write_text('{"question": "1 + 1?", "target": "3"}\n')
    code, said = verified(capsys)
    assert code == 1 and "1 faults in 1 records" in said
    fault = "records/v1/own/zero_shot/seed0.json: the questions of sums here are not those that it"
    assert fault in said


def test_publish_copies_the_texts_beside_the_record(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "mine" / "records")
    for path in (run, place(run)):  # as a run without a limit has it
        path.rename(path.with_name(path.name.replace("-limit2", "")))
    full = run.with_name("seed0.json")
    full.write_text(json.dumps(asdict(Record.load(full)) | {"scope": {}}))
    assert main(["board", "publish", "toy", "--records", str(tmp_path / "mine/records")]) == 0
    (record,) = (tmp_path / "mine" / "records").rglob("*.json")
    assert place(record).read_bytes() == place(full).read_bytes()
    place(full).write_bytes(place(record).read_bytes()[:40])
    place(record).unlink()
    assert main(["board", "publish", "toy", "--records", str(tmp_path / "mine/records")]) == 2


def test_texts_that_are_published_after_their_record_stand_in_the_ledger(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board_of_ones_own = tmp_path / "mine" / "records"
    monkeypatch.setattr(board, "PUBLISHED", board_of_ones_own)
    texts = place(run).read_bytes()
    full = run.with_name("seed0.json")
    full.write_text(json.dumps(asdict(Record.load(run)) | {"scope": {}}))
    publish = ["board", "publish", "toy", "--records", str(board_of_ones_own)]
    assert main(publish) == 0
    place(full).write_bytes(texts)
    assert main(publish) == main(publish) == 0
    events = events_of(ledger_of(board_of_ones_own))
    assert [event.event for event in events] == ["file", "rescore"], "and a third time nothing"
    (record,) = board_of_ones_own.rglob("*.json")
    found = [events[0].generations, events[1].generations]
    assert found == [None, file_sha256(place(record))]
    assert not list(check_ledger(read_tree(board_of_ones_own, None, None, None)))


def test_what_does_not_unpack_to_texts_is_refused(run: Path, tmp_path: Path) -> None:
    path, good = tmp_path / "texts.json.xz", place(run).read_bytes()
    body = lzma.decompress(good)
    path.write_bytes(b"PK\x03\x04" * 8)
    with pytest.raises(RecordError, match=r"texts.json.xz: not packed by xz"):
        Generations.load(path)
    path.write_bytes(good[:-8])
    with pytest.raises(RecordError, match=r"texts.json.xz: cut off"):
        Generations.load(path)
    with pytest.raises(RecordError, match=r"unpacks to more than 16,777,216 bytes"):
        Generations.load(packed(path, b" " * (MAX_BYTES + 1)))
    with pytest.raises(RecordError, match=r"unknown key 'sede'"):
        Generations.load(packed(path, body.replace(b'"seed"', b'"sede"')))


def test_texts_of_another_record_are_refused(run: Path) -> None:
    record, texts = Record.load(run), Generations.load(place(run))
    for other in (replace(texts, seed=1), replace(texts, label="std_cot")):
        with pytest.raises(RecordError, match="beside a record of"):
            other.check(record, run)
    (name, *_) = texts.data_sets
    short = replace(texts, data_sets={**texts.data_sets, name: []})
    with pytest.raises(RecordError, match="and the record asked"):
        short.check(record, run)


def test_a_board_scores_its_texts_again(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(board, "PUBLISHED", run.parents[3])
    body = json.loads(run.read_text()) | {"scope": {}}
    place(run).rename(place(run).with_name("seed0.json.xz"))
    run = run.rename(run.with_name("seed0.json"))
    run.write_text(json.dumps(body))
    assert main(["board", "rescore", "toy"]) == 0
    (name, *_) = body["data_sets"]
    body["data_sets"][name]["author"][1] ^= 1
    run.write_text(json.dumps(body))
    capsys.readouterr()
    assert main(["board", "rescore", "toy"]) == 1
    told = capsys.readouterr().out
    assert f"{name}.author: 1 outcomes are not what was written" in told and "1 faults" in told
