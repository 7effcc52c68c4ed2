"""What the gate finds: comparisons with their verdicts, quality apart from cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from leaderboard.stats.holm import holm
from leaderboard.store.record import Group

Counted = Literal["prompt_tokens", "prefill_flops", "decode_flops", "helper_flops"]
"""Costs that are exact: one more is worse."""
Timed = Literal["ttft", "tpot"]
Metric = Group | Counted | Timed | Literal["generated_tokens"]
Verdict = Literal["ok", "regression", "unconfirmed"]

QUALITY: tuple[Metric, ...] = ("id", "ood")
"""Higher is better; all other metrics are costs, of which less is."""
_ORDER: tuple[Metric, ...] = (
    *QUALITY,
    *("prompt_tokens", "generated_tokens", "prefill_flops", "decode_flops", "helper_flops"),
    *("ttft", "tpot"),
)
QUALITY_ALPHA, TOKENS_ALPHA = 0.035, 0.01
"""One-sided levels of the two families of tests: most of it to quality, which the gate is for.
Together below 5 in 100, for variances are estimated and in simulation a gate alarms a little
oftener than its levels say."""


@dataclass(frozen=True, slots=True)
class Again:
    """What fresh seeds alone said of an alarm."""

    seeds: list[int]
    value: float
    p: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison of a label.

    Quality is a fraction, tokens and FLOPs are means per comparable question, a latency is in
    units of the calibration loop of its own run.
    """

    track: str
    label: str
    metric: Metric
    base: float
    new: float
    file: str
    """Of the base: its first record of the label, below the root of records."""
    p: float | None = None
    """One-sided, after Holm over its family in the track; None for what is counted or timed."""
    most: float | None = None
    """The largest new / base that is no regression; None for what is tested or counted."""
    verdict: Verdict = "ok"
    again: Again | None = None
    """None where no fresh seeds were asked, or none need be."""

    @property
    def is_quality(self) -> bool:
        return self.metric in QUALITY

    @property
    def regression(self) -> bool:
        return self.verdict == "regression"

    @property
    def is_exact(self) -> bool:
        """Whether a rerun would say the same."""
        return self.p is None and self.most is None


@dataclass(frozen=True, slots=True)
class Reach:
    """What the gate catches of one track: fractions; None without the group, or where no trained
    row has two seeds to tell how far seeds differ."""

    track: str
    n_rows: int
    """Trained rows compared; the drops are medians over them."""
    id: float | None
    ood: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared, and what could not be."""

    findings: list[Finding]
    incomplete: list[str]
    notes: list[str]
    reach: list[Reach]
    rerun: list[str]
    """Commands that ask other seeds about the alarms; [] where there is nothing to ask."""

    @property
    def status(self) -> int:
        """Exit status: 1 a regression, else 3 incomplete, else 0."""
        if any(finding.regression for finding in self.findings):
            return 1
        return 3 if self.incomplete else 0

    def apart(self) -> tuple[list[Finding], list[Finding]]:
        """The findings of quality, and those of cost."""
        quality = [f for f in self.findings if f.is_quality]
        return quality, [f for f in self.findings if not f.is_quality]


def empty() -> Report:
    """A report to be filled."""
    return Report([], [], [], [], [])


def merged(reports: Sequence[Report]) -> Report:
    """The reports of several tracks as one."""
    return Report(
        [finding for report in reports for finding in report.findings],
        [line for report in reports for line in report.incomplete],
        [line for report in reports for line in report.notes],
        [reach for report in reports for reach in report.reach],
        [line for report in reports for line in report.rerun],
    )


def judged(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of a track, sorted by label: the tests among them with their verdicts, after
    Holm over the family of quality and over that of generated tokens."""
    found = [f for f in findings if f.p is None]
    for alpha, of_quality in ((QUALITY_ALPHA, True), (TOKENS_ALPHA, False)):
        tests = [f for f in findings if f.p is not None and f.is_quality == of_quality]
        adjusted = holm([f.p for f in tests if f.p is not None])
        found += [
            replace(f, p=p, verdict="regression" if p < alpha else "ok")
            for f, p in zip(tests, adjusted, strict=True)
        ]
    return sorted(found, key=lambda f: (f.label, _ORDER.index(f.metric)))


def report_json(report: Report) -> dict[str, Any]:
    """A report as plain data."""
    findings = [asdict(f) | {"regression": f.regression} for f in report.findings]
    return {"status": report.status, **asdict(report), "findings": findings}
