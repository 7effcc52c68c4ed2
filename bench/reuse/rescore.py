"""The outcomes of a record again, from the texts that its student wrote: no model is asked."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.ground import provenance
from bench.ground.quiet import quiet_libraries
from bench.reuse.reproduce import track_of
from bench.track import ConfigError
from leaderboard.store.generations import Generations
from leaderboard.store.record import Record

Outcomes = Mapping[str, Mapping[str, list[int]]]
"""Data set -> extractor, or `failed` -> 0 or 1 for each item."""


class Rescorer:
    """Scores texts by the extractors of this version; questions of a track are loaded once."""

    def __init__(self, data: Path | None) -> None:
        """`data` is the folder of published data, for records of tracks that ask them."""
        self._data = data
        self._loaded: dict[str, Any] = {}

    def __call__(self, record: Record, generations: Generations) -> Outcomes:
        """What the texts score; ConfigError where the questions here are not the record's.

        What `skbench run` would raise for the record's track, or for data that is not here, is
        raised as well.
        """
        from bench.questions.obtain import SCORES

        tasks, found = self._tasks(record), dict[str, dict[str, list[int]]]()
        for name, solutions in generations.data_sets.items():
            docs = [dict(doc) for doc in tasks[name].eval_docs][: len(solutions)]
            if provenance.digest(docs) != record.data_sets[name].items_sha256:
                raise ConfigError(
                    f"{record.label} seed {record.seed}: the questions of {name} here are not"
                    " those that it was asked: check out the commit that the record names"
                )
            scored = [
                tasks[name].process_results(doc, [text])
                for doc, text in zip(docs, solutions, strict=True)
            ]
            found[name] = {key: [int(each[key]) for each in scored] for key in SCORES}
        return found

    def _tasks(self, record: Record) -> Mapping[str, Any]:
        from bench.run.evaluate import load_tasks

        track, scope = track_of(record), record.scope
        asked = {"world": scope.world, "split": scope.split, "sealed": scope.sealed}
        key = provenance.digest([asdict(track.tasks), asked])
        if key not in self._loaded:
            quiet_libraries()
            metadata = asked | {"data_dir": self._data and str(self._data)}
            self._loaded[key] = load_tasks(track, metadata)["tasks"]
        return self._loaded[key]
