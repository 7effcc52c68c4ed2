"""The page as one file: data, style and script inside, and a policy that lets nothing else in."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from leaderboard.show.page.sections import Part, Section, html, sections
from leaderboard.show.page.tables import COSTS, Track, all_tracks
from leaderboard.show.pages import leaderboard

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("table.js", "plot.js", "pair.js", "story.js", "start.js")
_IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
"""What could end a block of data, or a line in it."""
_TURNING = dict.fromkeys(
    [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
)
"""Characters that turn the direction of text, so that a name could read as another."""


def page(records: Path) -> str:
    """The page of a board, the same text for the same records; RecordError.

    `records` holds suites; other kinds of facts lie beside it.
    """
    tracks, found = all_tracks(records), sections(leaderboard(records))
    own = {track.name: _parts(found, track.name) for track in tracks}
    style = (_ASSETS / "style.css").read_text(encoding="utf-8")
    script = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    folder = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = folder.get_template("page.html.j2").render(
        tracks=tracks,
        own=own,
        others=[section for section in found if section.title not in own],
        costs=COSTS,
        markdown=html,
        policy=_policy(style, script),
        # Files of ours, and JSON that cannot end its block: nothing to escape.
        style=Markup(style),
        script=Markup(script),
        data=Markup(_data(tracks)),
    )
    return text.translate(_TURNING)


def _parts(found: Sequence[Section], track: str) -> list[Part]:
    """What LEADERBOARD.md has of a track beside its tables, under shorter titles."""
    return [
        replace(part, title=part.title.removeprefix(f"{track}: "))
        for section in found
        for part in section.parts
        if section.title == track and part.title.startswith(f"{track}: ")
    ]


def _data(tracks: Sequence[Track]) -> str:
    """What the script reads; texts as they are to be shown."""
    body = [
        {
            "name": track.name,
            "tables": [
                {
                    "lines": [asdict(line) for line in table.lines],
                    "columns": [
                        {**asdict(column), "cells": [cell.text for cell in column.cells]}
                        for column in table.columns
                    ],
                    "accuracy": {
                        column.title.lower(): [
                            cell.limits and [cell.value, *cell.limits] for cell in column.cells
                        ]
                        for column in table.columns
                        if column.title in ("ID", "OOD")
                    },
                    "gaps": table.gaps,
                    "fronts": table.fronts,
                }
                for table in track.tables
            ],
        }
        for track in tracks
    ]
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
