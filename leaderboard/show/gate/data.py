"""The gate's report as JSON."""

import json

from leaderboard.compare.gate.findings import Report, report_json


def data(report: Report) -> str:
    """The report as plain data; JSON escapes all that it must."""
    return json.dumps(report_json(report), indent=1)
