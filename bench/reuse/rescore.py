"""The outcomes of a record again, from the texts that its student wrote: no model is asked.

The record may come from a stranger: what it names is read below the working folder alone, and no
code of a task's author runs, whatever is trusted elsewhere.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any

from bench import registry
from bench.corpora.rows import CorpusError
from bench.ground import provenance
from bench.ground.quiet import quiet_libraries
from bench.reuse.reproduce import track_of
from bench.track import ConfigError, Tasks, Track, load, names
from leaderboard.store.generations import Generations
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record, Scope
from tasks.docs import WrongItemsError

Outcomes = Mapping[str, Mapping[str, list[float]]]
"""Data set -> extractor, `failed` or a grade of the text alone -> a number for each item."""

MOST_OF_REASON = 400
"""Characters: some errors list every name that there is."""


class Rescorer:
    """Scores texts by the extractors of this version; questions of a track are loaded once."""

    def __init__(self, data: Path | None) -> None:
        """`data` is the folder of published data, for records of tracks that ask them."""
        self._data = data
        self._loaded: dict[str, Any] = {}
        self._tokenizers: dict[str, Any] = {}

    def __call__(self, record: Record, generations: Generations) -> Outcomes | str:
        """What the texts score, without data sets whose questions here are not the record's; in
        words why not, where its questions are not to be had here. RecordError for a record whose
        track is none."""
        from bench.questions.obtain import SCORES

        tasks = self._tasks(_told(record), record.scope)
        if isinstance(tasks, str):
            return tasks
        found = dict[str, dict[str, list[float]]]()
        for name, solutions in generations.data_sets.items():
            task, asked = tasks.get(name, (None, []))
            docs = asked[: len(solutions)]
            if task is None or provenance.digest(docs) != record.data_sets[name].items_sha256:
                continue
            scored = [
                task.process_results(doc, [text]) for doc, text in zip(docs, solutions, strict=True)
            ]
            grades = record.data_sets[name].graded.keys() & {key for each in scored for key in each}
            found[name] = {key: [float(each[key]) for each in scored] for key in (*SCORES, *grades)}
        return found

    def lengths(self, record: Record, generations: Generations) -> Mapping[str, list[int]] | None:
        """Tokens of each text of a suite's own student, under a method of ours, whose texts are all
        that it generated; None of others."""
        path = _told(record).student.path or ""
        is_ours = record.kind == "student" and record.method in registry.discover()
        if not is_ours or not _is_embedded(path):
            return None
        if path not in self._tokenizers:
            from tokenizers import Tokenizer

            found = Tokenizer.from_file(str(provenance.ROOT / path / "tokenizer.json"))
            self._tokenizers[path] = found
        read = partial(self._tokenizers[path].encode_batch, add_special_tokens=False)
        return {
            name: [len(each) for each in read(texts)]
            for name, texts in generations.data_sets.items()
        }

    def _tasks(self, told: Track, scope: Scope) -> Mapping[str, tuple[Any, list[Any]]] | str:
        """What the track asks, each task with its items, or in words why that is not here; looked
        for once."""
        from bench.run.evaluate import load_tasks

        # Not its pins either: a hash of what was asked stands in the record.
        told = replace(told, tasks=replace(told.tasks, items_sha256={}))
        asked = {"world": scope.world, "split": scope.split, "sealed": scope.sealed}
        key = provenance.digest([asdict(told.tasks), asked])
        if key not in self._loaded:
            quiet_libraries()
            metadata = asked | {"data_dir": self._data and str(self._data)}
            try:
                _check_paths(told.tasks)
                self._loaded[key] = {
                    name: (task, [dict(doc) for doc in task.eval_docs])
                    for name, task in load_tasks(told, metadata, trusted=False)["tasks"].items()
                }
            except (ConfigError, CorpusError, WrongItemsError, OSError) as error:
                self._loaded[key] = shorten(str(error), MOST_OF_REASON)
        return self._loaded[key]


def _told(record: Record) -> Track:
    """The record's track; RecordError where it is none, or asks what the one of its name does
    not."""
    try:
        found = track_of(record)
    except ConfigError as error:
        raise RecordError(shorten(str(error), MOST_OF_REASON)) from error
    if record.track in names():
        ours = load(record.track).tasks
        if (found.tasks.files, found.tasks.include) != (ours.files, ours.include):
            raise RecordError(f"track '{record.track}' has questions of its own in its snapshot")
    return found


def _is_embedded(path: str) -> bool:
    parts = Path(path).parts
    tokenizer = provenance.ROOT / path / "tokenizer.json"
    return parts[:1] == ("tasks",) and ".." not in parts and tokenizer.is_file()


def _check_paths(told: Tasks) -> None:
    """ConfigError for a file or folder outside the working folder, or not in it."""
    for path in map(Path, [*told.files.values(), *([told.include] if told.include else [])]):
        if not path.resolve().is_relative_to(Path.cwd()):
            raise ConfigError(f"its track names {path}: nothing is read outside the working folder")
        if not path.exists():
            raise ConfigError(f"its track names {path}: go to the folder of the track's file")
