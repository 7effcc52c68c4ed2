"""The gate's report as workflow commands, which GitHub shows beside the files they name."""

from leaderboard.compare.gate.findings import Report
from leaderboard.compare.gate.reach import told
from leaderboard.show.gate.wording import sentence, title, total

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = _DATA | {":": "%3A", ",": "%2C"}


def github(report: Report, records: str) -> str:
    """An error per regression, a warning per alarm that was not confirmed and per thing missing, a
    notice of the rest; `records` is where the files of the base stand in the repository."""
    lines: list[str] = []
    for f in report.findings:
        if f.verdict != "ok":
            level = "error" if f.regression else "warning"
            file, of = _escaped(f"{records}/{f.file}", _PROPERTY), _escaped(title(f), _PROPERTY)
            lines.append(f"::{level} file={file},title={of}::{_escaped(sentence(f), _DATA)}")
    lines += [f"::warning title=incomplete::{_escaped(each, _DATA)}" for each in report.incomplete]
    rest = [total(report), *map(told, report.reach), *report.notes, *report.rerun]
    return "\n".join([*lines, f"::notice title=regress::{_escaped(chr(10).join(rest), _DATA)}"])


def _escaped(text: str, table: dict[str, str]) -> str:
    return text.translate(str.maketrans(table))
