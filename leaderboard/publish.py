"""Copying records into the repository, and keeping the pages made from them up to date."""

import re
from pathlib import Path

from leaderboard.board import load, tracks
from leaderboard.rank import rows
from leaderboard.record import Record, RecordError
from leaderboard.render import detail, legend, table

_REGION = re.compile(
    r"(?P<open><!-- board:(?P<track>[^\s]+) -->\n).*?(?P<close><!-- /board -->)", re.DOTALL
)
_HEAD = """# Leaderboard

Made by `skbench board render` from the records under `leaderboard/records/`; do not edit.
"""


def publish(src_root: Path, track: str, dest_root: Path) -> list[Path]:
    """Copy the public records of a track into the repository; returns the new files.

    A published record is never replaced: one that differs raises RecordError before anything
    is copied, and so do new ones that cannot stand in one table with those published.
    """
    new: list[tuple[Path, Record]] = []
    for record in load(track, src_root):
        path = _place(record, dest_root)
        if not path.exists():
            new.append((path, record))
        elif Record.load(path) != record:
            raise RecordError(
                f"{path}: another run is published there; records are append-only:"
                " raise the track's version, or remove that file deliberately"
            )
    rows([*load(track, dest_root, known=[track]), *(record for _, record in new)])
    for path, record in new:
        record.save(path)
    return [path for path, _ in new]


def render_all(repo_root: Path) -> list[Path]:
    """Bring LEADERBOARD.md and README.md up to date; returns the files that changed."""
    stale = check(repo_root)
    pages = _pages(repo_root)
    for path in stale:
        part = path.with_suffix(".part")
        part.write_text(pages[path], encoding="utf-8")
        part.replace(path)
    return stale


def check(repo_root: Path) -> list[Path]:
    """The generated files that are not what the records say."""
    return [
        path
        for path, text in _pages(repo_root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def _place(record: Record, root: Path) -> Path:
    return root / record.track / record.label / f"seed{record.seed}.json"


def _pages(repo_root: Path) -> dict[Path, str]:
    """What each generated file should hold."""
    records = repo_root / "leaderboard" / "records" / "v1"
    pages = {repo_root / "leaderboard" / "LEADERBOARD.md": _leaderboard(records)}
    readme = repo_root / "README.md"
    if readme.exists():
        pages[readme] = _filled(readme, records)
    return pages


def _leaderboard(root: Path) -> str:
    parts = [_HEAD]
    for track in tracks(root):
        ranked = rows(load(track, root))
        if ranked:
            main, per_set = table(ranked, "markdown"), detail(ranked, "markdown")
            parts.append(f"## {track}\n\n{main}\n\n{legend(ranked)}\n\n{per_set}\n")
    return "\n".join(parts)


def _filled(readme: Path, root: Path) -> str:
    """The README with each region between board markers replaced."""
    text = readme.read_text(encoding="utf-8")
    opened, closed = text.count("<!-- board:"), text.count("<!-- /board -->")
    if not opened == closed == len(_REGION.findall(text)):
        raise RecordError(
            f"{readme}: {opened} board markers opened, {closed} closed;"
            " write <!-- board:TRACK -->, a line break, <!-- /board -->"
        )

    def region(match: re.Match[str]) -> str:
        track = match["track"]
        ranked = rows(load(track, root)) if track in tracks(root) else []
        body = f"{table(ranked, 'markdown')}\n\n{legend(ranked)}" if ranked else "No records yet."
        return f"{match['open']}{body}\n{match['close']}"

    return _REGION.sub(region, text)
