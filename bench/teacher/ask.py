"""Ask a teacher about a corpus' questions and write what is right as a corpus of its own."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from bench.corpora.check import beside
from bench.corpora.corpus import Corpus
from bench.corpora.files import write
from bench.corpora.rows import CorpusError
from bench.ground.bars import Bar
from bench.ground.files import locked
from bench.teacher.journal import (
    Journal,
    Sampling,
    StoppedError,
    Teacher,
    UnansweredError,
)
from bench.teacher.plan import KNOWLEDGE_TRIES, Harvest, Replies, Row, Step, harvest, next_step
from bench.teacher.prompts import PROMPT_SHA256
from tasks import corpora
from tasks.corpora import CorpusRow, n_tokens
from tasks.docs import stratified

GIVE_UP_AFTER = 5
"""Questions in a row without a reply: then the server is given a rest."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: `prices` are of a million tokens, of prompts and of completions."""

    sampling: Sampling
    rationales: int
    concurrency: int
    limit: int | None
    prices: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `manifest` is None while questions are open."""

    n_asked: int
    """Requests of this run that were answered."""
    n_open: int
    """Questions that are not finished."""
    left: Mapping[str, str]
    """Question -> why it was left for the next run."""
    stopped: str | None
    """Why nothing more could be asked."""
    ledger: Mapping[str, Any]
    harvest: Harvest | None
    manifest: Mapping[str, Any] | None


@contextmanager
def journal_of(out: Path, settings: Mapping[str, Any]) -> Iterator[Journal]:
    """The journal beside `out`, held; CorpusError where `out` was made otherwise."""
    path = beside(out, ".journal.jsonl")
    with locked(path):
        if out.exists() and not path.exists():
            raise CorpusError(f"{out} exists and was made without {path.name}: give another --out")
        with closing(Journal(path, settings)) as journal:
            yield journal


async def make(teacher: Teacher, source: Corpus, out: Path, order: Order) -> Outcome:
    """Ask what the journal beside `out` does not hold yet; write the corpus when none is open."""
    with journal_of(out, _settings(teacher, source, order)) as journal:
        return await _make(teacher, source, out, order, journal)


async def _make(
    teacher: Teacher, source: Corpus, out: Path, order: Order, journal: Journal
) -> Outcome:
    chosen = {row["id"] for row in stratified(source.rows, order.limit)}
    rows = [row for row in source.rows if row["id"] in chosen]
    n_before = len(journal.replies)
    step = partial(next_step, n_rationales=order.rationales)
    asking = Asking(teacher, journal, step, order.concurrency)
    n_open, stopped = await asking.ask_all(rows)
    spent, found, manifest = ledger(journal.replies, order.prices), None, None
    if not n_open:
        found = harvest(rows, journal.replies, order.rationales)
        manifest = _write(teacher, source, out, order, journal, found, spent)
    n_asked = len(journal.replies) - n_before
    return Outcome(n_asked, n_open, asking.left, stopped, spent, found, manifest)


def _settings(teacher: Teacher, source: Corpus, order: Order) -> dict[str, Any]:
    """All that replies depend on: with other settings they are not mixed."""
    return {
        **teacher.settings,
        **order.sampling.settings,
        "rationales": order.rationales,
        "knowledge_tries": KNOWLEDGE_TRIES,
        "prompt_sha256": PROMPT_SHA256,
        "corpus": source.manifest["name"],
        "corpus_sha256": source.sha256,
    }


@dataclass
class Asking:
    """One run over open questions, several at a time."""

    teacher: Teacher
    journal: Journal
    next_step: Callable[[Row, Replies], Step | None]
    """What to ask about a question next, by the replies so far; None when all was asked."""
    concurrency: int
    left: dict[str, str] = field(default_factory=dict[str, str])
    _in_a_row: int = 0

    def open_questions(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if self._next(row)]

    async def ask_all(self, rows: Sequence[Row]) -> tuple[int, str | None]:
        """Ask what is open; how many still are, and why nothing more could be asked."""
        stopped = None
        if todo := self.open_questions(rows):
            try:
                await self.teacher.greet()
                await self.run(todo, n_done=len(rows) - len(todo))
            except StoppedError as error:
                stopped = str(error)
        return len(self.open_questions(rows)), stopped

    async def run(self, todo: Sequence[Row], n_done: int) -> None:
        """Ask until each is answered or left; StoppedError when nothing more can be asked."""
        waiting, total = iter(todo), len(todo) + n_done
        with Bar(total=total, initial=n_done, what="asking", unit="question", leave=True) as bar:
            workers = [
                asyncio.create_task(self._work(waiting, bar)) for _ in range(self.concurrency)
            ]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    def _next(self, row: Row) -> Step | None:
        return self.next_step(row, self.journal.replies)

    async def _work(self, waiting: Iterator[Row], bar: Any) -> None:
        for row in waiting:
            try:
                while step := self._next(row):
                    self.journal.add(step.request, await self.teacher.ask(step.prompt, step.seed))
                    self._in_a_row = 0
                bar.update()
            except UnansweredError as error:
                self.left[row["id"]] = str(error)
                self._in_a_row += 1
                if self._in_a_row == GIVE_UP_AFTER:
                    raise StoppedError(
                        f"{GIVE_UP_AFTER} questions in a row went without a reply: {error}"
                    ) from error


def ledger(replies: Replies, prices: tuple[float, float] | None) -> dict[str, Any]:
    """Tokens of every reply in the journal, kept or rejected, and what they cost."""
    n_prompt = sum(reply.prompt_tokens for reply in replies.values())
    n_completion = sum(reply.completion_tokens for reply in replies.values())
    cost = None
    if prices is not None:
        cost = (n_prompt * prices[0] + n_completion * prices[1]) / MILLION
    return {
        "requests": dict(Counter(request.part for request in replies)),
        "prompt_tokens": n_prompt,
        "completion_tokens": n_completion,
        "estimated_requests": sum(reply.estimated for reply in replies.values()),
        "prices_per_million": prices,
        "cost": cost,
    }


def _written(replies: Replies, found: Harvest) -> dict[str, int]:
    """What the teacher wrote; `further` are the kept rationales after a question's first."""
    counts = dict.fromkeys(found.rejected, 0)
    for request, reply in replies.items():
        counts[request.part] += n_tokens(reply.text)
    further = n_tokens(*(text for row in found.rows for text in row["rationales"]))
    if not further:
        return {**counts}
    return {**counts, "rationale": counts["rationale"] - further, "further": further}


def _write(
    teacher: Teacher,
    source: Corpus,
    out: Path,
    order: Order,
    journal: Journal,
    found: Harvest,
    ledger: Mapping[str, Any],
) -> Mapping[str, Any] | None:
    """Write the corpus and its manifest, unless there is no row."""
    if not found.rows:
        return None
    n_left_out = found.left_out.total()
    model = teacher.settings["model"]
    corpus = corpora.TeacherCorpus(
        rows=cast("list[CorpusRow]", found.rows),
        passages=[{"id": str(i), "text": text} for i, text in enumerate(source.passages)],
        asked=len(found.rows) + n_left_out,
        rejected=n_left_out,
        teacher=f"{model} ({teacher.origin})",
        teacher_tokens=_written(journal.replies, found),
        licence=f"questions: {source.manifest.get('licence', 'unknown')}; rationales and knowledge:"
        f" as the terms of {model} allow",
        source=f"questions of {source.manifest['name']}, sha256 {source.sha256}",
    )
    return write(
        out,
        corpus,
        settings=_settings(teacher, source, order),
        rejected_replies={part: dict(counts) for part, counts in found.rejected.items()},
        left_out=dict(found.left_out),
        ledger=dict(ledger),
    )
