"""All that is made of a board, and whether it is what the records say."""

from pathlib import Path

from leaderboard.show.page.render import page
from leaderboard.show.pages import leaderboard
from leaderboard.show.readme import filled
from leaderboard.store.files import replace_text


def render_all(records: Path) -> list[Path]:
    """Bring the pages of a board up to date; returns the changed files.

    LEADERBOARD.md, pictures and page/index.html lie beside its `records`; README.md, if there is
    one, in the folder above.
    """
    made = _made(records)
    stale = [path for path, text in made.items() if is_stale(path, text)]
    for path in stale:
        replace_text(path, made[path])
    return stale


def check(records: Path) -> list[Path]:
    """The generated files that are not what the records say."""
    return [path for path, text in _made(records).items() if is_stale(path, text)]


def is_stale(path: Path, text: str) -> bool:
    """Whether a file is not there, or holds another text."""
    return not path.is_file() or path.read_bytes() != text.encode()


def _made(records: Path) -> dict[Path, str]:
    """What each generated file should hold."""
    made = {**leaderboard(records), records.parent / "page" / "index.html": page(records)}
    readme = records.parent.parent / "README.md"
    if readme.exists():
        made[readme] = filled(readme, records)
    return made
