"""The page as one file: data, style and script inside, and a policy that lets nothing else in."""

import json
from base64 import b64encode
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from leaderboard.show.page.sections import Part, sections
from leaderboard.show.page.sections import html as markdown
from leaderboard.show.page.tables import COSTS, Track, track_of
from leaderboard.show.pages import Told, all_tracks, of_all, of_track
from leaderboard.store.index import facts_of, remembered

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("table.js", "plot.js", "pair.js", "story.js", "start.js")
_IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
"""What could end a block of data, or a line in it."""
_TURNING = dict.fromkeys(
    [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
)
"""Characters that turn the direction of text, so that a name could read as another."""


@dataclass(frozen=True, slots=True)
class View:
    """A track in the page."""

    name: str
    n_rows: int
    """Of its first table; 0 where the track has no tables, and no view."""
    html: str
    data: str
    """What the script reads, as JSON that may stand in the page."""


def page(records: Path) -> str:
    """The page of a board, the same text for the same records; RecordError.

    `records` holds suites; other kinds of facts lie beside it. The track of most rows comes first.
    """
    found = {name: _view(name, records) for name in all_tracks(records)}
    views = sorted((v for v in found.values() if v.n_rows), key=lambda v: (-v.n_rows, v.name))
    rest = [of_track(name, records) for name, view in found.items() if not view.n_rows]
    style = (_ASSETS / "style.css").read_text(encoding="utf-8")
    script = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    text = _filled(
        "page",
        # Made of what was escaped.
        tracks=[replace(view, html=Markup(view.html)) for view in views],
        others=[section for told in [*rest, of_all(records)] for section in sections(told)],
        policy=_policy(style, script),
        # Files of ours, and JSON that cannot end its block: nothing to escape.
        style=Markup(style),
        script=Markup(script),
        data=Markup(f"[{','.join(view.data for view in views)}]"),
    )
    return text.translate(_TURNING)


def _view(track: str, records: Path) -> View:
    """As it was made last, where nothing changed since."""

    def make() -> View:
        found = track_of(track, records)
        n_rows = len(found.tables[0].lines) if found.tables else 0
        own = _parts(of_track(track, records))
        html = _filled("track", track=found, own=own, costs=COSTS, markdown=markdown)
        return View(track, n_rows, html if n_rows else "", _data(found))

    return remembered(View, f"view {records} {track}", facts_of(track, records), make)


def _filled(template: str, **values: Any) -> str:
    folder = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return folder.get_template(f"{template}.html.j2").render(**values)


def _parts(told: Told) -> list[Part]:
    """What LEADERBOARD.md has of a track beside its tables, under shorter titles."""
    return [
        replace(part, title=part.title.removeprefix(f"{section.title}: "))
        for section in sections(told)
        for part in section.parts
        if part.title.startswith(f"{section.title}: ")
    ]


def _data(track: Track) -> str:
    """What the script reads of a track; texts as they are to be shown."""
    body = {
        "name": track.name,
        "tables": [
            {
                "lines": [asdict(line) for line in table.lines],
                # The script reads their cells in the table itself.
                "columns": [{"title": each.title, "unit": each.unit} for each in table.columns],
                "accuracy": {
                    column.title.lower(): [
                        cell.limits and [cell.value, *cell.limits] for cell in column.cells
                    ]
                    for column in table.columns
                    if column.title in ("ID", "OOD")
                },
                "gaps": table.gaps,
                "paid_back": table.paid_back,
                "fronts": table.fronts,
            }
            for table in track.tables
        ],
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_IN_SCRIPT)


def _policy(style: str, script: str) -> str:
    """Nothing from elsewhere, and no style or script but these two."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
