"""Tables of methods and tracks between markers of the READMEs, so that they cannot drift."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.files import write_atomically
from bench.provenance import ROOT

PAGES = ("baselines/README.md", "tasks/README.md")
REGION = re.compile(r"(<!-- table:(\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def refresh(tables: Mapping[str, Sequence[Mapping[str, Any]]], *, check: bool) -> list[Path]:
    """Fill every region from its table; returns the pages that were stale, unwritten on a check."""
    from tabulate import tabulate

    def fill(match: re.Match[str]) -> str:
        rows = [{k: _cell(v) for k, v in row.items()} for row in tables[match[2]]]
        return f"{match[1]}{tabulate(rows, headers='keys', tablefmt='pipe')}\n{match[3]}"

    stale = list[Path]()
    for page in PAGES:
        path = ROOT / page
        text = path.read_text()
        fresh = REGION.sub(fill, text)
        if fresh != text:
            stale.append(path)
            if not check:
                write_atomically(path, fresh.encode())
    return stale


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
