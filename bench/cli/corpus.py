"""The verb `corpus`: build, check and import corpora, and say what they share with the tests.

Heavy imports stand inside the functions: building the parser loads the standard library alone.
"""

import argparse
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from bench.cli.arguments import POSITIVE, add_data_dir, number
from bench.ground.exits import FAILED, FINE


def add_parser(verbs: Any) -> None:
    """Add `corpus` and its verbs; each sets `run`, a function of the arguments to an exit code."""
    corpus = verbs.add_parser("corpus", help="make, check or import a teacher corpus")
    verbs = corpus.add_subparsers(required=True, metavar="VERB")
    _add_build(verbs.add_parser("build", help="ask a teacher about a track's questions"))
    _add_triples(verbs.add_parser("triples", help="ask a loose teacher for commonsense triples"))
    verb = verbs.add_parser("check", help="name every bad line of a corpus; exit 1 if there is one")
    verb.add_argument("file", type=Path, metavar="FILE.jsonl")
    verb.set_defaults(run=check)
    verb = verbs.add_parser("import", help="make a corpus of published rationales or your own file")
    verb.add_argument(
        "file",
        type=Path,
        metavar="NAME|FILE|OWNER/NAME",
        help="a built-in one; JSONL, CSV or Parquet; a data set of the hub",
    )
    verb.add_argument(
        "--map",
        type=_columns,
        default={},
        metavar="FIELD=COLUMN,..",
        help="columns of the file: question, rationale, answer, completion, ..",
    )
    verb.add_argument("--revision", help="of a data set of the hub")
    verb.add_argument("--split", default="train", help="of a data set of the hub; default: train")
    verb.add_argument(
        "--passages", choices=("facts",), help="to retrieve: the rows' own facts or knowledge"
    )
    verb.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl")
    verb.add_argument("--licence", default="unknown", help="of what a file holds")
    verb.add_argument(
        "--strict", action="store_true", help="of triples: stop at the first line that is none"
    )
    verb.add_argument(
        "--held-out",
        type=number(float, 0, 0.999),
        default=0.0,
        metavar="SHARE",
        help="of triples: of the heads, to FILE.dev.jsonl",
    )
    add_data_dir(verb)
    verb.set_defaults(run=import_)
    verb = verbs.add_parser("inform", help="give its questions triples of commonsense to know")
    verb.add_argument("corpus", metavar="NAME|FILE.jsonl", help="whose questions")
    verb.add_argument(
        "--by", nargs="+", required=True, metavar="NAME|FILE.jsonl", help="of triples"
    )
    verb.add_argument("--facts", type=POSITIVE, default=4, help="of a question's knowledge")
    verb.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl")
    add_data_dir(verb)
    verb.set_defaults(run=inform)
    verb = verbs.add_parser("contamination", help="what corpora share with the published tests")
    verb.add_argument("names", nargs="+", metavar="NAME|FILE.jsonl")
    add_data_dir(verb)
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=contamination)
    verb = verbs.add_parser("recall", help="how much of a row's knowledge its question retrieves")
    verb.add_argument("name", metavar="NAME|FILE.jsonl")
    verb.add_argument("-k", type=POSITIVE, default=3, help="passages; default: 3")
    add_data_dir(verb)
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=recall)


def _columns(text: str) -> dict[str, str]:
    pairs = [part.strip().partition("=") for part in text.split(",")]
    if not all(field and column for field, _, column in pairs):
        raise argparse.ArgumentTypeError(f"expected FIELD=COLUMN,.., got '{text}'")
    return {field: column for field, _, column in pairs}


def _add_build(verb: argparse.ArgumentParser) -> None:
    share = number(float, 0)
    verb.add_argument("--track", metavar="TRACK|FILE.toml", help="its corpus has the questions")
    verb.add_argument(
        "--teacher",
        required=True,
        metavar="URL|FOLDER|NAME",
        help="an OpenAI-compatible endpoint (key: $OPENAI_API_KEY), a model's folder, a generator",
    )
    verb.add_argument("--out", type=Path, metavar="FILE.jsonl", help="default: TRACK-MODEL.jsonl")
    _add_teacher(verb, concurrency=8)
    verb.add_argument("--rationales", type=POSITIVE, default=1, metavar="L", help="per question")
    verb.add_argument("--temperature", type=share, default=0.8)
    verb.add_argument("--max-tokens", type=POSITIVE, default=1024, help="of a reply")
    verb.add_argument("--prompt-price", type=share, help="of a million tokens")
    verb.add_argument("--completion-price", type=share, help="of a million tokens")
    verb.add_argument("--limit", type=POSITIVE, help="questions, spread over the tasks")
    add_data_dir(verb)
    verb.set_defaults(run=build)


