"""A loose teacher's events and tails: what it is asked, what is kept, and that it can go on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.corpora.corpus import obtain
from bench.teacher import triples
from bench.teacher.journal import Finish, Reply, Request
from bench.teacher.plan import Replies
from bench.teacher.triple_prompts import ASKED, QUESTIONS, event_prompt, tail_prompt, unnamed
from bench.teacher.triples import Shown
from tasks import published
from tasks.triples import NAMES, PHRASES
from tests.teacher_server import make_model, serving

KNOWN = Shown(
    ["PersonX runs away", "PersonX meets PersonY"],
    {"xReact": [("PersonX runs away", "tired"), ("PersonX meets PersonY", "glad of PersonY")]},
)


def reply(text: str, logprob: float | None = None, finish: Finish = "stop") -> Reply:
    return Reply(text, finish, 10, 2, estimated=False, logprob=logprob)


def replies_of(unit: str, part: Any, texts: Mapping[int, Reply]) -> Replies:
    return {Request(unit, part, n): each for n, each in texts.items()}


def test_every_relation_has_a_question_of_its_own() -> None:
    assert set(QUESTIONS) == set(PHRASES) and len(set(QUESTIONS.values())) == len(PHRASES)


def test_a_prompt_for_a_tail_shows_names_and_ends_where_the_tail_begins() -> None:
    prompt = tail_prompt("PersonX thanks PersonY", "xReact", KNOWN.tails["xReact"])
    *lines, last = prompt.splitlines()
    assert last == f"3. {ASKED[0]} thanks {ASKED[1]}. After it, {ASKED[0]} feels"
    assert "Person" not in prompt and any(name in lines[2] for name in NAMES)
    assert prompt == tail_prompt("PersonX thanks PersonY", "xReact", KNOWN.tails["xReact"])
    assert unnamed(f"glad of {ASKED[1]}") == "glad of PersonY"
    assert not set(NAMES) & set(ASKED)


def test_a_prompt_for_events_shows_some_and_ends_at_the_number_of_the_next() -> None:
    assert event_prompt(KNOWN.heads).splitlines()[-2:] == ["2. PersonX meets PersonY", "3."]


def test_all_is_asked_once_and_then_nothing() -> None:
    (unit,) = triples.event_units(triples.SAMPLES)
    replies: dict[Request, Reply] = {}
    while step := triples.next_event(unit, replies, KNOWN):
        assert step.request not in replies
        replies[step.request] = reply("x")
    assert len(replies) == triples.SAMPLES
    (wanted,) = triples.tail_units(["PersonX sits down"], ["xReact"])
    while step := triples.next_tail(wanted, replies, KNOWN, n_tails=3):
        replies[step.request] = reply("x")
    assert len(replies) == triples.SAMPLES + 3


def test_events_are_kept_once_and_what_is_dropped_is_counted() -> None:
    said = {
        0: reply(" PersonX sits  down."),
        1: reply("PersonX sits down"),
        2: reply("PersonX runs away"),
        3: reply("PersonY sits down"),
        4: reply("PersonX sits"),
        5: reply("PersonX sits {here}"),
        6: reply("PersonX sits on", finish="length"),
        7: reply(""),
        8: reply("", finish="refused"),
        9: reply("PersonX " + "sits " * 12),
    }
    said |= {n: reply("") for n in range(10, triples.SAMPLES)}
    (unit,) = triples.event_units(1)
    found = triples.events([unit], replies_of(unit["id"], "event", said), KNOWN)
    assert [text for _, text in found.texts] == ["PersonX sits down"]
    assert found.dropped == {
        "repeats another": 2,
        "no PersonX": 1,
        "too short": 1,
        "odd characters": 1,
        "cut at max tokens": 1,
        "empty": 1 + triples.SAMPLES - 10,
        "refused by the server": 1,
        "too long": 1,
        "least likely": 0,
    }


def test_a_tail_is_kept_once_for_its_event_and_names_become_slots_again() -> None:
    units = triples.tail_units(["PersonX sits down", "PersonX gets up"], ["xReact"])
    said = [reply(" tired."), reply("Tired"), reply("ok"), reply(f"fond of {ASKED[1]}")]
    replies = {
        Request(unit["id"], "tail", n): each for unit in units for n, each in enumerate(said)
    }
    found = triples.tails(units, replies, len(said))
    assert list(triples.triples(units, found)) == [
        (event, "xReact", tail)
        for event in ("PersonX sits down", "PersonX gets up")
        for tail in ("tired", "fond of PersonY")
    ]
    assert found.dropped == {"repeats another": 2, "too short": 2, "least likely": 0}


def test_what_the_teacher_answers_to_a_test_is_kept_by_question() -> None:
    units = triples.tail_units(["PersonX sits down"], ["xReact", "xWant"])
    said = {"xReact": ["tired", "glad"], "xWant": ["to rest", "to rest"]}
    replies = {
        Request(unit["id"], "tail", n): reply(said[unit["relation"]][n])
        for unit in units
        for n in range(2)
    }
    assert triples.answers(units, triples.tails(units, replies, 2)) == [
        {"head": "PersonX sits down", "relation": "xReact", "tails": ["tired", "glad"]},
        {"head": "PersonX sits down", "relation": "xWant", "tails": ["to rest"]},
    ]


@pytest.mark.parametrize("known", [True, False])
def test_the_least_likely_are_dropped_where_their_probability_is_known(known: bool) -> None:
    (unit,) = triples.tail_units(["PersonX sits down"], ["xReact"])
    logprobs = [-9.0, *(-float(n) for n in range(1, 10))]
    said = {
        n: reply(f"tail {n}", value if known or n else None) for n, value in enumerate(logprobs)
    }
    found = triples.tails([unit], replies_of(unit["id"], "tail", said), 10)
    left = [text for _, text in found.texts]
    assert found.dropped["least likely"] == int(known) and len(left) == 10 - int(known)
    assert ("tail 0" in left) == (not known)


# ---------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny", chat=False)


def command(teacher: str, out: Path) -> list[str]:
    words = ["corpus", "triples", "pocket-commonsense", "--teacher", teacher, "--out", str(out)]
    return [*words, "--events", "20", "--tails", "1", "--max-tokens", "4", "--plain"]


def test_a_model_that_writes_noise_leaves_what_people_wrote_and_says_what_it_dropped(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made.jsonl"
    assert main(command(str(folder), out)) == 0
    said = capsys.readouterr()
    assert "requests: event 20" in said.out and "dropped events:" in said.out
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows and {row["source"] for row in rows} == {"human"}
    dropped = json.loads((tmp_path / "made.json").read_text())["dropped"]
    assert sum(dropped["event"].values()) == 20
    journal = (tmp_path / "made.journal.jsonl").read_bytes()
    assert main(command(str(folder), out)) == 0
    assert (tmp_path / "made.journal.jsonl").read_bytes() == journal, "nothing is asked twice"


def test_what_a_teacher_wrote_is_a_corpus_that_a_track_can_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.teacher.model import LocalTeacher

    async def ask(self: Any, prompt: str, seed: int) -> Reply:
        return reply(f" PersonX sits {'abc'[seed % 3]} down" if prompt.endswith(".") else " glad")

    monkeypatch.setattr(LocalTeacher, "ask", ask)
    out = tmp_path / "made.jsonl"
    assert main(command(str(folder), out)) == 0
    made = obtain(str(out), tmp_path, world=0, data_dir=None)
    machine = [row for row in made.rows if row["source"] == "machine"]
    assert {row["question"] for row in machine} <= {f"PersonX sits {c} down" for c in "abc"}
    assert {row["task"] for row in machine} == set(PHRASES)
    assert {row["answer"] for row in machine} == {"glad"}
    assert {row["split"] for row in made.labels} == {"corrupted", "train", "dev", "test"}


def test_with_more_to_ask_for_it_goes_on_and_with_other_prompts_it_does_not(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, journal = tmp_path / "made.jsonl", tmp_path / "made.journal.jsonl"
    assert main(command(str(folder), out)) == 0
    before = journal.read_bytes()
    assert main([*command(str(folder), out), "--events", "40"]) == 0
    after = journal.read_bytes()
    assert after.startswith(before) and after.count(b'"event"') == 40
    assert json.loads((tmp_path / "made.json").read_text())["settings"]["n_events"] == 40
    capsys.readouterr()
    assert main([*command(str(folder), out), "--max-tokens", "5"]) != 0
    assert "max_tokens" in capsys.readouterr().err and journal.read_bytes() == after


def test_a_task_that_has_no_triples_cannot_be_answered(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*command(str(folder), tmp_path / "made.jsonl"), "--answers", "skb_gsm8k"]
    assert main(asked) == 2 and "skb_gsm8k" in capsys.readouterr().err


def test_the_questions_of_a_task_are_answered_and_not_learned_from(
    folder: Path, tmp_path: Path, data: Path
) -> None:
    out = tmp_path / "made.jsonl"
    words = ["--answers", "skb_atomic", "--data-dir", str(data)]
    assert main([*command(str(folder), out), *words]) == 0
    made = obtain(str(out), tmp_path, world=0, data_dir=None)
    manifest = json.loads((tmp_path / "made.json").read_text())
    assert manifest["asked"] == 20, "the events alone: answers are in no corpus"
    asked = {item["question"] for item in published.items("skb_atomic", data)}
    assert not asked & {row["question"] for row in made.rows}
    assert {each["head"] for each in made.drafts} <= asked


def test_a_corpus_that_was_made_otherwise_is_left_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made.jsonl"
    out.write_text("mine\n")
    assert main(command(str(folder), out)) != 0
    assert "made.journal.jsonl" in capsys.readouterr().err and out.read_text() == "mine\n"


def test_a_corpus_without_triples_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["corpus", "triples", "pocket-100", "--teacher", str(folder)]
    assert main([*words, "--out", str(tmp_path / "made.jsonl")]) == 2
    assert "pocket-100" in capsys.readouterr().err


@pytest.mark.slow
def test_an_endpoint_completes_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(tmp_path / "hub") as url:
        out = tmp_path / "made.jsonl"
        assert main(command(url, out)) == 0
    assert "requests: event 20" in capsys.readouterr().out
