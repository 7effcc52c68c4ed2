"""What there is, as lists and as tables in the READMEs."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from bench import registry, track
from bench.corpora import corpus
from bench.ground.files import write_atomically
from bench.ground.provenance import ROOT
from bench.run import sweep
from bench.types import Needs
from tasks import configs as task_configs

PAGES = ("baselines/README.md", "tasks/README.md")
REGION = re.compile(r"(<!-- table:(\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)
Entry = dict[str, Any]


def methods() -> list[Entry]:
    """Every method with the first line of its file, its source, needs and defaults."""
    return [
        {
            "method": name,
            "about": (sys.modules[type(method).__module__].__doc__ or "").partition("\n")[0],
            "source": method.source,
            "needs": {k: v for k, v in asdict(method.needs).items() if v != getattr(Needs(), k)},
            "defaults": {f.name: f.default for f in fields(method)},
        }
        for name, method in sorted(registry.discover().items())
    ]


def tracks() -> list[Entry]:
    """Every built-in track."""
    return [
        {
            "track": t.name,
            "version": t.version,
            "about": t.about,
            "student": t.student.path or "from random weights",
            "corpus": t.corpus,
            "methods": t.methods,
            "seeds": t.seeds,
        }
        for t in map(track.load, track.names())
    ]


def tasks() -> list[Entry]:
    """Every lm-eval task of ours with its groups, tracks and pin, read from the YAML alone."""
    configs = [task_configs.read(path) for path in task_configs.paths(ROOT / "tasks")]
    used = [(t.name, {*t.tasks.id, *t.tasks.ood}) for t in map(track.load, track.names())]
    entries = [
        {
            "name": each["task"],
            "group": [g["group"] for g in configs if "group" in g and each["task"] in g["task"]],
            "tracks": [name for name, members in used if each["task"] in members],
            "n": each["metadata"]["n"],
            "sha256": each["metadata"]["items_sha256"],
            "licence": each["metadata"]["licence"],
            "revision": each["metadata"]["revision"],
            "split": each["metadata"]["split"],
        }
        for each in configs
        if "group" not in each
    ]
    return sorted(entries, key=lambda entry: entry["name"])


def task_rows() -> list[Entry]:
    """What a table has room for; the rest is in `skbench list tasks --json`."""
    shown = ("name", "group", "n", "split", "licence")
    return [{key: entry[key] for key in shown} for entry in tasks()]


def corpora() -> list[Entry]:
    """Every built-in corpus, as it is pinned."""
    paths = (ROOT / "tasks/corpora" / f"{name}.json" for name in sorted(corpus.builders()))
    pins = [json.loads(path.read_text()) for path in paths]
    return [
        {
            "corpus": pin["name"],
            "teacher": pin["teacher"],
            "rows": pin["n"],
            "passages": pin["n_passages"],
            "licence": pin["licence"],
        }
        for pin in pins
    ]


def sweeps() -> list[Entry]:
    """Every sweep with its size."""
    return [
        {"sweep": s.name, "about": s.about, "methods": len(s.methods), "points": len(s.points)}
        for s in map(sweep.load, sweep.names())
    ]


LISTS = {
    "methods": methods,
    "tracks": tracks,
    "tasks": tasks,
    "corpora": corpora,
    "sweeps": sweeps,
}
TABLES = {**LISTS, "tasks": task_rows}
"""The same as shown to people."""


def refresh(*, check: bool) -> list[Path]:
    """Fill the pages from the lists; returns those that were stale, which a check leaves."""
    from tabulate import tabulate

    def fill(match: re.Match[str]) -> str:
        rows = [{k: cell(v) for k, v in row.items()} for row in TABLES[match[2]]()]
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
