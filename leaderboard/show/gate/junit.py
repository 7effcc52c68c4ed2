"""The gate's report as JUnit XML, which test reporters read: a case per comparison."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from leaderboard.compare.gate.findings import Finding, Report
from leaderboard.compare.gate.reach import told
from leaderboard.show.gate.wording import sentence, title, total

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, however they are escaped."""


def junit(report: Report) -> str:
    """Suites for quality, cost and what is missing: failures, skipped cases where fresh seeds did
    not confirm an alarm, errors."""
    quality, cost = report.apart()
    root = Element("testsuites", name="skbench board regress")
    for name, findings in (("quality", quality), ("cost", cost)):
        suite = _suite(root, name, findings)
        for f in findings:
            _add_case(suite, name, f)
    missing = SubElement(
        root, "testsuite", name="complete", tests=str(len(report.incomplete)),
        failures="0", errors=str(len(report.incomplete)), skipped="0",
    )  # fmt: skip
    for line in report.incomplete:
        case = SubElement(missing, "testcase", classname="complete", name=_allowed(line))
        SubElement(case, "error", message=_allowed(line))
    rest = [total(report), *map(told, report.reach), *report.notes, *report.rerun]
    SubElement(missing, "system-out").text = _allowed("\n".join(rest))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _suite(root: Element, name: str, findings: list[Finding]) -> Element:
    def number(verdict: str) -> str:
        return str(sum(f.verdict == verdict for f in findings))

    return SubElement(
        root, "testsuite", name=name, tests=str(len(findings)),
        failures=number("regression"), errors="0", skipped=number("unconfirmed"),
    )  # fmt: skip


def _add_case(suite: Element, name: str, f: Finding) -> None:
    case = SubElement(suite, "testcase", classname=name, name=_allowed(title(f)))
    said = _allowed(sentence(f))
    if f.regression:
        SubElement(case, "failure", message=said).text = said
    elif f.verdict == "unconfirmed":
        SubElement(case, "skipped", message=said)


def _allowed(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
