"""What to ask a teacher next and what to keep: pure functions of the replies so far.

A run that was cut off therefore goes on from its journal, and asks nothing twice.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.corpora.check import without_conclusion
from bench.corpora.knowledge import PARTS, knowledge_parts
from bench.teacher import prompts
from bench.teacher.journal import Part, Reply, Request
from tasks.scoring import CONCLUSION, matches, strict

Row = Mapping[str, Any]
Replies = Mapping[Request, Reply]

KNOWLEDGE_TRIES = 3
"""Times that knowledge is asked for until both its parts are there."""


class Step(NamedTuple):
    """A request to make, and its prompt."""

    request: Request
    prompt: str

    @property
    def seed(self) -> int:
        """What a teacher on this machine draws with: the same for the same request."""
        mixed = hashlib.sha256("/".join(map(str, self.request)).encode()).digest()
        return int.from_bytes(mixed[:7], "big")


def next_step(row: Row, replies: Replies, n_rationales: int) -> Step | None:
    """The next request for a question; None when all was asked."""
    for request in _rationale_requests(row, n_rationales):
        if request not in replies:
            return Step(request, prompts.rationale_prompt(row))
    kept = _kept(row, replies, n_rationales)
    if not kept:
        return None
    tries = _knowledge_tries(row, replies)
    if len(tries) == KNOWLEDGE_TRIES or any(knowledge_fault(reply) is None for reply in tries):
        return None
    n = len(tries)
    prompt = prompts.knowledge_prompt(row, kept[n % len(kept)])
    return Step(Request(row["id"], "knowledge", n), prompt)


def rationale_of(reply: Reply, row: Row) -> str:
    """What stands before the concluding sentence of a reply with the right answer."""
    before = reply.text.rpartition(CONCLUSION)[0]
    return without_conclusion(before, row["answer"], row.get("options") or ())


def rationale_fault(reply: Reply, row: Row) -> str | None:
    """Why a rationale is rejected; None if its answer is right."""
    if fault := unfinished(reply):
        return fault
    answer = strict(reply.text)
    if answer is None:
        return "no answer found"
    if not matches(answer, row["answer"], row.get("options") or ()):
        return "wrong answer"
    return None if rationale_of(reply, row) else "empty"


def knowledge_fault(reply: Reply) -> str | None:
    """Why knowledge is rejected; None if both its parts are there."""
    if fault := unfinished(reply):
        return fault
    parts = knowledge_parts(reply.text)
    missing = [name for name, part in zip(PARTS, parts, strict=True) if not part]
    return f"no {' and no '.join(missing)}" if missing else None


def unfinished(reply: Reply) -> str | None:
    """Why there is no whole reply; None where there is."""
    if reply.finish == "refused":
        return "refused by the server"
    if not reply.text.strip():
        return "empty"
    return "cut at max tokens" if reply.finish == "length" else None


def _rationale_requests(row: Row, n_rationales: int) -> list[Request]:
    return [Request(row["id"], "rationale", n) for n in range(n_rationales)]


def _knowledge_tries(row: Row, replies: Replies) -> list[Reply]:
    requests = [Request(row["id"], "knowledge", n) for n in range(KNOWLEDGE_TRIES)]
    return [replies[request] for request in requests if request in replies]


def _kept(row: Row, replies: Replies, n_rationales: int) -> list[str]:
    """The right rationales, each text once, in the order in which they were asked for."""
    found = [replies[request] for request in _rationale_requests(row, n_rationales)]
    right = [rationale_of(reply, row) for reply in found if rationale_fault(reply, row) is None]
    return list(dict.fromkeys(right))


@dataclass
class Harvest:
    """What the replies gave: the rows of the new corpus, and counts of what was not kept."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rejected: dict[Part, Counter[str]] = field(
        default_factory=lambda: {"rationale": Counter(), "knowledge": Counter()}
    )
    """Replies, by part and reason; a question can have several."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Questions without a row, by reason."""


def harvest(rows: Sequence[Row], replies: Replies, n_rationales: int) -> Harvest:
    """All that the questions `rows` gave, in their order; every question must be finished."""
    found = Harvest()
    for row in rows:
        _reap(found, row, replies, n_rationales)
    return found


def _reap(found: Harvest, row: Row, replies: Replies, n_rationales: int) -> None:
    asked = [replies[request] for request in _rationale_requests(row, n_rationales)]
    kept, tries = _kept(row, replies, n_rationales), _knowledge_tries(row, replies)
    faults = [fault for reply in asked if (fault := rationale_fault(reply, row))]
    faults += ["repeated"] * (len(asked) - len(faults) - len(kept))
    found.rejected["rationale"].update(faults)
    faults = [fault for reply in tries if (fault := knowledge_fault(reply))]
    found.rejected["knowledge"].update(faults)
    if not kept:
        found.left_out["no right rationale"] += 1
    elif len(faults) == len(tries):
        found.left_out["no knowledge"] += 1
    else:
        found.rows.append(_row(row, kept, tries[-1]))


def _row(row: Row, kept: Sequence[str], knowledge: Reply) -> dict[str, Any]:
    summary, supplementary = knowledge_parts(knowledge.text)
    facts = {"facts": list(row["facts"])} if row.get("facts") else {}
    return {
        "id": row["id"],
        "task": row["task"],
        "question": row["question"],
        "options": list(row.get("options") or ()),
        "rationale": kept[0],
        "answer": row["answer"],
        "summary": summary,
        "supplementary": supplementary,
        "rationales": list(kept[1:]),
        **facts,
    }
