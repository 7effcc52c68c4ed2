"""Seconds and memory of the board's verbs against records: whole commands, starting included."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.ground.bars import Bar
from bench.ground.clock import clock
from tests.perf.growth.sizes import Section, Sizes
from tests.perf.made_records import board, make

MB = 10**6


def by_records(sizes: Sizes, home: Path) -> Section:
    """One board that grows; each size begins without an index."""
    root, n_records = home / "growing" / "records", 0
    rows = list[tuple[int, dict[str, float]]]()
    made = [0, *sizes.tracks]
    for before, n_tracks in Bar(list(zip(made, sizes.tracks, strict=False)), what="the board"):
        n_records += make(root, range(before, n_tracks))
        with tempfile.TemporaryDirectory(dir=home) as fresh:
            rows.append((n_records, _costs(root, Path(fresh))))
    held = (
        "Each record is one of pocket's, with outcomes of its own, under another track's name. A"
        " verb is a whole command, the start of Python included. `show` is of one track; `verify`"
        " finds the copies out, and has no generations to score again."
    )
    return Section("The board against records", held, "records", rows)


def _costs(root: Path, home: Path) -> dict[str, float]:
    show = ("show", "pocket-0", "--records", root)
    page = ("page", "--records", root, "--out", home / "page")
    verbs: Sequence[tuple[str, tuple[object, ...]]] = (
        ("`show` first", show),
        ("`show` again", show),
        ("`verify`", ("verify", "--records", root)),
        ("`page`", page),
    )
    costs = dict[str, float]()
    for name, words in verbs:
        began = clock()
        # Copies are faults to `verify`, which says so and exits with 1.
        peak = board(*words, home=home, codes=(0, 1) if words[0] == "verify" else (0,))
        costs[f"s, {name}"] = clock() - began
        costs[f"MB, {name}"] = peak / MB
    return costs
