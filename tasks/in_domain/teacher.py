"""The corpus `bbh-codex`: real code-davinci-002 rationales for the train part of BBH.

One real rationale: "We start at the origin (0, 0), facing the positive y-axis. .. Since (3, -6) is
not (0, 0), we are not where we started." [So the answer is No.]
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, cast

from tasks.corpora import Corpus, CorpusRow, Passage, n_tokens
from tasks.docs import Item, WrongItemsError
from tasks.published import BBH_SOURCE, bbh, data_folder, listed
from tasks.scoring import matches

CORPORA: tuple[str, ...] = ("bbh-codex",)
PASSAGE_WORDS = 128
"""SKIntern cuts passages to 128 words (appendix A.3)."""

_CONCLUSION = "So the answer is"


class RawOutput(TypedDict):
    """What code-davinci-002 wrote for one question, after three solved ones."""

    input: str
    prediction: str
    target: str


def build(name: str, *, world: int, data_dir: Path | None) -> Corpus:
    """Import corpus `name`; there is one world only."""
    if name not in CORPORA:
        raise ValueError(f"no corpus {name!r} here; there is {', '.join(CORPORA)}")
    if world:
        raise WrongItemsError(f"corpus {name} is imported: there is no world {world} of it")
    folder = data_folder(data_dir)
    train = bbh(folder).train
    written = _predictions(folder)
    rows = list(_right(train, written))
    return Corpus(
        rows=rows,
        passages=list(passages(folder)),
        asked=len(train),
        rejected=len(train) - len(rows),
        teacher="code-davinci-002",
        teacher_tokens={
            "rationale": n_tokens(*(written[item["id"]] for item in train)),
            "knowledge": 0,
        },
        licence="MIT",
        source=f"{BBH_SOURCE} code-davinci-002-outputs/code-davinci-002-cot",
    )


def passages(folder: Path) -> Iterator[Passage]:
    """KARD's passages from the published CoT prompts: each task's description and three exemplars.

    A thin stand-in until there is a knowledge bank. Longer texts are cut into passages of at most
    PASSAGE_WORDS words; which row a passage is relevant to is not known.
    """
    for path in listed(folder, "bbh/cot-prompts/*.txt", BBH_SOURCE):
        _canary, _, prompt = path.read_text("utf-8").partition("\n-----\n")
        for n_text, text in enumerate(re.split(r"\n\n(?=Q: )", prompt.strip())):
            for n_part, part in enumerate(_parts(text)):
                name = f"bbh/{path.stem}/prompt/{n_text}/{n_part}"
                yield {"id": name, "text": part}


def _parts(text: str) -> list[str]:
    """Consecutive parts of about equal length, as few as PASSAGE_WORDS allows."""
    words = re.findall(r"\S+\s*", text)
    size = math.ceil(len(words) / math.ceil(len(words) / PASSAGE_WORDS))
    return ["".join(words[i : i + size]).strip() for i in range(0, len(words), size)]


def _predictions(folder: Path) -> dict[str, str]:
    """The teacher's text by the id of the question: the files keep the order of BBH."""
    found: dict[str, str] = {}
    for path in listed(folder, "bbh_codex_cot/*.json", BBH_SOURCE):
        task = path.stem.partition("_few_shot_template")[0]
        raw = cast("dict[str, list[RawOutput]]", json.loads(path.read_bytes()))["outputs"]
        found |= {f"bbh/{task}/{i}": output["prediction"] for i, output in enumerate(raw)}
    return found


def _right(items: list[Item], predictions: dict[str, str]) -> Iterator[CorpusRow]:
    """The answer filter: rows whose rationale ends in the gold answer."""
    for item in items:
        if item["id"] not in predictions:
            raise ValueError(f"bbh_codex_cot: no rationale for {item['id']}; files are missing")
        rationale, _, answer = predictions[item["id"]].rpartition(_CONCLUSION)
        if rationale.strip() and matches(answer, item["target"], item["options"]):
            yield {
                "id": item["id"],
                "task": item["task"],
                "question": item["question"],
                "options": item["options"],
                "rationale": rationale.strip(),
                "answer": item["target"],
                "summary": None,
                "supplementary": None,
            }
