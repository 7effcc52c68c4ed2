"""Rationales as people and models published them, read from a folder of raw files.

Each reader gives the questions of a *training* part in the order of its files, with what was
written for each; nothing is filtered or drawn here. The files, byte for byte from the repositories
named in the table below: `bbh_codex_cot/`, `gsm8k/train.jsonl`, `distilling_step_by_step/cqa/` and
`svamp/`, `skintern_llmr/`, `strategyqa/`, `flan_cot/`.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypedDict, cast

from tasks.docs import Item, WrongItemsError
from tasks.in_domain.bbh import BBH_SOURCE, bbh
from tasks.in_domain.csqa import FILES, LLMR_SOURCE, PALM_SOURCE, known, questions, split_csqa
from tasks.in_domain.gsm8k import GSM8K_SOURCE
from tasks.raw import item as item_of
from tasks.raw import json_file, json_lines, listed
from tasks.scoring import matches

STRATEGYQA_SOURCE = "eladsegal/strategyqa@1ba1e97452e189569357876f2854b01357ffbe37"
FLAN_SOURCE = "google-research/FLAN@e9e4ec6e2701182c7a91af176f705310da541277"

PROVIDER_TERMS = "the provider's terms may limit what models are trained on its output"

_CONCLUSION = "So the answer is"
_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


@dataclass(frozen=True, slots=True)
class Written:
    """A question and what was written for it.

    `text` is all that was written, `rationale` the part before the conclusion, and `right` says
    whether the conclusion is the gold answer. The knowledge is the question's own, if it has any.
    """

    item: Item
    text: str
    rationale: str
    right: bool
    summary: str | None = None
    supplementary: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where rationales come from, who wrote them, and under which licence they are published."""

    read: Callable[[Path], Iterator[Written]]
    teacher: str
    licence: tuple[str, ...]
    origin: str


class RawOutput(TypedDict):
    """What code-davinci-002 wrote for one question, after three solved ones."""

    input: str
    prediction: str
    target: str


def codex(folder: Path) -> Iterator[Written]:
    """The train part of BBH with code-davinci-002's rationales."""
    return codex_of(bbh(folder).train, folder)


def codex_of(items: Iterable[Item], folder: Path) -> Iterator[Written]:
    """Questions of BBH with code-davinci-002's rationales, whose files keep the order of BBH."""
    predictions: dict[str, str] = {}
    for path in listed(folder, "bbh_codex_cot/*.json", BBH_SOURCE):
        task = path.stem.partition("_few_shot_template")[0]
        raw = cast("dict[str, list[RawOutput]]", json_file(path))["outputs"]
        predictions |= {f"bbh/{task}/{i}": output["prediction"] for i, output in enumerate(raw)}
    for item in items:
        if item["id"] not in predictions:
            raise WrongItemsError(f"bbh_codex_cot: no rationale for {item['id']}")
        text = predictions[item["id"]]
        rationale, _, answer = text.rpartition(_CONCLUSION)
        right = matches(answer, item["target"], item["options"])
        yield Written(item, text, rationale.strip(), right)


class RawSteps(TypedDict):
    """A GSM8K question; the answer is steps with <<calculator marks>>, then "#### N"."""

    question: str
    answer: str


def gsm8k(folder: Path) -> Iterator[Written]:
    """GSM8K train with the steps that people wrote, without their calculator marks."""
    rows = cast("list[RawSteps]", json_lines(folder, "gsm8k/train.jsonl", GSM8K_SOURCE))
    for i, raw in enumerate(rows):
        steps, _, answer = re.sub(r"<<[^>]*>>", "", raw["answer"]).partition("####")
        target = answer.strip().replace(",", "")
        item = item_of(f"gsm8k/train/{i}", "gsm8k", raw["question"].strip(), target)
        yield Written(item, raw["answer"], steps.strip(), right=True)


def csqa(folder: Path, part: str = "train") -> Iterator[Written]:
    """CommonsenseQA with PaLM's rationales; a gold choice listed twice is never right."""
    texts = _completions(folder, f"cqa/palm/{FILES[part]}")
    for (item, one_gold), text in zip(questions(folder, part), texts, strict=True):
        rationale, _, answer = text.rpartition(_CONCLUSION)
        right = one_gold and matches(answer, item["target"], item["options"])
        yield Written(item, text, rationale.strip(), right)


def csqa_facts(folder: Path) -> Iterator[Written]:
    """CommonsenseQA's validation part with PaLM's rationales: what is trained on and is known.

    A row needs a summary, and almost every question has facts: they are the summary, definitions
    are supplementary. Where there are definitions alone, they are the summary.
    """
    train, facts = {i["id"]: i for i in split_csqa(folder).train}, known(folder)
    for each in csqa(folder, "validation"):
        name = each.item["id"]
        if name in train and name in facts:
            summary, more = (*facts[name].texts, None)[:2]
            yield replace(each, item=train[name], summary=summary, supplementary=more)


class RawEquation(TypedDict):
    """A SVAMP question; the label is the equation, "( 84.0 / 2.0 )"."""

    input: str
    label: str


