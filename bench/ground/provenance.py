"""Where a number comes from: commit, versions, device, hashes."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which
from typing import Any

from leaderboard.store.files import file_sha256

ROOT = Path(__file__).parent.parent.parent
PACKAGES = (
    *("torch", "transformers", "peft", "accelerate", "lm-eval", "fvcore", "tokenizers"),
    *("datasets", "bm25s", "numpy"),
)


SOURCES = (".py", ".toml", ".yaml")


def digest(value: Any) -> str:
    """sha256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sources_sha256(names: Iterable[str]) -> str:
    """One hash of source files or folders, given relative to the project's root."""
    found = list[list[str]]()
    for name in sorted(names):
        path = ROOT / name
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found += [[str(p.relative_to(ROOT)), file_sha256(p)] for p in files if p.suffix in SOURCES]
    return digest(found)


def contamination(corpus: str) -> dict[str, dict[str, Any]]:
    """Data set -> what it shares with the corpus, as `skbench corpus contamination` found it.

    Counts as shares of the data set's items; {} for a corpus that was not searched.
    """
    path = ROOT / "tasks" / "corpora" / "contamination.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    return {
        name: {
            "shared_13gram": each["shared_13gram"] / each["n"],
            "equal_questions": each["equal_questions"] / each["n"],
            "may_be_known_to": each.get("may_be_known_to", []),
        }
        for name, each in known.get(corpus, {}).items()
    }


def versions() -> dict[str, str | None]:
    """Installed versions of the packages that a number may depend on; null where missing."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def device_name() -> str:
    """The accelerator's name, or the processor's with its thread count."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"CPU {model}, {torch.get_num_threads()} threads"


@cache
def git_state() -> tuple[str | None, bool | None]:
    """Commit and whether the tree differed from it when the process first asked.

    (None, None) outside a checkout, and where there is no git.
    """
    if which("git") is None:
        return None, None

    def git(*arguments: str) -> str | None:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    top = git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != ROOT.resolve():
        return None, None  # installed inside somebody else's repository
    commit, status = git("rev-parse", "HEAD"), git("status", "--porcelain")
    return commit, None if status is None else bool(status)
