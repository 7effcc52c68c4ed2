"""Whether new records are worse than base records: the gate of continuous integration."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from leaderboard.compare.pair import check_pairs, group_difference
from leaderboard.stats.averages import Seeds, matrices, seeds
from leaderboard.stats.intervals import ALPHA, holm
from leaderboard.store.board import UnknownName, suites
from leaderboard.store.git import git
from leaderboard.store.reading import RecordError
from leaderboard.store.record import GROUPS, DataSet, Group, Record

Cost = Literal["prompt_tokens", "prefill_flops", "decode_flops"]
_FIXED: dict[Cost, tuple[str, ...]] = {
    "prompt_tokens": (),
    "prefill_flops": ("prompt_tokens",),
    "decode_flops": ("prompt_tokens", "generated_tokens"),
}
"""Each cost, and the lengths that must agree on an item for the cost to be compared there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison of a label: accuracy headline, or a cost per comparable question."""

    track: str
    label: str
    metric: Group | Cost
    base: float
    new: float
    p: float | None
    """One-sided, adjusted after Holm over the track; None for costs, which are exact."""
    regression: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared, and what could not be."""

    findings: list[Finding]
    incomplete: list[str]
    notes: list[str]

    @property
    def status(self) -> int:
        """Exit status: 1 a regression, else 3 incomplete, else 0."""
        if any(finding.regression for finding in self.findings):
            return 1
        return 3 if self.incomplete else 0


def regress(
    track: str, base: Sequence[Record], new: Sequence[Record], *, common: bool = False
) -> Report:
    """Compare the records of one track, label by label.

    With `common` only the (label, seed) pairs that both have, so that one new seed can be
    compared with the same one of three; where there is none, the report is incomplete.
    """
    report = Report([], [], [])
    if base and new and base[0].version != new[0].version:
        report.notes.append(
            f"{track}: base has v{base[0].version}, new v{new[0].version}:"
            " another suite version, nothing compared"
        )
        return report
    pool = seeds(base, new)
    if common:
        base, new = _shared(base, new), _shared(new, base)
        if not base:
            report.incomplete.append(
                f"{track}: base and new have no (label, seed) in common; nothing was compared"
            )
            return report
    if not base:
        report.notes.append(f"{track}: the base has no records; nothing to compare")
    drops: list[Finding] = []
    for label in sorted({record.label for record in base}):
        old = [record for record in base if record.label == label]
        now = [record for record in new if record.label == label]
        if _can_be_compared(old, now, report):
            drops += _accuracy(old, now, pool)
            report.findings.extend(_costs(old, now))
    adjusted = holm([drop.p for drop in drops if drop.p is not None])
    for drop, p in zip(drops, adjusted, strict=True):
        report.findings.append(replace(drop, p=p, regression=p < ALPHA))
    report.findings.sort(key=lambda finding: finding.label)
    return report


def _can_be_compared(base: Sequence[Record], new: Sequence[Record], report: Report) -> bool:
    """Whether the records of a label can be; what is missing goes to the report."""
    name = f"{base[0].track}/{base[0].label}"
    missing = sorted({r.seed for r in base} - {r.seed for r in new})
    if missing:
        report.incomplete.append(f"{name}: no new record of seed {', '.join(map(str, missing))}")
    if not new:
        return False
    try:
        check_pairs(new, base)
    except RecordError as error:
        report.incomplete.append(f"{name}: base and new differ: {error}")
        return False
    return True


def merged(reports: Sequence[Report]) -> Report:
    """The reports of several tracks as one."""
    return Report(
        [finding for report in reports for finding in report.findings],
        [line for report in reports for line in report.incomplete],
        [line for report in reports for line in report.notes],
    )


def report_json(report: Report) -> dict[str, Any]:
    """A report as plain data."""
    return {"status": report.status, **asdict(report)}


def report_text(report: Report) -> str:
    """One line per comparison, regressions marked, and a verdict."""
    lines = [*report.notes]
    for f in report.findings:
        verdict = "REGRESSION" if f.regression else "ok"
        if f.p is None:
            change = f"{f.base:.1f} -> {f.new:.1f}"
        else:
            change = f"{100 * f.base:.1f} -> {100 * f.new:.1f} % (p = {f.p:.3g})"
        lines.append(f"{verdict:<11}{f.track}/{f.label} {f.metric}: {change}")
    lines += [f"INCOMPLETE {line}" for line in report.incomplete]
    n = sum(finding.regression for finding in report.findings)
    lines.append(f"{n} regressions in {len(report.findings)} comparisons")
    return "\n".join(lines)


