"""`skbench corpus triples`: a loose teacher writes a corpus of triples beside what people wrote."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from bench.corpora import corpus
from bench.corpora.corpus import Corpus
from bench.corpora.files import checked_out, write
from bench.ground.exits import FINE, INCOMPLETE
from bench.ground.places import data_dir, home
from bench.teacher import triples
from bench.teacher.ask import Asking, journal_of, ledger
from bench.teacher.build import ledger_line, teacher_of
from bench.teacher.journal import (
    Journal,
    Reply,
    Request,
    Sampling,
    StoppedError,
    Teacher,
    UnansweredError,
)
from bench.teacher.plan import Row
from bench.teacher.triple_prompts import PROMPT_SHA256
from bench.track import ConfigError
from leaderboard.store.reading import nearest
from tasks import published
from tasks.corpora import Answered, CorpusRow, LabelledTriple, TeacherCorpus, n_tokens
from tasks.published import TRIPLES
from tasks.raw import data_folder
from tasks.triples import Triple, row

STOP = ("\n", ".")


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for; the numbers of West et al. 2021 are the defaults of the command."""

    n_events: int
    n_tails: int
    events: Sampling
    tails: Sampling
    concurrency: int


def build(args: Namespace) -> int:
    """Write the corpus of a teacher that is asked; the exit code."""
    checked_out(args.out)
    order = Order(
        n_events=args.events,
        n_tails=args.tails,
        events=Sampling(args.temperature, args.max_tokens, args.event_top_p, STOP),
        tails=Sampling(args.temperature, args.max_tokens, args.tail_top_p, STOP),
        concurrency=args.concurrency,
    )
    source = corpus.obtain(args.corpus, home(), world=0, data_dir=data_dir(args.data_dir))
    try:
        return asyncio.run(_build(args, source, order))
    except (StoppedError, UnansweredError) as error:
        print(f"skbench: {error}", file=sys.stderr)
        return INCOMPLETE


async def _build(args: Namespace, source: Corpus, order: Order) -> int:
    teacher = await teacher_of(args, order.events, order.concurrency)
    try:
        with journal_of(args.out, _settings(teacher, source, order)) as journal:
            return await _made(teacher, source, args, order, journal)
    finally:
        await teacher.aclose()


async def _made(
    teacher: Teacher, source: Corpus, args: Namespace, order: Order, journal: Journal
) -> int:
    """Ask for events, then for tails of those that are kept, then write."""
    known = triples.shown(source.rows)
    relations = triples.relations(known)
    if not relations:
        raise ConfigError(f"corpus {source.manifest['name']} has no triples of people to show")
    tested = _tested(args)
    units = triples.event_units(order.n_events)
    teacher.sampling = order.events
    ask_event = partial(triples.next_event, known=known)
    if (code := await _all_asked(teacher, journal, ask_event, units, order)) is not None:
        return code
    new = triples.events(units, journal.replies, known)
    wanted = triples.tail_units([event for _, event in new.texts], relations)
    answers = triples.tail_units(tested, relations)
    teacher.sampling = order.tails
    ask_tail = partial(triples.next_tail, known=known, n_tails=order.n_tails)
    if (code := await _all_asked(teacher, journal, ask_tail, wanted + answers, order)) is not None:
        return code
    kept = triples.tails(wanted, journal.replies, order.n_tails)
    made = list(triples.triples(wanted, kept))
    drafts = triples.answers(answers, triples.tails(answers, journal.replies, order.n_tails))
    dropped = {"event": new.dropped, "tail": kept.dropped}
    asked = [Request(unit["id"], "event", n) for unit in units for n in range(triples.SAMPLES)]
    asked += [Request(unit["id"], "tail", n) for unit in wanted for n in range(order.n_tails)]
    replies = [journal.replies[request] for request in asked]
    _write(teacher, source, args.out, order, replies, made, drafts, dropped)
    print(ledger_line(ledger(journal.replies, None)))
    for part, reasons in (("events", new.dropped), ("tails", kept.dropped)):
        print(f"dropped {part}: " + ", ".join(f"{why} {n}" for why, n in sorted(reasons.items())))
    print(f"{args.out}: {len(made)} triples of {len(new.texts)} events, beside those of people")
    return FINE


async def _all_asked(
    teacher: Teacher, journal: Journal, step: Any, units: Sequence[Row], order: Order
) -> int | None:
    """None when all was asked, else the exit code, after a word on what is left."""
    asking = Asking(teacher, journal, step, order.concurrency)
    n_open, stopped = await asking.ask_all(units)
    if not n_open:
        return None
    why = stopped or next(iter(asking.left.values()), "")
    print(
        f"skbench: {n_open} prompts are open ({why}); the same command goes on from here",
        file=sys.stderr,
    )
    return INCOMPLETE


def _tested(args: Namespace) -> list[str]:
    """The events that the task asks about, which are answered and not learned from."""
    if args.answers is None:
        return []
    if args.answers not in TRIPLES:
        hint = nearest(args.answers, sorted(TRIPLES))
        raise ConfigError(f"--answers {args.answers}: no published task of triples; {hint}")
    items = published.items(args.answers, data_folder(data_dir(args.data_dir)))
    return list(dict.fromkeys(item["question"] for item in items))


def _settings(teacher: Teacher, source: Corpus, order: Order) -> dict[str, Any]:
    """All that replies depend on: with other settings they are not mixed.

    How many are asked for is none of it: the same command with more goes on.
    """
    return {
        **teacher.settings,
        "events": order.events.settings,
        "tails": order.tails.settings,
        "prompt_sha256": PROMPT_SHA256,
        "corpus": source.manifest["name"],
        "corpus_sha256": source.sha256,
    }


def _write(
    teacher: Teacher,
    source: Corpus,
    out: Path,
    order: Order,
    replies: Sequence[Reply],
    made: Sequence[Triple],
    drafts: list[Answered],
    dropped: Mapping[str, Mapping[str, int]],
) -> None:
    """People's triples and the machine's as one corpus; labels are those there were.

    `replies` are those that could have come to be in it.
    """
    human = [each for each in source.rows if each.get("source") != "machine"]
    rows = [*human, *(row(f"{out.stem}/machine", triple, "machine") for triple in made)]
    model = teacher.settings["model"]
    written = TeacherCorpus(
        rows=cast("list[CorpusRow]", rows),
        passages=[],
        asked=len(replies),
        rejected=sum(sum(each.values()) for each in dropped.values()),
        teacher=f"people; {model} ({teacher.origin})",
        teacher_tokens={
            "rationale": n_tokens(*(reply.text for reply in replies)),
            "knowledge": 0,
        },
        licence=f"{source.manifest.get('licence', 'unknown')}; the machine's: as the terms of"
        f" {model} allow",
        source=f"shots of {source.manifest['name']}, sha256 {source.sha256}",
        labels=cast("list[LabelledTriple]", list(source.labels)),
        drafts=drafts,
    )
    asked = {"n_events": order.n_events, "n_tails": order.n_tails}
    write(out, written, settings=_settings(teacher, source, order) | asked, dropped=dropped)
