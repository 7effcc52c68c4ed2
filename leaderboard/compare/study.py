"""A study: the differences of its pairs on sealed items, and what its rule makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np

from leaderboard.compare.regimes import swept
from leaderboard.stats.formats import NONE, TableFormat, gap, p_value, percent, tabulated
from leaderboard.stats.holm import family
from leaderboard.stats.intervals import Difference, Matrix, difference, seed_variance
from leaderboard.store.reading import RecordError
from leaderboard.store.record import GROUPS, Group, Record
from leaderboard.store.studies import SCHEMA, Pair, Question, Run, Study

Verdict = Literal["below", "within", "undecided"]


@dataclass(frozen=True, slots=True)
class Side:
    """Fractions; None without the group."""

    n_seeds: int
    id: float | None
    ood: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One pair: A - B, p values after Holm over all pairs and both groups."""

    pair: Pair
    a: Side
    b: Side
    id: Difference | None
    ood: Difference | None


def collect(root: Path, name: str) -> Study | None:
    """The local runs of a study: those of its sweep on sealed items; None without any."""
    records = [record for record in swept(root, name) if record.scope.sealed is not None]
    if not records:
        return None
    first = records[0]
    for record in records:
        if record.scope != first.scope or _asked(record) != _asked(first):
            raise RecordError(
                f"{record.track}/{record.label} seed {record.seed}: other questions than"
                f" {first.track}/{first.label} seed {first.seed}; remove one of them"
            )
    return Study(
        schema=SCHEMA,
        study=name,
        track=first.track.partition(".")[0],
        sealed=first.scope.sealed or 0,
        groups={name: each.group for name, each in first.data_sets.items()},
        items_sha256={name: each.items_sha256 for name, each in first.data_sets.items()},
        runs=[_run(record) for record in records],
    )


def findings(question: Question, study: Study) -> list[Finding]:
    """The pairs whose rows both have runs. How far seeds differ is pooled over all rows."""
    rows = sorted({run.row for run in study.runs})
    outcomes = {row: {group: _matrices(study, row, group) for group in GROUPS} for row in rows}
    pool = {
        group: seed_variance(outcomes[row][group] for row in rows)
        for group in {*study.groups.values()}
    }

    def side(row: str) -> Side:
        means = [[float(m.mean()) for m in outcomes[row][group]] for group in GROUPS]
        return Side(len(study.of(row)), *(fmean(each) if each else None for each in means))

    def apart(pair: Pair, group: Group) -> Difference | None:
        a, b = outcomes[pair.a][group], outcomes[pair.b][group]
        return difference(a, b, (pool[group], pool[group])) if a else None

    pairs = [pair for pair in question.pairs if {pair.a, pair.b} <= outcomes.keys()]
    n, adjusted = len(pairs), family([apart(pair, group) for group in GROUPS for pair in pairs])
    return [
        Finding(pair, side(pair.a), side(pair.b), in_domain, out)
        for pair, in_domain, out in zip(pairs, adjusted[:n], adjusted[n:], strict=True)
    ]


def verdict(question: Question, found: Sequence[Finding]) -> Verdict | None:
    """What the rule says of the ID interval of its pair; None while that has no runs."""
    margin = question.rule.margin / 100
    for each in found:
        if each.pair.name == question.rule.pair and each.id is not None:
            if each.id.high < -margin:
                return "below"
            return "within" if -margin < each.id.low and each.id.high < margin else "undecided"
    return None


def study_json(question: Question, study: Study) -> dict[str, Any]:
    """A study as plain data, without its runs."""
    found = findings(question, study)
    said = verdict(question, found)
    return {
        "study": study.study,
        "track": study.track,
        "sealed": study.sealed,
        "question": asdict(question),
        "findings": [asdict(each) for each in found],
        "verdict": said,
        "says": said and getattr(question.rule, said),
    }


def study_text(question: Question, study: Study, form: TableFormat) -> str:
    """The table of pairs, the rule and what it says."""
    found = findings(question, study)
    headers = ["pair", "seeds", "ID", "ID difference", "p", "OOD", "OOD difference", "p", "A - B"]
    body = [
        [
            f"{each.pair.name}: {each.pair.asks}",
            f"{each.a.n_seeds}, {each.b.n_seeds}",
            f"{percent(each.a.id)}, {percent(each.b.id)}",
            *_cells(each.id),
            f"{percent(each.a.ood)}, {percent(each.b.ood)}",
            *_cells(each.ood),
            f"{each.pair.a} - {each.pair.b}",
        ]
        for each in found
    ]
    rule, said = question.rule, verdict(question, found)
    says = getattr(rule, said) if said else "its pair has no runs yet"
    legend = (
        f"{question.about} On sealed items {study.sealed} of {study.track}; differences in points,"
        " 95 % intervals, p after Holm over the table; seeds pooled over the study's rows."
        f" **Rule, written before the runs**, of the ID interval of pair {rule.pair}: all of it"
        f" below -{rule.margin:g}: {rule.below}; all of it within {rule.margin:g}: {rule.within};"
        f" else {rule.undecided}. **It says: {says}.**"
    )
    return f"{tabulated(headers, body, form)}\n\n{legend}"


def _asked(record: Record) -> Mapping[str, tuple[Group, str, list[str]]]:
    if any(each.clusters or each.metric for each in record.data_sets.values()):
        raise RecordError(f"{record.track}: a study takes right and wrong, of items on their own")
    return {n: (each.group, each.items_sha256, each.items) for n, each in record.data_sets.items()}


def _run(record: Record) -> Run:
    own = record.own or {}
    return Run(
        row=f"{record.track.rpartition('.')[2]}/{record.label}",
        seed=record.seed,
        outcomes={n: "".join(map(str, each.strict)) for n, each in record.data_sets.items()},
        settings=own.get("settings", {}),
        trials_sha256=own.get("trials_sha256"),
        provenance=record.provenance,
    )


def _matrices(study: Study, row: str, group: Group) -> list[Matrix]:
    runs = study.of(row)
    return [
        np.array([[int(bit) for bit in run.outcomes[name]] for run in runs], dtype=np.float64)
        for name in sorted(study.groups)
        if study.groups[name] == group
    ]


def _cells(found: Difference | None) -> list[str]:
    return [NONE, NONE] if found is None else [gap(found), p_value(found.p)]
