"""The gate's report for a terminal."""

from collections.abc import Sequence

from leaderboard.compare.gate.findings import Finding, Report
from leaderboard.compare.gate.reach import told
from leaderboard.show.gate.wording import MARKS, sentence, total


def text(report: Report) -> str:
    """A line per comparison, quality apart from cost, then what is missing and the verdict."""
    quality, cost = report.apart()
    lines = list(report.notes)
    lines += _section("quality", quality) + _section("cost", cost)
    lines += [f"INCOMPLETE {line}" for line in report.incomplete]
    lines += [total(report), *map(told, report.reach)]
    if report.rerun:
        lines += [
            "ask other seeds whether this is chance:",
            *(f"  {line}" for line in report.rerun),
        ]
    return "\n".join(map(printable, lines))


def printable(line: str) -> str:
    """The line without what would steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _section(name: str, findings: Sequence[Finding]) -> list[str]:
    return [f"{name}:" for _ in findings[:1]] + [
        f"{MARKS[f.verdict]:<12}{sentence(f)}" for f in findings
    ]
