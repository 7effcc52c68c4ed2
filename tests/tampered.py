"""A small board of published runs, and ways to tamper with it that make every hash right again."""

import json
import lzma
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import registry
from bench.track import load, names
from leaderboard.store.generations import Generations
from leaderboard.store.ledger import (
    Event,
    events_of,
    file_records,
    generations_of,
    ledger_of,
    line_sha256,
    lines_of,
)
from leaderboard.store.record import Record

PUBLISHED = Path(__file__).parent.parent / "leaderboard" / "records"
TRACK = "v2/pocket-100"
STUDENT, SECOND, THIRD = (f"{TRACK}/std_cot/seed{n}.json" for n in (0, 1, 2))
OTHER = f"{TRACK}/skintern/seed0.json"
UNTRAINED = f"{TRACK}/zero_shot/seed0.json"
KARD = f"{TRACK}/kard/seed0.json"
CSQA = "v1/smollm2-135m-csqa/std_cot/seed0.json"
GRADED = tuple(
    f"v1/atomic-real/{label}/seed0.json" for label in ("comet", "comet_distil", "loose_teacher")
)
"""Published, and not on the small board."""
PLACES = (STUDENT, SECOND, THIRD, OTHER, KARD, UNTRAINED)
WITH_TEXTS = (STUDENT, SECOND)
SET = "pocket_chain"
EXTRACTORS = ("strict", "author", "flexible", "failed")


@dataclass(frozen=True)
class Board:
    """Published runs, two of them with texts that were made up for them, and their ledger."""

    root: Path

    @contextmanager
    def edited(self, place: str = STUDENT) -> Iterator[dict[str, Any]]:
        """The record's JSON, written back."""
        path = self.root / place
        body = json.loads(path.read_text())
        yield body
        path.write_text(json.dumps(body))

    @contextmanager
    def data_set(self, place: str = STUDENT, name: str = SET) -> Iterator[dict[str, Any]]:
        with self.edited(place) as body:
            yield body["data_sets"][name]

    @contextmanager
    def texts(self, place: str = STUDENT) -> Iterator[dict[str, Any]]:
        """What a run wrote, written back."""
        path = generations_of(self.root, place)
        body = json.loads(lzma.decompress(path.read_bytes()))
        yield body
        path.write_bytes(lzma.compress(json.dumps(body).encode()))

    @contextmanager
    def lines(self) -> Iterator[list[str]]:
        """The ledger's lines, written back."""
        found = lines_of(ledger_of(self.root))
        yield found
        ledger_of(self.root).write_text("".join(f"{line}\n" for line in found))

    def move(self, place: str, to: str) -> None:
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / place).rename(self.root / to)

    def copy(self, place: str, to: str) -> None:
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.root / place, self.root / to)

    def refile(self) -> None:
        """A whole new ledger of what lies there now: right in itself."""
        ledger_of(self.root).unlink()
        file_records(self.root, [], "", "2026-11-29")


def made(folder: Path) -> Board:
    """The board below a folder."""
    board = Board(folder / "leaderboard" / "records")
    for place in PLACES:
        (board.root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PUBLISHED / place, board.root / place)
    for place in WITH_TEXTS:
        path = generations_of(board.root, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = json.dumps(texts_of(Record.load(board.root / place)))
        path.write_bytes(lzma.compress(texts.encode()))
    file_records(board.root, [], "", "2026-11-29")
    return board


def texts_of(record: Record) -> dict[str, Any]:
    """Texts that `rescore` reads the record's outcomes from."""
    columns = {
        name: zip(*(getattr(each, extractor) for extractor in EXTRACTORS), strict=True)
        for name, each in record.data_sets.items()
    }
    return {
        "schema": 1,
        "track": record.track,
        "label": record.label,
        "seed": record.seed,
        "data_sets": {n: ["".join(map(str, bits)) for bits in each] for n, each in columns.items()},
    }


def rescore(record: Record, found: Generations) -> Mapping[str, Mapping[str, list[int]]]:
    """Outcomes of texts that spell them out."""
    return {
        name: {
            extractor: [int(text[i]) for text in texts] for i, extractor in enumerate(EXTRACTORS)
        }
        for name, texts in found.data_sets.items()
    }


class Harness:
    """Scores such texts, and knows the methods that there are."""

    rescore = staticmethod(rescore)

    def lengths(self, record: Record, found: Generations) -> None:
        """Their tokens are nobody's."""

    traits = staticmethod(registry.traits)

    def version(self, track: str) -> int | None:
        return load(track).version if track in names() else None


def event(line: str) -> Event:
    return Event(**json.loads(line))


def chained(events: list[Event]) -> list[str]:
    """Lines that follow from each other."""
    lines = list[str]()
    for number, each in enumerate(events, 1):
        previous = line_sha256(lines[-1]) if lines else None
        told = replace(each, number=number, previous=previous)
        lines.append(json.dumps({name: getattr(told, name) for name in Event.__slots__}))
    return lines


def with_event(board: Board, place: str, **changes: object) -> None:
    """A well-formed line more, of the record as it is now."""
    with board.lines() as lines:
        events = [event(line) for line in lines]
        last = next(each for each in events[::-1] if each.path == place)
        lines[:] = chained([*events, replace(last, **changes)])


Attack = Callable[[Board], None]


@dataclass(frozen=True)
class Case:
    """One way to tamper: what does it, and which check must say what of which file."""

    attack: Attack
    check: str
    says: str
    file: str
    is_refiled: bool
    """Whether the attacker makes a new ledger."""


CASES: dict[str, Case] = {}


def tampered(
    check: str, says: str, file: str = STUDENT, *, refile: bool = True
) -> Callable[[Attack], Attack]:
    """Add a case by the name of its attack; `says` is a pattern of the message."""

    def add(attack: Attack) -> Attack:
        CASES[attack.__name__] = Case(attack, check, says, file, refile)
        return attack

    return add


def events(board: Board) -> list[Event]:
    """What its ledger says."""
    return events_of(ledger_of(board.root))
