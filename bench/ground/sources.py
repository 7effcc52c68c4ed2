"""Which files a number may depend on: those that its makers import."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bench.ground.provenance import ROOT, sources_sha256

OURS = ("baselines", "bench", "leaderboard", "tasks")
NEUTRAL = "bench.ground."
"""What shows, finds or writes a number, and cannot change it."""


def sha256(*modules: str, of: tuple[Path, ...] = (), also: tuple[str, ...] = ()) -> str:
    """One hash of the modules and all of ours that they, or files `of`, import; and of `also`."""
    return sources_sha256([*files(*modules, of=of), *also])


@cache
def files(*modules: str, of: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """The modules' files, and those of all that they or files `of` import of ours, lazily too."""
    found, left = set[str](), [*modules, *(name for path in of for name in _imported(path))]
    while left:
        module = left.pop()
        path = f"{module.replace('.', '/')}.py"
        if path not in found and not module.startswith(NEUTRAL):
            found.add(path)
            left += _imported(ROOT / path)
    return tuple(sorted(found))


@cache
def _imported(path: Path) -> tuple[str, ...]:
    """Modules of ours that a file imports, parsed once a process."""
    return tuple(_names(path))


def _names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = list[str]()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name that is imported may be a module, or stand in one.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] in OURS and (ROOT / f"{name.replace('.', '/')}.py").is_file():
                yield name
