"""Folders that hold the hashes of their files, as `sha256sum` writes and checks them."""

from pathlib import Path

from bench.ground.provenance import file_sha256

SUMS = "SHA256SUMS"


def seal(folder: Path) -> None:
    """Note the hash of every file, as the last thing that is written into a folder."""
    (folder / SUMS).write_text(_sums(folder))


def intact(folder: Path) -> bool:
    """Whether a folder was sealed, and holds the same files with the same bytes."""
    try:
        noted = (folder / SUMS).read_text()
        return bool(noted) and noted == _sums(folder)
    except (OSError, ValueError):
        return False


def _sums(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{file_sha256(path)}  {path.name}\n" for path in files)
