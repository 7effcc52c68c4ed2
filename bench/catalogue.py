"""What there is: methods, tracks and tasks, as lists and as tables in the READMEs."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from bench import registry, sweep, track
from bench.files import write_atomically
from bench.provenance import ROOT
from bench.types import Needs

PAGES = ("baselines/README.md", "tasks/README.md")
REGION = re.compile(r"(<!-- table:(\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)
Entry = dict[str, Any]


def methods() -> list[Entry]:
    """Every method with its source, needs and defaults."""
    return [
        {
            "method": name,
            "source": method.source,
            "needs": {k: v for k, v in asdict(method.needs).items() if v != getattr(Needs(), k)},
            "defaults": {f.name: f.default for f in fields(method)},
        }
        for name, method in sorted(registry.discover().items())
    ]


def tracks() -> list[Entry]:
    """Every built-in track."""
    return [
        {"track": t.name, "about": t.about, "methods": t.methods, "seeds": t.seeds}
        for t in map(track.load, track.names())
    ]


def tasks() -> list[Entry]:
    """Every data set of a built-in track, with its group."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in map(track.load, track.names()):
        for group, names in (("id", each.tasks.id), ("ood", each.tasks.ood)):
            for name in names:
                found.setdefault((name, group), []).append(each.name)
    return [{"task": n, "group": g, "tracks": t} for (n, g), t in sorted(found.items())]


def sweeps() -> list[Entry]:
    """Every sweep with its size."""
    return [
        {"sweep": s.name, "about": s.about, "methods": len(s.methods), "points": len(s.points)}
        for s in map(sweep.load, sweep.names())
    ]


LISTS = {"methods": methods, "tracks": tracks, "tasks": tasks, "sweeps": sweeps}


def refresh(*, check: bool) -> list[Path]:
    """Fill the pages from the lists; returns those that were stale, which a check leaves."""
    from tabulate import tabulate

    def fill(match: re.Match[str]) -> str:
        rows = [{k: cell(v) for k, v in row.items()} for row in LISTS[match[2]]()]
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


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
