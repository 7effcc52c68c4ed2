"""The data sets that a track names and the project does not have: whose, and their items."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tasks
from bench.ground.places import TRUST_TASK_CODE
from bench.questions import lines
from bench.track import ConfigError, Track
from tasks import configs, docs, scoring
from tasks.docs import Item

if TYPE_CHECKING:
    from bench.questions.templates import Foreign

TASKS = Path(tasks.__file__).parent
SCORES = ("strict", "author", "flexible", "failed")
"""What our extractors say of an answer."""
SCORING = ("output_type", "process_results", "filter_list", "metric_list", "doc_to_target")


@dataclass(frozen=True)
class DataSet:
    """Items of a track's own, or of a task of lm-eval, which `foreign` is then."""

    name: str
    items: Sequence[Item]
    dev: Sequence[Item]
    foreign: "Foreign | None" = None

    @property
    def sha256(self) -> str:
        """Of all items, as pins are."""
        return docs.items_sha256([*self.items, *self.dev])

    @property
    def scoring(self) -> Mapping[str, Any]:
        """How lm-eval's own scores are made; {} of items of the track's own."""
        told = self.foreign.task.dump_config() if self.foreign else {}
        return {key: told[key] for key in SCORING if key in told}

    def of(self, split: str) -> Sequence[Item]:
        """The items of a split; ConfigError where there are none."""
        found = {"test": self.items, "dev": self.dev}.get(split)
        if not found:
            raise ConfigError(
                f"data set '{self.name}' has no {split} items: put some into"
                f" {self.name}.dev.jsonl beside its file, or leave out what asks for them"
            )
        return found

    @property
    def metrics(self) -> list[str]:
        """What lm-eval itself scores of an answer."""
        if self.foreign is None:
            return []
        first = self.items[0]
        return list(self.foreign.score(first, f"{scoring.CONCLUSION} {first['target']}."))

    def served(self, split: str) -> Any:
        """The items as a task that lm-eval evaluates, with our extractors and its own metrics."""
        from lm_eval.api.task import ConfigurableTask

        asked = docs.stratified(self.of(split))
        foreign = self.foreign

        def process_results(doc: Any, results: Sequence[str]) -> Mapping[str, object]:
            scores = scoring.process_results(doc, results)
            return {**scores, **(foreign.score(doc, results[0]) if foreign else {})}

        return ConfigurableTask(
            config={
                "task": self.name,
                "custom_dataset": lambda **_: {"test": docs.dataset(asked)},
                "test_split": "test",
                "output_type": "generate_until",
                "doc_to_text": "{{question}}",
                "doc_to_target": "{{target}}",
                "process_results": process_results,
                "metric_list": [
                    {"metric": name, "aggregation": "mean", "higher_is_better": name != "failed"}
                    for name in (*SCORES, *self.metrics)
                ],
                "metadata": {"version": 1},
            }
        )


@cache
def _ours() -> dict[str, bool]:
    """Name of each YAML of the project -> whether it is a group."""
    return {path.stem: "group" in configs.read(path) for path in configs.paths(TASKS)}


def built_in() -> frozenset[str]:
    """The names of the project's own tasks."""
    return frozenset(name for name, is_group in _ours().items() if not is_group)


def brought(track: Track, *, trusted: bool | None = None) -> dict[str, DataSet]:
    """The data sets of the track that are not built in, by name; ConfigError names what is wrong.

    Where the track pins their items they must be those; where not, what to put there is told.
    `trusted` says whether code of tasks may run; None leaves it to $SKBENCH_TRUST_TASK_CODE.
    """
    spec, ours = track.tasks, built_in()
    for name in spec.files.keys() & ours:
        raise ConfigError(f"tasks: '{spec.files[name]}' is called as a built-in task; rename it")
    names = [name for name in (*spec.id, *spec.ood) if name not in ours]
    found = {
        name: _found(track.folder, name, spec.files.get(name), spec.include, trusted)
        for name in names
    }
    for name, each in found.items():
        pin = spec.items_sha256.get(name)
        if pin is not None and pin != each.sha256:
            raise ConfigError(
                f"data set '{name}': other items than the track pins: expected items_sha256 {pin},"
                f" got {each.sha256}; correct the file, or the pin and the track's version"
            )
    owners = dict[str, str]()
    for name, each in found.items():
        for item in (*each.items, *each.dev):
            if (other := owners.setdefault(item["id"], name)) != name:
                raise ConfigError(
                    f"data sets '{other}' and '{name}' both have a question with the id"
                    f" {item['id']!r}: a run knows questions by their ids; leave out 'id' in one"
                )
    for name in spec.items_sha256.keys() - found.keys():
        raise ConfigError(f"tasks.items_sha256: '{name}' is no data set that the track brings")
    return found


def check(track: Track, *, split: str = "test", world: int = 0) -> None:
    """ConfigError where the track brings data sets that have no such items."""
    for name, each in brought(track).items():
        each.of(split)
        if world:
            raise ConfigError(f"data set '{name}' is of no world: leave out --world")


def named(name: str, include: str | None) -> DataSet:
    """A data set by its file, or by its name in the folder `include` or in lm-eval."""
    path = Path(name)
    if path.suffix == ".jsonl":
        return _found(path.parent, path.stem, path.name, None)
    return _found(Path(), name, None, include)


def tell_pins(track: Track) -> None:
    """Say on stderr which pins the track lacks."""
    lacking = {n: each for n, each in brought(track).items() if n not in track.tasks.items_sha256}
    if lacking:
        pins = "".join(f'\n{name} = "{each.sha256}"' for name, each in lacking.items())
        print(
            f"to notice when questions change, put into the track:\n[tasks.items_sha256]{pins}",
            file=sys.stderr,
        )


def _found(
    folder: Path, name: str, file: str | None, include: str | None, trusted: bool | None = None
) -> DataSet:
    if trusted is None:
        trusted = bool(os.environ.get(TRUST_TASK_CODE))
    return _read(folder, name, file, include, trusted=trusted)


@cache
def _read(
    folder: Path, name: str, file: str | None, include: str | None, *, trusted: bool
) -> DataSet:
    if file is not None:
        path = folder / file
        dev = path.with_suffix(".dev.jsonl")
        items, held = _good(path, name), _good(dev, f"{name}/dev") if dev.is_file() else []
        asked = {item["question"] for item in items}
        if shared := [item["id"] for item in held if item["question"] in asked]:
            raise ConfigError(f"{dev}: {shared[0]} stands in {path.name} as well")
        return DataSet(name, items, held)
    if _ours().get(name):
        raise ConfigError(f"task '{name}' is a group: name its tasks one by one")
    from bench.questions import templates

    where = folder / include if include else None
    if where is not None and not where.is_dir():
        raise ConfigError(f"tasks.include: no folder {where}")
    foreign = templates.read(name, where, trusted=trusted)
    return DataSet(name, foreign.items, foreign.dev, foreign)


def _good(path: Path, name: str) -> list[Item]:
    items, faults = lines.examine(path, name)
    if faults:
        more = f" (and {len(faults) - 1} more: `skbench task check {path}`)" if faults[1:] else ""
        raise ConfigError(f"{faults[0]}{more}")
    return items
