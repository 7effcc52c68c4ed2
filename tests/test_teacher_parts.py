"""What a teacher is asked, how its replies are judged, and how long it is waited for."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.corpora.knowledge import knowledge_parts
from bench.corpora.rows import CorpusError
from bench.teacher import prompts
from bench.teacher.endpoint import read_completion
from bench.teacher.journal import Finish, Journal, Reply, Request, settings_of
from bench.teacher.patience import CAP_S, Limiter, backoff_s, retry_after_s
from bench.teacher.plan import (
    KNOWLEDGE_TRIES,
    harvest,
    knowledge_fault,
    next_step,
    rationale_fault,
    rationale_of,
)

ROW: dict[str, Any] = {
    "id": "a",
    "task": "odd_ones",
    "question": "which is odd?",
    "options": ["(A) two", "(B) three"],
    "answer": "(B)",
}
RIGHT = "Three is odd. Therefore, the answer is (B)."
KNOWN = "Learning Summary: look.\nSupplementary Knowledge: 3 is odd."


def reply(text: str, finish: Finish = "stop") -> Reply:
    return Reply(text, finish, 3, 2, estimated=False)


# ------------------------------------------------------------ prompts


def test_the_rationale_prompt_has_the_question_and_not_the_answer() -> None:
    prompt = prompts.rationale_prompt(ROW | {"options": [], "answer": "unheard of"})
    assert "questions about odd ones" in prompt and 'this form: "Therefore, the answer is' in prompt
    assert prompt.endswith("Question: which is odd?\nAnswer: Let's think step by step.")
    assert "unheard of" not in prompt


def test_options_are_named_unless_the_question_names_them() -> None:
    assert "odd?\nOptions:\n(A) two\n(B) three\n" in prompts.rationale_prompt(ROW)
    question = "which is odd, (A) two or (B) three?"
    assert "Options" not in prompts.rationale_prompt(ROW | {"question": question})


def test_the_knowledge_prompt_has_question_rationale_and_answer() -> None:
    prompt = prompts.knowledge_prompt(ROW | {"question": "is {this} odd?"}, "Since {so}.")
    assert "Question: is {this} odd?\nOptions:" in prompt
    assert "Answer: Since {so}. Therefore, the answer is (B).\n" in prompt


def test_the_pin_of_the_prompts_is_of_their_wording() -> None:
    """A change here makes journals that were begun before unusable: it must be on purpose."""
    assert prompts.PROMPT_SHA256[:12] == "71d0c8656cad"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Learning Summary: a\nSupplementary Knowledge: b", ("a", "b")),
        (
            "Sure!\n\nLearning Summary: [1. a\n2. b]\nSupplementary Knowledge: [1. c]",
            ("1. a\n2. b", "1. c"),
        ),
        ("### Learning Summary\n1. a\n\n### Supplementary Knowledge\n- b", ("1. a", "- b")),
        ("**Learning Summary:**\na\n**Supplementary Knowledge**: b", ("a", "b")),
        ("1. Learning summary: a\n2. SUPPLEMENTARY KNOWLEDGE: b", ("a", "b")),
        ("Supplementary Knowledge: b\nLearning Summary: a", ("a", "b")),
        ("Learning Summary: a Supplementary Knowledge: b", ("a", "b")),
        ("Learning Summary: a\nLearning Summary: c\nSupplementary Knowledge: b", ("a", "b")),
        (
            "Learning Summary: a, as supplementary knowledge says",
            ("a, as supplementary knowledge says", ""),
        ),
        ("Learning Summary:\nSupplementary Knowledge: b", ("", "b")),
        ("Learning Summary: [a numbered list]\nSupplementary Knowledge: [...]", ("", "")),
        ("a summary of knowledge", ("", "")),
        ("", ("", "")),
    ],
)
def test_knowledge_is_read_in_the_forms_that_teachers_write(
    text: str, parts: tuple[str, str]
) -> None:
    assert knowledge_parts(text) == parts


# ------------------------------------------------------------ judgement


@pytest.mark.parametrize(
    ("text", "finish", "fault"),
    [
        (RIGHT, "stop", None),
        ("So. Therefore, the answer is three", "stop", None),
        ("So. Therefore, the answer is (A).", "stop", "wrong answer"),
        ("So. Therefore, the answer is (B). Therefore, the answer is (A)", "stop", "wrong answer"),
        ("So the answer is (B).", "stop", "no answer found"),
        ("Therefore, the answer is", "stop", "no answer found"),
        ("Therefore, the answer is (B).", "stop", "empty"),
        (" \n", "stop", "empty"),
        ("", "length", "empty"),
        (RIGHT, "length", "cut at max tokens"),
        ("", "refused", "refused by the server"),
    ],
)
def test_a_rationale_is_kept_only_if_its_answer_is_right(
    text: str, finish: Finish, fault: str | None
) -> None:
    assert rationale_fault(reply(text, finish), ROW) == fault


def test_a_rationale_is_kept_without_its_concluding_sentence() -> None:
    again = f"{RIGHT} Therefore, the answer is three"
    for text in (RIGHT, f"{RIGHT}\nGood luck!", again, f"{again}\nTherefore, the answer is (B)."):
        assert rationale_of(reply(text), ROW) == "Three is odd."


@pytest.mark.parametrize(
    ("text", "finish", "fault"),
    [
        (KNOWN, "stop", None),
        ("Learning Summary: a", "stop", "no supplementary knowledge"),
        ("Supplementary Knowledge: a", "stop", "no learning summary"),
        ("nothing", "stop", "no learning summary and no supplementary knowledge"),
        (" ", "stop", "empty"),
        (KNOWN, "length", "cut at max tokens"),
    ],
)
def test_knowledge_is_kept_only_if_both_parts_are_there(
    text: str, finish: Finish, fault: str | None
) -> None:
    assert knowledge_fault(reply(text, finish)) == fault


def play(*texts: str, n_rationales: int) -> dict[Request, Reply]:
    """All replies when the teacher says `texts` in turn."""
    replies, left = dict[Request, Reply](), list(texts)
    while step := next_step(ROW, replies, n_rationales):
        assert step.request not in replies
        replies[step.request] = reply(left.pop(0))
    assert not left
    return replies


def test_rationales_are_asked_for_first_then_knowledge_of_a_right_one() -> None:
    wrong = "Two. Therefore, the answer is (A)."
    replies = play(wrong, RIGHT, "nothing", KNOWN, n_rationales=2)
    asked = [(request.part, request.n) for request in replies]
    assert asked == [("rationale", 0), ("rationale", 1), ("knowledge", 0), ("knowledge", 1)]
    found = harvest([ROW], replies, 2)
    assert found.rows[0]["rationale"] == "Three is odd." and found.rows[0]["summary"] == "look."


@pytest.mark.parametrize(("facts", "kept"), [(["so it is."], ["so it is."]), (None, None)])
def test_facts_of_a_question_are_kept_where_there_are_any(facts: Any, kept: Any) -> None:
    (row,) = harvest([ROW | {"facts": facts}], play(RIGHT, KNOWN, n_rationales=1), 1).rows
    assert row.get("facts") == kept


def test_knowledge_is_asked_for_with_each_kept_rationale_in_turn() -> None:
    replies = play(RIGHT, f"Not two. {RIGHT}", "nothing", KNOWN, n_rationales=2)
    before = dict(list(replies.items())[:3])
    step = next_step(ROW, before, 2)
    assert step is not None and "Answer: Not two. Three is odd. Therefore" in step.prompt


def test_a_question_without_a_right_rationale_or_without_knowledge_is_left_out() -> None:
    found = harvest([ROW], play("?", n_rationales=1), 1)
    assert found.left_out == {"no right rationale": 1} and not found.rows
    found = harvest([ROW], play(RIGHT, *["nothing"] * KNOWLEDGE_TRIES, n_rationales=1), 1)
    assert found.left_out == {"no knowledge": 1} and not found.rows


def test_the_seed_is_of_the_request() -> None:
    one, two = next_step(ROW, {}, 2), next_step(ROW, {Request("a", "rationale", 0): reply("")}, 2)
    assert one and two and one.prompt == two.prompt
    assert one.seed != two.seed and one.seed == next_step(ROW, {}, 2).seed  # type: ignore[union-attr]


# ------------------------------------------------------------ the journal


SETTINGS = {"model": "m", "temperature": 0.8}
ONE = Request("a", "rationale", 0)


def journal(path: Path, *requests: Request) -> dict[Request, Reply]:
    """The replies in a journal after some were added."""
    opened = Journal(path, SETTINGS)
    for request in requests:
        opened.add(request, reply(str(request)))
    opened.close()
    return opened.replies


@pytest.mark.parametrize("torn", ["", "{", '{"id": "b", "part": "rationale", "n": 0, "text": "x"}'])
def test_a_torn_last_line_is_dropped_and_the_rest_is_kept(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "j.jsonl"
    journal(path, ONE)
    with path.open("a") as file:
        file.write(torn)
    two = Request("b", "knowledge", 1)
    assert list(journal(path, two)) == [ONE, two]
    assert journal(path)[two] == reply(str(two))


def test_a_journal_torn_in_its_head_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text('{"settings": {"mod')
    assert settings_of(path) == {} == settings_of(tmp_path / "none.jsonl")
    assert journal(path) == {}
    assert settings_of(path) == SETTINGS


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{}", "j.jsonl:3: not a line of a journal"),
        ("x", "j.jsonl:3: not a line of a journal"),
        ("[1]", "j.jsonl:3: not a line of a journal"),
        ('{"id": "b", "part": "rationale", "n": 0}', "j.jsonl:3: not a line of a journal"),
        (None, "j.jsonl:3: .* occurs twice"),
    ],
)
def test_a_damaged_journal_is_told_by_line(tmp_path: Path, line: str | None, told: str) -> None:
    path = tmp_path / "j.jsonl"
    journal(path, ONE)
    line = path.read_text().splitlines()[1] if line is None else line
    path.write_text(path.read_text() + f"{line}\n" + json.dumps({"more": 1}) + "\n")
    with pytest.raises(CorpusError, match=told):
        Journal(path, SETTINGS)


@pytest.mark.parametrize("text", ['{"id": "a"}\n', '{"id": "a"}\n{"id": "b"}', "notes"])
def test_another_file_is_no_journal_and_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text(text)
    with pytest.raises(CorpusError, match=r"j\.jsonl:1: not the head of a journal"):
        Journal(path, SETTINGS)
    assert path.read_text() == text


def test_settings_bind_once_something_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal(path)
    other = SETTINGS | {"temperature": 0.2}
    Journal(path, other).close()
    assert settings_of(path) == other
    journal(path, ONE)
    with pytest.raises(CorpusError, match=r"temperature was 0\.8, now 0\.2"):
        Journal(path, other)


# ------------------------------------------------------------ patience


def test_waits_double_up_to_a_cap_and_jitter_only_shortens_them() -> None:
    longest = [backoff_s(attempt, 0) for attempt in range(60)]
    assert longest[:4] == [0.5, 1, 2, 4] and max(longest) == CAP_S == longest[-1]
    assert [backoff_s(attempt, 1) for attempt in range(60)] == [wait / 2 for wait in longest]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, None),
        (
            {
                "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT",
                "date": "Wed, 21 Oct 2015 07:28:00 GMT",
            },
            30,
        ),
    ],
)
def test_retry_after_is_read_as_number_or_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers) == seconds


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        wake = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, wake)


def turns(limiter: Limiter, time: Time, n: int) -> Sequence[float]:
    """When `n` askers that start together get their turns."""
    found = list[float]()

    async def ask() -> None:
        await limiter.turn()
        found.append(time.now)

    async def all_of_them() -> None:
        await asyncio.gather(*(ask() for _ in range(n)))

    asyncio.run(all_of_them())
    return found


def test_a_rate_limit_spaces_the_requests_of_all_askers() -> None:
    time = Time()
    found = turns(Limiter(120, time.clock, time.sleep), time, 6)
    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert found[0] == 100 and min(gaps) >= 0.5


def test_a_wait_holds_everybody_back() -> None:
    time = Time()
    limiter = Limiter(None, time.clock, time.sleep)
    assert turns(limiter, time, 3) == [100, 100, 100]
    limiter.hold(9)
    assert min(turns(limiter, time, 3)) >= 109


# ------------------------------------------------------------ completions


def completion(content: Any, finish: str = "stop", **more: Any) -> str:
    choice = {"message": {"content": content}, "finish_reason": finish}
    return json.dumps({"choices": [choice], **more})


def test_tokens_are_the_servers_or_counted_here_and_marked() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4}
    assert read_completion(completion("a b.", usage=usage), "p") == Reply(
        "a b.", "stop", 9, 4, False
    )
    for usage in (None, {}, {"prompt_tokens": 9}, {"prompt_tokens": "x", "completion_tokens": 1}):
        found = read_completion(completion("a b.", usage=usage), "one two")
        assert found == Reply("a b.", "stop", 2, 3, estimated=True)


def test_how_a_completion_ended_is_known() -> None:
    assert read_completion(completion("a", "length"), "p").finish == "length"
    assert read_completion(completion("a", "content_filter"), "p").finish == "refused"
    assert read_completion(completion(None), "p").text == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"choices": []}',
        '{"choices": ["x"]}',
        '{"choices": [{"message": "x"}]}',
        completion(7),
        completion(["a"]),
        completion("a", usage=[1]),
    ],
)
def test_what_is_no_completion_is_a_fault(text: str) -> None:
    with pytest.raises(ValueError):
        read_completion(text, "p")
