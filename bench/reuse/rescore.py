"""The outcomes of a record again, from the texts that its student wrote: no model is asked.

The record may come from a stranger: what it names is read below the working folder alone, and no
code of a task's author runs, whatever is trusted elsewhere.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from textwrap import shorten
from typing import Any

from bench.ground import provenance
from bench.ground.quiet import quiet_libraries
from bench.reuse.reproduce import track_of
from bench.track import ConfigError, Tasks
from leaderboard.store.generations import Generations
from leaderboard.store.record import Record
from tasks.docs import WrongItemsError

Outcomes = Mapping[str, Mapping[str, list[int]]]
"""Data set -> extractor, or `failed` -> 0 or 1 for each item."""

MOST_OF_REASON = 400
"""Characters: some errors list every name that there is."""


class Rescorer:
    """Scores texts by the extractors of this version; questions of a track are loaded once."""

    def __init__(self, data: Path | None) -> None:
        """`data` is the folder of published data, for records of tracks that ask them."""
        self._data = data
        self._loaded: dict[str, Any] = {}

    def __call__(self, record: Record, generations: Generations) -> Outcomes | str:
        """What the texts score, without data sets whose questions here are not the record's; in
        words why not, where its questions are not to be had here."""
        from bench.questions.obtain import SCORES

        try:
            tasks = self._tasks(record)
        except (ConfigError, WrongItemsError, OSError) as error:
            return shorten(str(error), MOST_OF_REASON)
        found = dict[str, dict[str, list[int]]]()
        for name, solutions in generations.data_sets.items():
            asked = tasks[name].eval_docs if name in tasks else ()
            docs = [dict(doc) for doc in asked][: len(solutions)]
            if provenance.digest(docs) != record.data_sets[name].items_sha256:
                continue
            scored = [
                tasks[name].process_results(doc, [text])
                for doc, text in zip(docs, solutions, strict=True)
            ]
            found[name] = {key: [int(each[key]) for each in scored] for key in SCORES}
        return found

    def _tasks(self, record: Record) -> Mapping[str, Any]:
        from bench.run.evaluate import load_tasks

        track, scope = track_of(record), record.scope
        _check_paths(track.tasks)
        # Not its pins either: a hash of what was asked stands in the record.
        track = replace(track, tasks=replace(track.tasks, items_sha256={}))
        asked = {"world": scope.world, "split": scope.split, "sealed": scope.sealed}
        key = provenance.digest([asdict(track.tasks), asked])
        if key not in self._loaded:
            quiet_libraries()
            metadata = asked | {"data_dir": self._data and str(self._data)}
            self._loaded[key] = load_tasks(track, metadata, trusted=False)["tasks"]
        return self._loaded[key]


def _check_paths(told: Tasks) -> None:
    """ConfigError for a file or folder outside the working folder, or not in it."""
    for path in map(Path, [*told.files.values(), *([told.include] if told.include else [])]):
        if path.is_absolute() or ".." in path.parts:
            raise ConfigError(f"its track names {path}: nothing is read outside the working folder")
        if not path.exists():
            raise ConfigError(f"its track names {path}: go to the folder of the track's file")
