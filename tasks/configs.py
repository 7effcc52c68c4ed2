"""The YAML of our tasks as data: neither what they include nor functions they name is loaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


class _Reader(yaml.SafeLoader):
    pass


_Reader.add_constructor("!function", lambda _, node: node.value)


def paths(folder: Path) -> Iterator[Path]:
    """Those of tasks and groups; a name that begins with _ is for others to include."""
    yield from (p for p in sorted(folder.rglob("*.yaml")) if not p.stem.startswith("_"))


def read(path: Path) -> dict[str, Any]:
    """What one of them says itself."""
    return yaml.load(path.read_text(), _Reader)