def base_root(base: str, into: Path, published: Path) -> Path:
    """The base's records: a folder as it is, else those
    that a git ref holds at the place of `published`, copied to `into`.

    A folder may hold suites, be one, or be a clone of the repository. Raises UnknownName.
    """
    folder = Path(base)
    if base and folder.is_dir():
        inner = folder / "leaderboard" / "records"
        return inner if inner.is_dir() else folder
    home = published.parent
    inside = published.relative_to(home).as_posix()
    commit = git(home, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    if commit is None:
        refs = git(home, "for-each-ref", "--format=%(refname:short)") or b""
        raise UnknownName("base (neither a folder nor a git ref)", base, refs.decode().split())
    name = commit.decode().strip()
    if git(home, "ls-tree", name, f"{inside}/"):
        archive = git(home, "archive", "--format=tar", name, inside)
        if archive is None:
            raise RecordError(f"{home}: git archive of {inside} at {base} failed")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(into, filter="data")
    return into / inside


def counterpart(base: Path, track: str, new: Sequence[Record]) -> Path:
    """The suite of the base to hold against new records of the track: of their version if it has
    one; the base itself where it holds no suites."""
    names = suites(base, track)
    if not names:
        return base
    same = f"v{new[0].version}" if new else names[-1]
    return base / (same if same in names else names[-1])


def _shared(records: Sequence[Record], others: Sequence[Record]) -> list[Record]:
    """The records whose label and seed are among the others'."""
    pairs = {(other.label, other.seed) for other in others}
    return [record for record in records if (record.label, record.seed) in pairs]


def _accuracy(base: Sequence[Record], new: Sequence[Record], pool: Seeds) -> list[Finding]:
    found: list[Finding] = []
    for group in GROUPS:
        gap = group_difference(new, base, group, pool)
        if gap is not None:
            before = fmean(float(matrix.mean()) for matrix in matrices(base, group))
            found.append(
                Finding(
                    track=base[0].track,
                    label=base[0].label,
                    metric=group,
                    base=before,
                    new=before + gap.value,
                    p=gap.p_drop,
                    regression=False,
                )
            )
    return found


def _costs(base: Sequence[Record], new: Sequence[Record]) -> list[Finding]:
    """Costs of the seeds that both have, over the items where lengths agree."""
    by_seed = {record.seed: record for record in new}
    pairs = [(record, by_seed[record.seed]) for record in base if record.seed in by_seed]
    found: list[Finding] = []
    for metric in _FIXED:
        costs = [cost for old, now in pairs for cost in _comparable(old, now, metric)]
        if costs:
            before, after = sum(old for old, _ in costs), sum(now for _, now in costs)
            found.append(
                Finding(
                    track=base[0].track,
                    label=base[0].label,
                    metric=metric,
                    base=before / len(costs),
                    new=after / len(costs),
                    p=None,
                    regression=after > before,
                )
            )
    return found


def _comparable(base: Record, new: Record, metric: Cost) -> Iterator[tuple[int, int]]:
    """(base, new) cost of each item whose lengths agree."""
    for name, old in base.data_sets.items():
        now = new.data_sets[name]
        position = {item: j for j, item in enumerate(now.items)}
        for i, item in enumerate(old.items):
            j = position[item]
            if not _fed_back(old, i, now, j) and all(
                getattr(old, length)[i] == getattr(now, length)[j] for length in _FIXED[metric]
            ):
                yield getattr(old, metric)[i], getattr(now, metric)[j]


def _fed_back(old: DataSet, i: int, now: DataSet, j: int) -> bool:
    """Whether a later prompt holds an earlier completion, and the completions differ in length.

    Then the prompt is longer because of what the student said, not of how the method asks.
    """
    same_calls = old.n_calls[i] == now.n_calls[j] > 1
    return same_calls and old.generated_tokens[i] != now.generated_tokens[j]
