"""The published suites as lm-eval serves them: which there are, and the one loader of all.

Each is read from a folder of raw files by a module of its own in in_domain/ or out_of_domain/,
which opens with one real question; SOURCES.tsv says which files of which repositories.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import docs
from tasks.docs import Item
from tasks.in_domain.bbh import bbh
from tasks.in_domain.gsm8k import gsm8k
from tasks.out_of_domain.agieval import agieval
from tasks.out_of_domain.arc import arc_challenge, arc_easy
from tasks.out_of_domain.bb_sub import bb_sub, bb_sub_no_strategyqa
from tasks.out_of_domain.gsm_plus import gsm_plus, gsm_plus_none
from tasks.raw import data_folder

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]


def bbh_test(folder: Path) -> list[Item]:
    """The part of BBH that is asked."""
    return bbh(folder).test


TEST_SETS: dict[str, Callable[[Path], list[Item]]] = {
    "skb_agieval": agieval,
    "skb_arc_challenge": arc_challenge,
    "skb_arc_easy": arc_easy,
    "skb_bb_sub": bb_sub,
    "skb_bb_sub_no_strategyqa": bb_sub_no_strategyqa,
    "skb_bbh": bbh_test,
    "skb_gsm8k": gsm8k,
    "skb_gsm_plus": gsm_plus,
    "skb_gsm_plus_none": gsm_plus_none,
}
"""lm-eval task -> its test items, read from a data folder."""

_USUAL = {"world": (None, 0), "split": (None, "test"), "sealed": (None,)}


def items(data_set: str, folder: Path) -> list[Item]:
    """The test items in the order in which they are served: sub-tasks take turns."""
    return docs.stratified(TEST_SETS[data_set](folder))


def load(
    data_set: str,
    items_sha256: str,
    revision: str,
    data_dir: str | None = None,
    **metadata: object,
) -> "dict[str, Dataset]":
    """What lm-eval's `custom_dataset` calls with the task's metadata: {"test": Dataset}."""
    _refuse_other_items(data_set, metadata)
    folder = data_folder(data_dir)
    rows = items(data_set, folder)
    docs.check_pin(data_set, rows, items_sha256, f"Put the files of {revision} into {folder}.")
    return {"test": docs.dataset(rows)}


def _refuse_other_items(name: str, metadata: Mapping[str, object]) -> None:
    """Published tasks have one test split: no other world, no dev, nothing sealed."""
    asked = {key: metadata.get(key) for key in ("world", "split", "sealed")}
    if any(asked[key] not in usual for key, usual in _USUAL.items()):
        raise docs.WrongItemsError(
            f"{name}: only its published test items exist, asked for {asked};"
            " leave out --world, --split and --sealed"
        )
