"""The corpora of real rationales: which sources, how many rows, which knowledge and passages.

One real rationale, of code-davinci-002: "We start at the origin (0, 0), facing the positive y-axis.
.. Since (3, -6) is not (0, 0), we are not where we started." [So the answer is No.]

`recon-v1` reconstructs the training mix of SKIntern, whose own rationales are not to be had: the
right ones of BBH's train part, 3,500 of GSM8K (theirs are of MetaMathQA), and 1,555 of
CommonsenseQA (theirs are of MMLU). `recon-v1-short` holds some of its rows, in its proportions.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.corpora import CorpusRow, Passage, TeacherCorpus, n_tokens
from tasks.docs import Item, WrongItemsError
from tasks.in_domain import knowledge
from tasks.in_domain.bbh import BBH_SOURCE
from tasks.in_domain.csqa import known
from tasks.in_domain.knowledge import cut
from tasks.in_domain.sources import (
    CODEX,
    CSQA,
    CSQA_FACTS,
    FLAN,
    GSM8K,
    STRATEGYQA,
    SVAMP,
    Source,
    Written,
    strategyqa,
)
from tasks.out_of_domain.bb_sub import bb_sub
from tasks.raw import by_hash, data_folder, listed, sha256
from tasks.scoring import CONCLUSION

_PIECES = re.compile(r"[A-Za-z]+|\S|\n")


def passages(folder: Path) -> Iterator[Passage]:
    """The published CoT prompts of BBH: each task's description and three exemplars."""
    for path in listed(folder, "bbh/cot-prompts/*.txt", BBH_SOURCE):
        _canary, _, prompt = path.read_text("utf-8").partition("\n-----\n")
        for n_text, text in enumerate(re.split(r"\n\n(?=Q: )", prompt.strip())):
            for n_part, part in enumerate(cut(text)):
                yield {"id": f"bbh/{path.stem}/prompt/{n_text}/{n_part}", "text": part}


def facts(folder: Path) -> Iterator[Passage]:
    """The facts of each StrategyQA question, one passage a question."""
    for written in strategyqa(folder):
        for i, part in enumerate(cut(written.text)):
            yield {"id": f"{written.item['id']}/facts/{i}", "text": part}


def csqa_knowledge(folder: Path) -> Iterator[Passage]:
    """What is known of CommonsenseQA's validation part, test questions and all.

    The facts of a question are a passage and so are its definitions; equal ones come once.
    """
    seen = set[str]()
    for name, each in known(folder).items():
        for i, text in enumerate(each.texts):
            if text not in seen:
                seen.add(text)
                yield {"id": f"{name}/{i}", "text": text}


def with_facts(folder: Path) -> Iterator[Passage]:
    """The bank, and the facts of all of StrategyQA."""
    yield from knowledge.passages()
    yield from facts(folder)


def bank_and_facts(folder: Path) -> Iterator[Passage]:
    """What KARD searches by default: the bank, among facts as distractors.

    The facts of questions that BB-sub asks are left out: retrieved at test time they would be
    gold knowledge. Solved exemplars are none of it either: they look so much like a question that
    they would be all that it finds.
    """
    tested = {item["question"].partition("\nOptions:")[0].strip() for item in bb_sub(folder)}
    asked = {w.item["id"] for w in strategyqa(folder) if w.item["question"] in tested}
    for passage in with_facts(folder):
        if passage["id"].partition("/facts/")[0] not in asked:
            yield passage


def published_dev(item: Item) -> bool:
    """Whether a question is of the dev part that its source publishes."""
    return "/dev/" in item["id"]


