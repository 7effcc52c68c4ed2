"""What git says of the repository that a board lies in."""

import subprocess
from pathlib import Path


def git(where: Path, *words: str) -> bytes | None:
    """Output of a git command, or None where it fails."""
    done = subprocess.run(["git", "-C", str(where), *words], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