def svamp(folder: Path) -> Iterator[Written]:
    """SVAMP train with PaLM's rationales; it concludes with an equation, whose value counts."""
    name = "distilling_step_by_step/svamp/svamp_train.json"
    rows = cast("list[RawEquation]", json_lines(folder, name, PALM_SOURCE))
    for i, (raw, text) in enumerate(
        zip(rows, _completions(folder, "svamp/palm/train"), strict=True)
    ):
        gold = _value(raw["label"])
        if gold is None:
            raise ValueError(f"{name}:{i + 1}: '{raw['label']}' is no equation with a value")
        rationale, _, answer = text.rpartition("The answer is")
        item = item_of(f"svamp/train/{i}", "svamp", raw["input"].strip(), _plain(gold))
        yield Written(item, text, rationale.strip(), _value(answer) == gold)


class RawFacts(TypedDict):
    """A StrategyQA question with the facts that decide it and the questions that lead there."""

    qid: str
    question: str
    answer: bool
    facts: list[str]
    decomposition: list[str]


def strategyqa(folder: Path) -> Iterator[Written]:
    """StrategyQA train and dev: facts as rationale and as knowledge, sub-questions as summary.

    People wrote no other rationale: those of FLAN's CoT collection are these facts, joined.
    """
    for part in ("train", "dev"):
        (path,) = listed(folder, f"strategyqa/{part}.json", STRATEGYQA_SOURCE)
        for raw in cast("list[RawFacts]", json_file(path)):
            facts = [" ".join(fact.split()) for fact in raw["facts"]]
            steps = [f"{i}. {step.strip()}" for i, step in enumerate(raw["decomposition"], 1)]
            target = "Yes" if raw["answer"] else "No"
            name = f"strategyqa/{part}/{raw['qid']}"
            item = item_of(name, "strategyqa", raw["question"].strip(), target)
            item["facts"] = facts
            text = " ".join(facts)
            yield Written(item, text, text, True, "\n".join(steps), text)


def flan(folder: Path) -> Iterator[Written]:
    """Seven sets of FLAN's CoT collection with what people wrote; of equal questions the first."""
    seen = set[str]()
    for path in listed(folder, "flan_cot/*.tsv", FLAN_SOURCE):
        task = path.stem.removesuffix("_train")
        for i, line in enumerate(path.read_text("utf-8").removesuffix("\n").split("\n")):
            question, target, text = (cell.replace("\\n", "\n") for cell in line.split("\t"))
            item = item_of(f"flan/{task}/{i}", task, question.strip(), target.strip())
            if item["question"] not in seen:
                seen.add(item["question"])
                yield Written(item, text, text.strip(), right=True)


CODEX = Source(
    codex,
    "code-davinci-002",
    ("MIT", PROVIDER_TERMS),
    f"{BBH_SOURCE} code-davinci-002-outputs/code-davinci-002-cot",
)
GSM8K = Source(gsm8k, "people (GSM8K)", ("MIT",), GSM8K_SOURCE)
CSQA = Source(csqa, "PaLM", ("Apache-2.0", PROVIDER_TERMS), f"{PALM_SOURCE} CommonsenseQA")
CSQA_FACTS = Source(
    csqa_facts,
    "PaLM",
    ("Apache-2.0", "ConceptNet's facts are CC BY-SA 4.0", PROVIDER_TERMS),
    f"{PALM_SOURCE} CommonsenseQA; {LLMR_SOURCE}",
)
SVAMP = Source(svamp, "PaLM", ("Apache-2.0", PROVIDER_TERMS), f"{PALM_SOURCE} SVAMP")
STRATEGYQA = Source(strategyqa, "people (StrategyQA)", ("MIT",), STRATEGYQA_SOURCE)
FLAN = Source(
    flan,
    "people (FLAN CoT collection)",
    ("Apache-2.0", "the sets it was made of keep their own licences"),
    FLAN_SOURCE,
)


def _completions(folder: Path, files: str) -> Iterator[str]:
    """PaLM's texts in the order of the questions; they run on into questions of its own."""
    pattern = f"distilling_step_by_step/{files}_CoT_*.json"
    for path in listed(folder, pattern, PALM_SOURCE):
        for text in cast("list[str]", json_file(path)):
            yield text.partition("\n\nQ:")[0]


def _value(equation: str) -> Fraction | None:
    """What an equation of numbers, brackets and + - * / comes to; None if it is anything else."""
    try:
        return _evaluated(ast.parse(equation.strip().rstrip("."), mode="eval").body)
    except (SyntaxError, ZeroDivisionError):
        return None


def _evaluated(node: ast.expr) -> Fraction | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return Fraction(str(node.value))
    if not isinstance(node, ast.BinOp) or type(node.op) not in _OPERATIONS:
        return None
    left, right = _evaluated(node.left), _evaluated(node.right)
    if left is None or right is None:
        return None
    return _OPERATIONS[type(node.op)](left, right)


def _plain(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else str(float(value))


def gsm8k_train(folder: Path) -> list[Item]:
    """The part of GSM8K that is trained on."""
    return [written.item for written in GSM8K.read(folder)]
