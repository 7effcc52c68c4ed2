"""Prints what a corpus holds for retrieval, and what it shares with the published test sets."""

import json
from collections.abc import Mapping, Sequence
from statistics import fmean

from tabulate import tabulate

from bench.corpora import corpus
from bench.corpora.contents import recall_by_task
from bench.corpora.rows import CorpusError
from bench.ground.bars import stage
from bench.ground.exits import FINE
from bench.ground.places import data_dir, home
from tasks import contamination as overlaps
from tasks.published import data_folder


def contamination(names: Sequence[str], data: str | None, *, as_json: bool) -> int:
    """Compare each corpus with every published test set; JSON is {corpus: {test set: counts}}."""
    folder = data_folder(data_dir(data))
    with stage("reading the test sets"):
        sets = overlaps.test_sets(folder)
    found = dict[str, dict[str, overlaps.Overlap]]()
    for name in names:
        read = corpus.obtain(name, home(), world=0, data_dir=folder)
        with stage(f"comparing {name}"):
            trace = overlaps.trace(read.rows, read.manifest.get("teacher", ""))
            found[name] = {each: overlaps.overlap(items, trace) for each, items in sets.items()}
    print(json.dumps(found, indent=1) if as_json else _table(found))
    return FINE


def _table(found: Mapping[str, Mapping[str, overlaps.Overlap]]) -> str:
    heads = ("corpus", "test set", "items", f"< {overlaps.N_WORDS} words", "share a 13-gram")
    lines = [
        (name, each, o["n"], o["short"], o["shared_13gram"], o["all_13grams"], o["equal_questions"])
        for name, sets in found.items()
        for each, o in sets.items()
    ]
    table = tabulate(lines, (*heads, "all 13-grams", "equal questions"), intfmt=",")
    known = {t for sets in found.values() for o in sets.values() for t in o["may_be_known_to"]}
    notes = [f"{t}: {overlaps.TEACHERS.get(t, overlaps.OTHER_TEACHER)}" for t in sorted(known)]
    return "\n".join([table, *notes])


def recall(name: str, k: int, data: str | None, *, as_json: bool) -> int:
    """Print recall@k of the rows' own knowledge by task, and its mean over tasks."""
    read = corpus.obtain(name, home(), world=0, data_dir=data_dir(data))
    found = recall_by_task(read, k)
    if not found:
        raise CorpusError(f"{name}: no passage is part of any row's knowledge: nothing to find")
    mean = fmean(found.values())
    if as_json:
        print(json.dumps({"corpus": name, "k": k, "mean": mean, "tasks": found}, indent=1))
    else:
        lines = [*sorted(found.items()), ("mean over tasks", mean)]
        print(tabulate(lines, ("task", f"recall@{k}"), floatfmt=".3f"))
    return FINE
