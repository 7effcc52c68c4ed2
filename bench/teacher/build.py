"""`skbench corpus build`: which teacher, which questions, and what came of it."""

import asyncio
import re
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import track
from bench.corpora import corpus
from bench.corpora.check import beside
from bench.corpora.corpus import Corpus
from bench.corpora.files import checked_out, write_new
from bench.ground.exits import FAILED, FINE, INCOMPLETE
from bench.ground.places import data_dir, home
from bench.teacher.ask import Order, Outcome, make
from bench.teacher.journal import (
    Sampling,
    StoppedError,
    Teacher,
    UnansweredError,
    settings_of,
)
from bench.track import ConfigError
from leaderboard.store.reading import nearest
from tasks import corpora

DESCRIBED = ("asked", "rejected", "teacher", "teacher_tokens", "licence", "source", "knowledge")
"""What a written corpus takes over from the manifest of the built-in one."""
SHOWN = 5
"""Questions named among those that were left."""


def build(args: Namespace) -> int:
    """Write the corpus of a generator, or of a teacher that is asked; the exit code."""
    if args.out is not None:
        checked_out(args.out)
    if args.teacher in corpus.builders():
        if args.model or args.limit:
            made = f"'{args.teacher}' is a generator"
            raise ConfigError(f"--model and --limit are for asking; {made}")
        return generate(args.teacher, args.out or Path(f"{args.teacher}.jsonl"), args.data_dir)
    data = data_dir(args.data_dir)
    if args.track is None:
        raise ConfigError("give --track: its corpus has the questions to ask")
    order = _order(args)
    source = corpus.obtain(track.load(args.track).corpus_source, home(), world=0, data_dir=data)
    try:
        out, outcome = asyncio.run(_ask(args, source, order))
    except (StoppedError, UnansweredError) as error:
        print(f"skbench: {error}", file=sys.stderr)
        return INCOMPLETE
    return _tell(out, outcome)


def generate(name: str, out: Path, data: str | None) -> int:
    """Write built-in corpus `name`, made from the folder `data` of published files, to `out`."""
    found = corpus.obtain(name, home(), world=0, data_dir=data_dir(data))
    known = {key: found.manifest[key] for key in DESCRIBED if key in found.manifest}
    rows: Any = list(found.rows)
    passages: Any = [{"id": str(i), "text": text} for i, text in enumerate(found.passages)]
    beside: Any = {"labels": list(found.labels), "drafts": list(found.drafts)}
    made = corpora.TeacherCorpus(rows=rows, passages=passages, **beside, **known)
    new = write_new(out, made)
    print(f"{out}: {len(rows)} rows{'' if new else ', as it was'}")
    return FINE


def _order(args: Namespace) -> Order:
    prices = args.prompt_price, args.completion_price
    if (prices[0] is None) != (prices[1] is None):
        raise ConfigError("give both --prompt-price and --completion-price, or neither")
    return Order(
        sampling=Sampling(args.temperature, args.max_tokens),
        rationales=args.rationales,
        concurrency=args.concurrency,
        limit=args.limit,
        prices=None if prices[0] is None else prices,
    )


async def _ask(args: Namespace, source: Corpus, order: Order) -> tuple[Path, Outcome]:
    teacher = await teacher_of(args, order.sampling, order.concurrency)
    try:
        model = re.sub(r"[^A-Za-z0-9.]+", "-", str(teacher.settings["model"])).strip("-")
        out = args.out or Path(f"{Path(args.track).stem}-{model}.jsonl")
        return out, await make(teacher, source, out, order)
    finally:
        await teacher.aclose()


async def teacher_of(args: Namespace, sampling: Sampling, concurrency: int) -> Teacher:
    """The endpoint or the local model that `--teacher` names."""
    if "://" in args.teacher:
        return await _endpoint(args, sampling)
    folder = Path(args.teacher)
    if not folder.is_dir():
        hint = nearest(args.teacher, sorted(corpus.builders()))
        raise ConfigError(f"--teacher {folder}: no URL, no folder and no generator: {hint}")
    if args.model:
        raise ConfigError("--model is for an endpoint; a folder is one model")
    from bench.teacher.model import LocalTeacher

    return LocalTeacher(folder, sampling, concurrency, plain=args.plain)


async def _endpoint(args: Namespace, sampling: Sampling) -> Teacher:
    from bench.teacher.endpoint import Endpoint
    from bench.teacher.patience import Patience

    # What was begun goes on with its model, even while nobody is there to list any.
    begun = settings_of(beside(args.out, ".journal.jsonl")) if args.out else {}
    patience = Patience(args.timeout, args.retries, args.rate_limit)
    model = args.model or begun.get("model")
    endpoint = Endpoint(args.teacher, model, sampling, patience, plain=args.plain)
    try:
        await endpoint.choose_model()
    except BaseException:
        await endpoint.aclose()
        raise
    return endpoint


def _tell(out: Path, outcome: Outcome) -> int:
    """Say what the run came to; its exit code."""
    print(ledger_line(outcome.ledger))
    if outcome.harvest is None:
        return _tell_open(out, outcome)
    for part, reasons in outcome.harvest.rejected.items():
        if reasons:
            print(f"rejected {part}: {_counts(reasons)}")
    rows, left_out = outcome.harvest.rows, outcome.harvest.left_out
    if outcome.manifest is None:
        reasons = _counts(left_out)
        print(f"skbench: {out} is not written: no question has a row: {reasons}", file=sys.stderr)
        return FAILED
    lost = f" (left out: {_counts(left_out)})" if left_out else ""
    done = "" if outcome.n_asked else "; it was finished before, nothing was asked"
    print(f"{out}: {len(rows)} rows of {len(rows) + left_out.total()} questions{lost}{done}")
    return FINE


def _tell_open(out: Path, outcome: Outcome) -> int:
    for question, why in list(outcome.left.items())[:SHOWN]:
        print(f"skbench: question {question} is left: {why}", file=sys.stderr)
    if outcome.stopped:
        print(f"skbench: stopped: {outcome.stopped}", file=sys.stderr)
    print(
        f"skbench: {out} is not written yet: {outcome.n_open} questions are open,"
        f" {outcome.n_asked} requests were answered now; the same command goes on from here",
        file=sys.stderr,
    )
    return INCOMPLETE


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {n}" for reason, n in sorted(counts.items()))


def ledger_line(ledger: Mapping[str, Any]) -> str:
    """What was asked, and what it took."""
    asked = _counts(ledger["requests"]) or "none"
    tokens = f"{ledger['prompt_tokens']:,} + {ledger['completion_tokens']:,}"
    estimated = ledger["estimated_requests"]
    guess = f" (estimated for {estimated} requests)" if estimated else ""
    cost = "" if ledger["cost"] is None else f"; cost {ledger['cost']:.4f}"
    return f"ledger: requests: {asked}; prompt + completion tokens: {tokens}{guess}{cost}"
