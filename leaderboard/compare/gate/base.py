"""The base of a comparison: a folder of records, or what a git ref holds of them."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from leaderboard.store.board import UnknownName, suites
from leaderboard.store.git import git
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record


def base_root(base: str, into: Path, published: Path, beside: Sequence[str] = ()) -> Path:
    """The base's records: a folder as it is, else those
    that a git ref holds at the place of `published`, copied to `into`, with what is named `beside`.

    A folder may hold suites, be one, or be a clone of the repository. Raises UnknownName.
    """
    folder = Path(base)
    if base and folder.is_dir():
        inner = folder / "leaderboard" / "records"
        return inner if inner.is_dir() else folder
    home = published.parent
    inside = published.relative_to(home).as_posix()
    commit = git(home, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    if commit is None:
        refs = git(home, "for-each-ref", "--format=%(refname:short)") or b""
        raise UnknownName("base (neither a folder nor a git ref)", base, refs.decode().split())
    name = commit.decode().strip()
    if found := [each for each in (inside, *beside) if git(home, "ls-tree", name, each)]:
        archive = git(home, "archive", "--format=tar", name, *found)
        if archive is None:
            raise RecordError(f"{home}: git archive of {', '.join(found)} at {base} failed")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(into, filter="data")
    return into / inside


def counterpart(base: Path, track: str, new: Sequence[Record]) -> Path:
    """The suite of the base to hold against new records of the track: of their version if it has
    one; the base itself where it holds no suites."""
    names = suites(base, track)
    if not names:
        return base
    same = f"v{new[0].version}" if new else names[-1]
    return base / (same if same in names else names[-1])
