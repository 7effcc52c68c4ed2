"""The published suites as lm-eval serves them: which there are, and the one loader of all.

Each is read from a folder of raw files by a module of its own in in_domain/ or out_of_domain/,
which opens with one real question; SOURCES.tsv says which files of which repositories.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import docs, sample
from tasks.docs import Item
from tasks.in_domain.bbh import bbh
from tasks.in_domain.csqa import split_csqa
from tasks.in_domain.gsm8k import gsm8k
from tasks.in_domain.sources import GSM8K
from tasks.knowledge_graphs.atomic import atomic
from tasks.knowledge_graphs.conceptnet import conceptnet, conceptnet_labels
from tasks.out_of_domain.agieval import agieval
from tasks.out_of_domain.arc import arc_challenge, arc_easy
from tasks.out_of_domain.bb_sub import bb_sub, bb_sub_no_strategyqa
from tasks.out_of_domain.gsm_plus import gsm_plus, gsm_plus_none
from tasks.raw import by_hash, data_folder

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]


def bbh_test(folder: Path) -> list[Item]:
    """The part of BBH that is asked."""
    return bbh(folder).test


def bbh_train(folder: Path) -> list[Item]:
    """The part of BBH that is trained on."""
    return bbh(folder).train


def gsm8k_train(folder: Path) -> list[Item]:
    """The part of GSM8K that is trained on."""
    return [written.item for written in GSM8K.read(folder)]


def csqa_test(folder: Path) -> list[Item]:
    """The questions of CommonsenseQA that are asked."""
    return split_csqa(folder).test


def csqa_dev(folder: Path) -> list[Item]:
    """The questions of CommonsenseQA for choices that must not see the test."""
    return split_csqa(folder).dev


WHOLE: dict[str, sample.Reader] = {
    "skb_agieval": agieval,
    "skb_arc_challenge": arc_challenge,
    "skb_arc_easy": arc_easy,
    "skb_bb_sub": bb_sub,
    "skb_bb_sub_no_strategyqa": bb_sub_no_strategyqa,
    "skb_bbh": bbh_test,
    "skb_conceptnet_labels": conceptnet_labels,
    "skb_csqa": csqa_test,
    "skb_gsm8k": gsm8k,
    "skb_gsm_plus": gsm_plus,
    "skb_gsm_plus_none": gsm_plus_none,
}
"""lm-eval task -> its test items, of those that are no sample of another."""
_SMALL = ("skb_agieval", "skb_arc_challenge", "skb_arc_easy", "skb_bb_sub")
SAMPLED = {150: _SMALL, 60: (*_SMALL, "skb_bbh", "skb_gsm8k", "skb_gsm_plus")}
"""Length of a sample, about -> the sets that there is one of, called SET_LENGTH."""
_SAMPLES = {f"{name}_{n}": (name, n) for n, names in SAMPLED.items() for name in names}

TEST_SETS = WHOLE | {
    sampled: sample.test(WHOLE[name], n) for sampled, (name, n) in _SAMPLES.items()
}
"""lm-eval task -> its test items, read from a data folder."""
TRIPLES: dict[str, sample.Reader] = {"skb_atomic": atomic, "skb_conceptnet": conceptnet}
"""lm-eval task -> its test items, where a tail is asked for and not an answer."""


def _dev(name: str, n: int) -> sample.Reader:
    """What `recon-v1` holds out of a set's source, else a few of the set that no sample has."""
    trained_on = {"skb_bbh": bbh_train, "skb_gsm8k": gsm8k_train}.get(name)
    if trained_on is None:
        return sample.dev(WHOLE[name], max(SAMPLED))
    return sample.test(lambda folder: [i for i in trained_on(folder) if by_hash(i)], n)


DEV_SETS = {"skb_csqa": csqa_dev} | {
    sampled: _dev(name, n) for sampled, (name, n) in _SAMPLES.items()
}
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
        raise docs.WrongItemsError(f"{data_set}: tasks/published.py has no reader of that name")
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
