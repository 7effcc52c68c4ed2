"""The section "Claimed beside measured": a paper's rows, each above this board's counterpart."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from leaderboard.compare.pair import compare
from leaderboard.rows.rank import rows
from leaderboard.rows.row import Row
from leaderboard.stats.formats import NONE, gap, marked, percent, tabulated
from leaderboard.store.board import load, of_label, suite, tracks
from leaderboard.store.papers import Claim, Claims, Paper, stored_papers
from leaderboard.store.record import Record

ODD = "≠"
"""On a printed average that is not that of its columns."""
REPORTED, MEASURED = "reported", "measured"


def section(papers: Path, records: Path) -> list[str]:
    """All papers under `papers`, with the rows of their tracks under `records`; [] without any."""
    found = stored_papers(papers)
    parts = ["## Claimed beside measured\n"] if found else []
    for paper in found:
        parts.append(f"{_about(paper)}\n")
        for student in paper.students:
            measured = _measured(student, records)
            parts += [
                f"### {paper.name}: {student.name}\n",
                f"{table(paper, student, measured)}\n",
                *[f"{note}\n" for note in [_notes(student, measured)] if note],
            ]
        parts += _elsewhere(paper, records)
    return parts


def table(paper: Paper, student: Claims, measured: Mapping[str, Row]) -> str:
    """The student's rows as printed, each with the measured row of its label below, if any."""
    headers = ["row", "whose", *(f"{c.group.upper()} {c.name}" for c in paper.columns)]
    headers += ["average", "FLOPs printed"]
    body = list[list[str]]()
    for claim in student.rows:
        body.append(_reported(claim))
        if claim.label is not None and claim.label in measured:
            body.append(_beside(paper, claim, measured[claim.label]))
    return tabulated(headers, body, "markdown")


def _elsewhere(paper: Paper, records: Path) -> list[str]:
    """What methods add to the reference: as printed, and on students that the paper has not."""
    measured = [
        _measured_gain(paper, found, label)
        for track, labels in paper.elsewhere.items()
        for found in [load(track, suite(records, track)) if track in tracks(records) else []]
        for label in labels
        if {label, paper.reference} <= {record.label for record in found}
    ]
    if not measured:
        return []
    methods = {_method(row) for row in measured}
    printed = [
        _printed_gain(paper.reference, student, label)
        for student in paper.students
        for label in sorted(methods)
        if {label, paper.reference} <= {claim.label for claim in student.rows}
    ]
    headers = ["row", "whose", "student", "seeds"]
    headers += [f"{c.group.upper()} {c.name}" for c in paper.columns]
    return [
        f"### {paper.name}: what is added to {paper.reference}\n",
        f"{tabulated(headers, sorted([*printed, *measured], key=_method), 'markdown')}\n",
        f"Differences to {paper.reference} in points, which can be held against each other across"
        f" students as accuracies cannot. Rows marked {MEASURED} name the track, and have 95 %"
        " intervals; one seed says nothing of seeds. Samples stand for their data sets. How a track"
        " differs from the paper is said in its file.\n",
    ]


def _method(gain: Sequence[str]) -> str:
    return gain[0].partition("[")[0]


def _printed_gain(reference: str, student: Claims, label: str) -> list[str]:
    of = {claim.label: claim for claim in student.rows}
    pairs = zip(of[label].accuracy, of[reference].accuracy, strict=True)
    gains = [NONE if a is None or b is None else f"{a - b:+.1f}" for a, b in pairs]
    return [label, REPORTED, student.name, NONE, *gains]


def _measured_gain(paper: Paper, records: Sequence[Record], label: str) -> list[str]:
    own = of_label(records, label)
    gaps = compare(own, of_label(records, paper.reference), records).data_sets
    # A sample of a data set is called by its name and its length.
    by_set = {name.rstrip("0123456789").rstrip("_"): gap for name, gap in gaps.items()}
    found = [by_set.get(column.data_set) for column in paper.columns]
    gains = [NONE if each is None else gap(each) for each in found]
    return [label, MEASURED, records[0].track, str(len(own)), *gains]


def _measured(student: Claims, records: Path) -> dict[str, Row]:
    """Label -> row of the student's track, where it has records."""
    if student.track is None or student.track not in tracks(records):
        return {}
    return {row.method: row for row in rows(load(student.track, suite(records, student.track)))}


def _reported(claim: Claim) -> list[str]:
    spread = claim.std or [None for _ in claim.accuracy]
    return [
        claim.method,
        REPORTED,
        *(_with_std(value, std) for value, std in zip(claim.accuracy, spread, strict=True)),
        marked(_points(claim.average), {ODD: claim.disagrees}),
        NONE if claim.flops is None else f"x{claim.flops:.1f}",
    ]


def _beside(paper: Paper, claim: Claim, row: Row) -> list[str]:
    """The board's row in the paper's columns; its average only where it has all of them."""
    found = [row.tasks.get(column.data_set) for column in paper.columns]
    known = [value for value in found if value is not None]
    complete = len(known) == len(found) and claim.average is not None
    average = percent(fmean(known)) if complete else NONE
    return [row.method, MEASURED, *map(percent, found), average, NONE]


def _points(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"


def _with_std(value: float | None, std: float | None) -> str:
    return _points(value) if std is None else f"{_points(value)} ± {std:.2f}"


def _about(paper: Paper) -> str:
    """Where the numbers come from, and what the two kinds of rows have in common."""
    return (
        f"Rows marked {REPORTED} are printed in {paper.source}. {paper.note} Rows marked {MEASURED}"
        " are this board's, on the track of the same student. **They are not ranked together**:"
        " the teacher, its rationales, the training mix and some test sets differ, so compare the"
        " order of rows within one kind, not numbers across kinds. Average: unweighted, over the"
        f" columns. FLOPs printed: {paper.flops_unit}."
    )


def _notes(student: Claims, measured: Mapping[str, Row]) -> str:
    """What a reader of the student's table should know: odd averages, and what is not measured."""
    odd = [
        f"{ODD} {claim.method}: the average is printed as {_points(claim.average)}, its columns"
        f" give {_points(claim.recomputed)}."
        for claim in student.rows
        if claim.disagrees
    ]
    missing: Sequence[str] = []
    if student.track is not None and not measured:
        missing = [f"Nothing is measured yet on track {student.track}."]
    return " ".join([f"From {student.table} of the paper.", *odd, *missing])