def _add_triples(verb: argparse.ArgumentParser) -> None:
    top_p = number(float, 0.001, 1)
    verb.add_argument(
        "corpus", metavar="NAME|FILE.jsonl", help="of triples: shows what people wrote"
    )
    verb.add_argument("--teacher", required=True, metavar="URL|FOLDER")
    verb.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl")
    verb.add_argument("--events", type=POSITIVE, default=1000, help="events to ask for")
    verb.add_argument("--tails", type=POSITIVE, default=10, help="of an event in a relation")
    verb.add_argument(
        "--answers", metavar="TASK", help="answer its questions too: rows of teachers"
    )
    verb.add_argument("--temperature", type=number(float, 0), default=1.0)
    verb.add_argument("--event-top-p", type=top_p, default=0.9)
    verb.add_argument("--tail-top-p", type=top_p, default=0.5)
    verb.add_argument("--max-tokens", type=POSITIVE, default=16, help="of an event or a tail")
    _add_teacher(verb, concurrency=64)
    add_data_dir(verb)
    verb.set_defaults(run=triples)


def _add_teacher(verb: argparse.ArgumentParser, *, concurrency: int) -> None:
    verb.add_argument("--model", help="at the endpoint; default: the only one it lists")
    verb.add_argument(
        "--plain", action="store_true", help="no chat: prompts are texts to go on with"
    )
    verb.add_argument(
        "--concurrency", type=POSITIVE, default=concurrency, help="requests at a time"
    )
    verb.add_argument("--timeout", type=number(float, 0.001), default=120.0, metavar="SECONDS")
    verb.add_argument("--retries", type=number(int, 0), default=6, help="of a request that failed")
    verb.add_argument("--rate-limit", type=number(float, 0.001), metavar="REQUESTS_PER_MINUTE")


def build(args: Namespace) -> int:
    """Write the corpus of a generator, or of a teacher that is asked."""
    from bench.teacher.build import build

    return build(args)


def triples(args: Namespace) -> int:
    """Write what a teacher makes of the triples of a corpus."""
    from bench.teacher.machine import build

    return build(args)


def check(args: Namespace) -> int:
    """Print every fault of a corpus, and what it holds."""
    from bench.corpora.check import examine

    found = examine(args.file)
    for fault in found.faults:
        print(fault)
    knowledge = sum(bool(row.get("summary")) for row in found.rows)
    further = sum(len(row.get("rationales") or ()) for row in found.rows)
    manifest = "with" if found.manifest else "without"
    print(
        f"{args.file}: {len(found.rows)} good rows, {knowledge} with knowledge,"
        f" {further} further rationales, {found.n_passages} passages, {manifest} a manifest;"
        f" {len(found.faults)} faults"
    )
    return FAILED if found.faults else FINE


def import_(args: Namespace) -> int:
    """Write a built-in corpus, or a file: if it has bad lines, name all and write nothing.

    Of a file of triples they are set aside, unless `--strict` stops at the first.
    """
    from bench.corpora.corpus import builders
    from bench.corpora.files import checked_out, write_new
    from bench.corpora.imported import as_corpus, read
    from bench.corpora.triples import holds_triples
    from bench.teacher.build import generate

    out = checked_out(args.out)
    if str(args.file) in builders():
        return generate(str(args.file), out, args.data_dir)
    if holds_triples(args.file):
        return _import_triples(args, out)
    found = read(args.file, args.map, revision=args.revision, split=args.split)
    for fault in found.faults:
        print(fault)
    if found.faults:
        print(f"{len(found.faults)} bad lines, nothing written", file=sys.stderr)
        return FAILED
    new = write_new(out, as_corpus(found, args.licence, passages=args.passages is not None))
    ignored = f"; fields not taken: {', '.join(found.ignored)}" if found.ignored else ""
    print(f"{out}: {len(found.rows)} rows{'' if new else ', as it was'}{ignored}")
    return FINE


def _import_triples(args: Namespace, out: Path) -> int:
    from bench.corpora.triples import take

    found = take(args.file, out, args.licence, strict=args.strict, held_out=args.held_out)
    held = f", {found.n_held_out} held out" if found.n_held_out else ""
    print(f"{out}: {found.n} triples{held}")
    for reason, n in sorted(found.rejected.items()):
        print(f"set aside: {n} x {reason}")
    return FINE


def inform(args: Namespace) -> int:
    """Write a corpus whose passages and knowledge are the triples of others."""
    from bench.corpora.corpus import obtain
    from bench.corpora.files import checked_out, write_new
    from bench.corpora.inform import informed
    from bench.ground.places import data_dir, home

    out, data = checked_out(args.out), data_dir(args.data_dir)
    corpus, *by = (obtain(name, home(), world=0, data_dir=data) for name in [args.corpus, *args.by])
    made = informed(corpus, by, args.facts)
    new = write_new(out, made)
    print(f"{out}: {len(made.rows)} rows, {len(made.passages)} facts{'' if new else ', as it was'}")
    return FINE


def contamination(args: Namespace) -> int:
    """Print what each corpus shares with each published test set, and what its teacher may know."""
    from bench.cli.contents import contamination

    return contamination(args.names, args.data_dir, as_json=args.json)


def recall(args: Namespace) -> int:
    """Print which share of a row's knowledge is among the passages that its question retrieves."""
    from bench.cli.contents import recall

    return recall(args.name, args.k, args.data_dir, as_json=args.json)
