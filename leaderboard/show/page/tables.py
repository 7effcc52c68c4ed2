"""What the page's tables hold: each track, its suites, their rows and all differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from leaderboard.compare.amortised import Amortised, amortised, than
from leaderboard.compare.apart import Apart, told_apart
from leaderboard.compare.pairs import Gap, all_pairs
from leaderboard.compare.power import resolution
from leaderboard.rows.audit import audit
from leaderboard.rows.rank import rows
from leaderboard.rows.row import Row
from leaderboard.rows.settings import shown
from leaderboard.rows.texts import with_texts
from leaderboard.show.page.columns import Column, columns, rounded
from leaderboard.show.page.story import Block, story
from leaderboard.show.render import detail, legend, timed_on
from leaderboard.show.signature import signed
from leaderboard.stats.formats import BOUND, DIRTY, MARKS, SKEWED, UNEQUAL, UNKEPT, p_value, points
from leaderboard.store.board import beside, load, load_files, of_label, suites
from leaderboard.store.comparable import track_settings
from leaderboard.store.record import GROUPS, Group, Record
from leaderboard.store.reruns import load_reruns

COSTS: Mapping[str, str] = {
    "flops": "FLOPs per question, relative",
    "ttft": "time to first token, ms",
    "tpot": "time per output token, ms",
}
"""What accuracy is drawn against."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table, beside its cells."""

    label: str
    is_reference: bool
    is_trained: bool
    marks: dict[str, str]
    """Mark -> what it says of this row."""
    costs: dict[str, float | None]
    """By the names of COSTS."""
    story: list[Block]


@dataclass(frozen=True, slots=True)
class Table:
    """A suite of a track, at tuned or at the track's settings."""

    name: str
    n_runs: int
    columns: list[Column]
    lines: list[Line]
    marks: dict[str, str]
    """Those of its lines -> what they say."""
    legend: str
    resolution: str
    detail: str
    """Accuracy per data set, in Markdown."""
    gaps: dict[Group, list[list[str]]]
    """Row A -> for each row B below it "value low high p p_all p_of_a p_of_b" of A - B, as `board
    compare` prints them; the last two after Holm over all pairs of that row."""
    paid_back: list[list[str]]
    """In the same order, which of A and B costs more before the first question, "+" or "-", and the
    number of questions from which its total is the lower one, if there is any, rounded up to three
    digits, or "?" where the runs do not tell which spends less on a question; "=" where neither
    does, "" where their questions cannot be held against each other."""
    fronts: dict[str, list[int]]
    """"GROUP COST" -> rows that no other beats in both, by their means alone; cheapest first. Of
    times on several machines there is none."""


@dataclass(frozen=True, slots=True)
class Track:
    """The newest suite first."""

    name: str
    about: str
    tables: list[Table]


def track_of(name: str, records: Path) -> Track:
    """The track as the board has it; without tables where it has no rows. RecordError."""
    names = suites(records, name)[::-1]
    if not names:
        return Track(name, "", [])
    newest = names[0]
    tables = [t for suite in names for t in _tables(name, records / suite, newest)]
    last = load(name, records / newest)
    about = (track_settings(last[0]) or {}).get("about") if last else None
    return Track(name, about if isinstance(about, str) else "", tables)


def _tables(track: str, root: Path, newest: str) -> Iterator[Table]:
    """One, and where rows were tuned another at the track's settings."""
    files, trials = load_files(track, root), [root.parents[1] / "trials"]
    records = list(files.values())
    old = "" if root.name == newest else f", superseded by {newest}"
    for tuned in (True, False) if any(record.own for record in records) else (True,):
        as_track = "" if tuned else ", at the track's settings"
        chosen = shown(records, trials, tuned=tuned)
        ranked = [
            replace(row, superseded_by=newest if old else None)
            for row in signed(with_texts(rows(chosen, records), files), files)
        ]
        if ranked:
            yield _table(f"{root.name}{as_track}{old}", ranked, chosen, records, root)