@dataclass(frozen=True, slots=True)
class Part:
    """A source's right rows: all in its order, or the first `n` in the order of their hashes."""

    source: Source
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a corpus is made of."""

    parts: tuple[Part, ...]
    bank: bool = False
    """Whether rows get the knowledge of their task."""
    passages: Callable[[Path], Iterable[Passage]] | None = None
    held_out: Callable[[Item], bool] | None = None
    """Which questions are kept for dev, whatever was written for them."""
    longest: int | None = None
    """Rows with a longer target, in words, digits, marks and line breaks, are left out."""


_FIRST = replace(CODEX, licence=("MIT",))
"""As the first manifest has it; the terms of the provider hold for it no less."""

CORPORA: dict[str, Recipe] = {
    "bbh-codex": Recipe((Part(_FIRST),), passages=passages),
    "bbh-codex-bank": Recipe((Part(CODEX),), bank=True, passages=bank_and_facts),
    "csqa-facts": Recipe((Part(CSQA_FACTS),), passages=csqa_knowledge),
    "csqa-palm": Recipe((Part(CSQA),)),
    "flan-cot": Recipe((Part(FLAN),)),
    "gsm8k-human": Recipe((Part(GSM8K),)),
    "recon-v1": Recipe(
        (Part(CODEX), Part(GSM8K, 3500), Part(CSQA, 1555)),
        bank=True,
        passages=bank_and_facts,
        held_out=by_hash,
    ),
    "recon-v1-short": Recipe(
        (Part(CODEX, 267), Part(GSM8K, 258), Part(CSQA, 115)),
        bank=True,
        passages=bank_and_facts,
        held_out=by_hash,
        longest=100,
    ),
    "strategyqa-facts": Recipe((Part(STRATEGYQA),), passages=with_facts, held_out=published_dev),
    "svamp-palm": Recipe((Part(SVAMP),)),
}


def build(name: str, *, world: int, data_dir: Path | None) -> TeacherCorpus:
    """Import corpus `name`; there is one world only."""
    if name not in CORPORA:
        raise ValueError(f"no corpus {name!r} here; there is {', '.join(CORPORA)}")
    if world:
        raise WrongItemsError(f"corpus {name} is imported: there is no world {world} of it")
    recipe, folder = CORPORA[name], data_folder(data_dir)
    dev, asked = list[Item](), list[Written]()
    for part in recipe.parts:
        held, drawn = _draw(part, recipe, folder)
        dev += held
        asked += drawn
    rows = [_row(written) for written in asked if _usable(written, recipe.longest)]
    own = any(row["summary"] for row in rows)
    n_knowledge = _give_bank(rows) if recipe.bank else _n_knowledge(rows)
    sources = [part.source for part in recipe.parts]
    return TeacherCorpus(
        rows=rows,
        passages=list(recipe.passages(folder)) if recipe.passages else [],
        asked=len(asked),
        rejected=len(asked) - len(rows),
        teacher=_joined(source.teacher for source in sources),
        teacher_tokens={
            "rationale": n_tokens(*(written.text for written in asked)),
            "knowledge": n_knowledge,
        },
        licence=_joined(note for source in sources for note in source.licence),
        source=_joined(source.origin for source in sources),
        knowledge="per task" if recipe.bank else "per question" if own else None,
        dev=dev,
    )


def _draw(part: Part, recipe: Recipe, folder: Path) -> tuple[list[Item], list[Written]]:
    """The questions held out, and what is taken of the others, wrong ones included."""
    found, held = list[Written](), list[Item]()
    for written in part.source.read(folder):
        if recipe.held_out and recipe.held_out(written.item):
            held.append(written.item)
        else:
            found.append(written)
    if part.n is None:
        return held, found
    found.sort(key=lambda written: (sha256(written.item["question"]), written.item["id"]))
    right = [i for i, written in enumerate(found) if _usable(written, recipe.longest)]
    if len(right) < part.n:
        raise ValueError(f"{part.source.origin}: {len(right)} right rows, {part.n} are needed")
    return held, found[: right[part.n - 1] + 1]


def _usable(written: Written, longest: int | None) -> bool:
    """The filter: a rationale that ends in the gold answer, and is not too long with it."""
    target = f"{written.rationale} {CONCLUSION} {written.item['target']}."
    fits = longest is None or len(_PIECES.findall(target)) <= longest
    return bool(written.rationale) and written.right and fits


def _row(written: Written) -> CorpusRow:
    item = written.item
    row: CorpusRow = {
        "id": item["id"],
        "task": item["task"],
        "question": item["question"],
        "options": item["options"],
        "rationale": written.rationale,
        "answer": item["target"],
        "summary": written.summary,
        "supplementary": written.supplementary,
    }
    if "facts" in item:
        row["facts"] = item["facts"]
    return row


def _give_bank(rows: list[CorpusRow]) -> int:
    """Give every row the knowledge of its task; the tokens of the entries used, each once."""
    entries = knowledge.bank()
    for row in rows:
        entry = knowledge.entry(entries, row["task"])
        row["summary"], row["supplementary"] = entry["summary"], entry["supplementary"]
    used = [entries[task] for task in {row["task"] for row in rows}]
    return n_tokens(
        *(text for entry in used for text in (entry["summary"], entry["supplementary"]))
    )


def _n_knowledge(rows: list[CorpusRow]) -> int:
    return n_tokens(*(row[key] or "" for row in rows for key in ("summary", "supplementary")))


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))
