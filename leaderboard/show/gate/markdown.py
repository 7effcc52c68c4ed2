"""The gate's report as a comment on a pull request."""

import re
from collections.abc import Sequence

from tabulate import tabulate

from leaderboard.compare.gate.findings import Finding, Report
from leaderboard.compare.gate.reach import told
from leaderboard.show.gate.wording import MARKS, again, change, evidence, total
from leaderboard.stats.formats import STYLE

_HEADERS = ("row", "metric", "base -> new", "evidence", "fresh seeds", "verdict")


def markdown(report: Report) -> str:
    """What is worse as a table each for quality and cost, all else folded."""
    quality, cost = report.apart()
    parts = [f"**skbench board regress: {total(report)}**"]
    for name, findings in (("Quality", quality), ("Cost", cost)):
        worse = [f for f in findings if f.verdict != "ok"]
        told_of = _table(worse) if worse else f"None of {len(findings)} comparisons is worse."
        parts.append(f"### {name}\n\n{told_of}")
    notes = [*(f"Incomplete: {line}" for line in report.incomplete), *map(told, report.reach)]
    notes += report.notes
    parts.append("\n".join(f"- {_escaped(line)}" for line in notes))
    if report.rerun:
        commands = "\n".join(f"    {_one_line(line)}" for line in report.rerun)
        parts.append(f"Ask other seeds whether this is chance:\n\n{commands}")
    if report.findings:
        everything = _table(report.findings)
        parts.append(f"<details><summary>All comparisons</summary>\n\n{everything}\n\n</details>")
    return "\n\n".join(part for part in parts if part)


def _table(findings: Sequence[Finding]) -> str:
    body = [
        (
            f"<code>{_escaped(f'{f.track}/{f.label}')}</code>",
            *(_escaped(each) for each in (f.metric, change(f), evidence(f), again(f))),
            MARKS[f.verdict],
        )
        for f in findings
    ]
    # Escaped already, and more than the tables of pages: a comment may hold no mention either.
    align = ("left", *("right" for _ in _HEADERS[1:]))
    return tabulate(body, _HEADERS, STYLE["markdown"], disable_numparse=True, colalign=align)


def _escaped(text: str) -> str:
    """Whatever could be markup, a mention or the end of a cell, as a character of its own."""
    return re.sub(r"[^A-Za-z0-9 .,:;%+/()=-]", lambda found: f"&#{ord(found[0])};", text)


def _one_line(text: str) -> str:
    """Inside a code block all is plain but the end of a line."""
    return " ".join(text.splitlines())
