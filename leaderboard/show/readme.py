"""The tables in a README, between board markers."""

import re
from collections.abc import Mapping
from pathlib import Path

from leaderboard.rows.rank import rows
from leaderboard.rows.settings import shown
from leaderboard.rows.texts import with_texts
from leaderboard.show.pages import explained
from leaderboard.store.board import load_files, suite, tracks
from leaderboard.store.ranges import labels_in
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record

_REGION = re.compile(
    r"(?P<open><!-- board:(?P<track>[^\s]+)(?: methods=(?P<methods>[^\s]+))? -->\n)"
    r".*?(?P<close><!-- /board -->)",
    re.DOTALL,
)


def filled(readme: Path, root: Path) -> str:
    """The README with each region between board markers replaced."""
    text = readme.read_text(encoding="utf-8")
    opened, closed = text.count("<!-- board:"), text.count("<!-- /board -->")
    if not opened == closed == len(_REGION.findall(text)):
        raise RecordError(
            f"{readme}: {opened} board markers opened, {closed} closed; write"
            " <!-- board:TRACK --> or <!-- board:TRACK methods=A,B -->, a line break,"
            " <!-- /board -->"
        )

    def region(match: re.Match[str]) -> str:
        track = match["track"]
        found = load_files(track, suite(root, track)) if track in tracks(root) else {}
        body = _selected(found, match["methods"], root, readme) if found else "No records yet."
        return f"{match['open']}{body}\n{match['close']}"

    return _REGION.sub(region, text)


def _selected(files: Mapping[Path, Record], methods: str | None, root: Path, readme: Path) -> str:
    """The table of the labels named, in the board's order, or of all; where a row was tuned, its
    label at the track's settings names the tuned one."""
    track = list(files.values())
    records = shown(track, [root.parent / "trials"])
    ranked = with_texts(rows(records, track), files)
    if methods is None:
        return explained(ranked, records, track, detailed=False)
    # A comma inside brackets parts the fields of one label, not two labels.
    tuned = {str(own["of"]): record.label for record in records if (own := record.own)}
    wanted = [tuned.get(label, label) for label in labels_in(methods)]
    for label in wanted:
        if label not in {row.method for row in ranked}:
            names = ", ".join(sorted(row.method for row in ranked))
            raise RecordError(
                f"{readme}: the board region names {label!r}, which has no row; there are: {names}"
            )
    chosen = [row for row in ranked if row.method in wanted]
    told = f"{len(chosen)} of {len(ranked)} rows." if len(chosen) < len(ranked) else ""
    return explained(chosen, records, track, told, detailed=False)
