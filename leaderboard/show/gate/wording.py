"""What all formats say of a finding, in plain words; nothing here is escaped."""

from leaderboard.compare.gate.findings import Finding, Report
from leaderboard.stats.formats import p_value

MARKS = {"ok": "ok", "regression": "REGRESSION", "unconfirmed": "UNCONFIRMED"}


def title(f: Finding) -> str:
    """Which row, and what of it."""
    return f"{f.track}/{f.label} {f.metric}"


def change(f: Finding) -> str:
    """From base to new, with its unit."""
    return f"{_number(f, f.base)} -> {_value(f, f.new)}"


def evidence(f: Finding) -> str:
    """Why it counts, or does not."""
    if f.p is not None:
        return f"p = {p_value(f.p)}"
    if f.most is None:
        return "exact"
    return f"{f.new / f.base:.2f} times, tolerated {f.most:g}" if f.base else "from nothing"


def again(f: Finding) -> str:
    """What fresh seeds said; "" where none were asked."""
    if f.again is None:
        return ""
    seeds = ", ".join(map(str, f.again.seeds))
    p = "" if f.again.p is None else f" (p = {p_value(f.again.p)})"
    return f"fresh seeds {seeds} alone: {_value(f, f.again.value)}{p}"


def sentence(f: Finding) -> str:
    """All of that."""
    then = again(f)
    return f"{title(f)}: {change(f)} ({evidence(f)}){f'; {then}' if then else ''}"


def total(report: Report) -> str:
    """The verdict in a line."""
    n = sum(finding.regression for finding in report.findings)
    open_ = sum(finding.verdict == "unconfirmed" for finding in report.findings)
    more = f", {open_} unconfirmed" if open_ else ""
    return f"{n} regressions in {len(report.findings)} comparisons{more}"


def _value(f: Finding, value: float) -> str:
    unit = "loops" if f.most is not None else "FLOPs" if f.metric.endswith("flops") else "tokens"
    return f"{_number(f, value)} {'%' if f.is_quality else unit}"


def _number(f: Finding, value: float) -> str:
    if f.is_quality:
        return f"{100 * value:.1f}"
    # What is exact is shown so: one token more in thousands is still told.
    return f"{value:.10g}" if f.is_exact else f"{value:.2f}"
