"""The published suites as lm-eval serves them: which there are, and the one loader of all.

Each is read from a folder of raw files by a module of its own in in_domain/ or out_of_domain/,
which opens with one real question; SOURCES.tsv says which files of which repositories.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks import configs, docs, sample
from tasks.docs import Item
from tasks.raw import by_hash, data_folder

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]

FOLDER = Path(__file__).parent


def _reader(name: str) -> sample.Reader:
    """The function MODULE.NAME below tasks/; its module is loaded when it is called."""
    module, _, function = name.rpartition(".")

    def read(folder: Path) -> list[Item]:
        return getattr(importlib.import_module(f"tasks.{module}"), function)(folder)

    return read


_CONFIGS = {path.stem: configs.read(path) for path in configs.paths(FOLDER)}
_TOLD: dict[str, Mapping[str, Any]] = {
    name: config["metadata"]
    for name, config in _CONFIGS.items()
    if {"reader", "sample_of"} & config.get("metadata", {}).keys()
}
"""Published task -> what its YAML says of where its items come from."""
WHOLE = {name: _reader(told["reader"]) for name, told in _TOLD.items() if "reader" in told}
"""lm-eval task -> its items, of those that are no sample of another; `reader` of its YAML."""
SAMPLES: dict[str, tuple[str, int]] = {
    name: (told["sample_of"], told["length"]) for name, told in _TOLD.items() if "sample_of" in told
}
"""lm-eval task -> whose sample it is, and of about how many items."""
TRIPLES = {
    name: read
    for name, read in WHOLE.items()
    if _CONFIGS[name]["include"].endswith("_triples.yaml")
}
"""lm-eval task -> its test items, where a tail is asked for and not an answer."""
TEST_SETS = {name: read for name, read in WHOLE.items() if name not in TRIPLES} | {
    name: sample.test(WHOLE[of], n) for name, (of, n) in SAMPLES.items()
}
"""lm-eval task -> its test items, read from a data folder."""


def _dev(name: str, n: int) -> sample.Reader:
    """What is held out of the part that is trained on, where the task has one (`train_reader`),
    else a few items that no sample has."""
    trained_on = _TOLD[name].get("train_reader")
    if trained_on is None:
        return sample.dev(WHOLE[name], max(length for _, length in SAMPLES.values()))
    read = _reader(trained_on)
    return sample.test(lambda folder: [item for item in read(folder) if by_hash(item)], n)


DEV_SETS = {
    name: _reader(told["dev_reader"]) for name, told in _TOLD.items() if "dev_reader" in told
} | {name: _dev(of, n) for name, (of, n) in SAMPLES.items()}
"""lm-eval task -> its dev items, of the tasks that have any."""

_USUAL = {"world": (None, 0), "sealed": (None,)}


def items(data_set: str, folder: Path, split: str = "test") -> list[Item]:
    """The items of a split in the order in which they are served: sub-tasks take turns."""
    sets = DEV_SETS if split == "dev" else TEST_SETS | TRIPLES
    return docs.stratified(sets[data_set](folder))


def load(
    data_set: str,
    items_sha256: str,
    revision: str,
    data_dir: str | None = None,
    dev_sha256: str | None = None,
    **metadata: object,
) -> "dict[str, Dataset]":
    """What lm-eval's `custom_dataset` calls with the task's metadata: {"test": Dataset}.

    Under "test" are the dev items if the metadata ask for split "dev" and the task has any.
    """
    if data_set not in TEST_SETS | TRIPLES:
        raise docs.WrongItemsError(f"{data_set}: no YAML of that name has a reader")
    split = _split(data_set, metadata)
    pin = dev_sha256 if split == "dev" else items_sha256
    folder = data_folder(data_dir)
    rows = items(data_set, folder, split)
    docs.check_pin(data_set, rows, pin or "", f"Put the files of {revision} into {folder}.")
    return {"test": docs.dataset(rows)}


def _split(name: str, metadata: Mapping[str, object]) -> str:
    """Test or dev; published tasks have no other world and nothing sealed, and few have dev."""
    asked = {key: metadata.get(key) for key in ("world", "split", "sealed")}
    splits = (None, "test", *(["dev"] if name in DEV_SETS else []))
    if any(asked[key] not in _USUAL[key] for key in _USUAL) or asked["split"] not in splits:
        raise docs.WrongItemsError(
            f"{name}: only its published test items exist, asked for {asked};"
            " leave out --world, --split and --sealed"
        )
    return str(asked["split"] or "test")