def _table(
    name: str, ranked: Sequence[Row], chosen: Sequence[Record], track: Sequence[Record], root: Path
) -> Table:
    labels = [row.method for row in ranked]
    of = {label: of_label(chosen, label) for label in labels}
    treated = {each.label: each for each in audit(chosen)}
    reruns = load_reruns(beside(root, "reruns"), chosen[0].track)
    lines = [
        Line(
            label=row.method,
            is_reference=row.method == row.reference,
            is_trained=any(record.training.n_steps for record in of[row.method]),
            marks=_marks(row),
            costs={
                "flops": rounded(row.relative_flops),
                "ttft": rounded(None if row.ttft_s is None else 1000 * row.ttft_s),
                "tpot": rounded(None if row.tpot_s is None else 1000 * row.tpot_s),
            },
            story=story(
                row,
                of[row.method],
                treated[row.method],
                [each for each in reruns if each.label == row.method],
            ),
        )
        for row in ranked
    ]
    gaps = all_pairs([of[label] for label in labels], track)
    apart = told_apart(ranked, chosen)
    costs = {each.method: each for each in amortised(ranked, [], ranked[0].reference, apart)}
    return Table(
        name=name,
        n_runs=sum(map(len, of.values())),
        columns=columns(ranked),
        lines=lines,
        marks={
            mark: meaning.format(reference=ranked[0].reference)
            for mark, meaning in MARKS.items()
            if any(mark in line.marks for line in lines)
        },
        legend=legend(ranked),
        resolution=resolution(chosen, labels, track),
        detail=detail(ranked, "markdown"),
        gaps={
            group: [
                [_packed(found[a, b], found[b, a]) for b in labels[i:]]
                for i, a in enumerate(labels, 1)
            ]
            for group, found in gaps.items()
        },
        paid_back=[
            [_paid_back(costs.get(a), costs.get(b), apart) for b in labels[i:]]
            for i, a in enumerate(labels, 1)
        ],
        fronts={
            f"{group} {cost}": front(
                [
                    None if row.upper_bound or x is None or accuracy is None else (x, accuracy)
                    for row, line in zip(ranked, lines, strict=True)
                    for x, accuracy in [(line.costs[cost], _accuracy(row, group))]
                ]
            )
            for group in GROUPS
            for cost in COSTS
            if cost == "flops" or len(timed_on(ranked)) < 2
        },
    )


def front(places: Sequence[tuple[float, float] | None]) -> list[int]:
    """Of (cost, accuracy), the indices of those that none beats in one without loss in the other,
    cheapest first; None has no place."""
    best, found = -1.0, list[int]()
    known = [(i, place) for i, place in enumerate(places) if place is not None]
    for i, (_, accuracy) in sorted(known, key=lambda each: (each[1][0], -each[1][1])):
        if accuracy > best:
            best = accuracy
            found.append(i)
    return found


def _accuracy(row: Row, group: Group) -> float | None:
    if group == "id":
        return row.id.value
    return None if row.ood is None else row.ood.value


def _packed(gap: Gap, turned: Gap) -> str:
    found = gap.difference
    ends = (points(each) for each in (found.value, found.low, found.high))
    return " ".join([*ends, *(p_value(p) for p in (found.p, gap.p_all, gap.p_row, turned.p_row))])


def _paid_back(a: Amortised | None, b: Amortised | None, apart: Apart) -> str:
    if a is None or b is None:
        return ""
    if a.fixed_flops == b.fixed_flops:
        return "="
    sign, dear, other = ("+", a, b) if a.fixed_flops > b.fixed_flops else ("-", b, a)
    found = than(dear, other, apart)
    if not found.is_told:
        return f"{sign}?"
    return sign if found.first is None else f"{sign}{_short(found.first)}"


def _short(number: int) -> str:
    """Rounded up to three digits; pairs are many, and more digits would be most of their size."""
    zeros = max(0, len(str(number)) - 3)
    return f"{-(-number // 10**zeros)}e{zeros}" if zeros else str(number)


def _marks(row: Row) -> dict[str, str]:
    marks = {DIRTY: row.dirty, SKEWED: row.skewed, BOUND: row.upper_bound, UNKEPT: row.is_unkept}
    found = {mark: MARKS[mark] for mark, applies in marks.items() if applies}
    if row.unequal:
        meaning = MARKS[UNEQUAL].format(reference=row.reference)
        found[UNEQUAL] = f"{meaning}: {'; '.join(row.unequal)}"
    return found
