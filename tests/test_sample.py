"""Small samples of the published suites: clusters stay whole, and no sub-task is left out."""

from collections import Counter
from pathlib import Path

import pytest

from tasks import docs
from tasks.docs import Item
from tasks.in_domain import teacher
from tasks.published import DEV_SETS, SAMPLES, TEST_SETS
from tasks.raw import item, sha256
from tasks.sample import N_DEV, cluster, dev, sampled


def rows(**sizes: int) -> list[Item]:
    return [item(f"{task}/{i}", task, f"{i}?", "a") for task, n in sizes.items() for i in range(n)]


def of(task: str, found: list[Item]) -> list[str]:
    return [row["id"] for row in found if row["task"] == task]


def test_a_sample_is_the_first_by_hash_and_begins_every_longer_one() -> None:
    whole = rows(a=30)
    in_order = sorted((row["id"] for row in whole), key=sha256)
    for n in (1, 7, 30, 99):
        assert [row["id"] for row in sampled(whole, n)] == in_order[:n]
    mixed = rows(a=30, b=10, c=3)
    longest = sampled(mixed, 43)
    assert all(sampled(mixed, n) == longest[:n] for n in range(44))


def test_sub_tasks_keep_their_weight_and_none_is_left_out() -> None:
    whole = rows(a=60, b=30, c=1)
    assert Counter(row["task"] for row in sampled(whole, 19)) == {"a": 12, "b": 6, "c": 1}
    assert {row["task"] for row in sampled(whole, 3)} == {"a", "b", "c"}
    assert of("a", sampled(whole, 19)) == sorted(of("a", whole), key=sha256)[:12]


def test_items_of_a_cluster_stay_together_across_sub_tasks() -> None:
    whole = rows(shown=12, hidden=12)
    for i, row in enumerate(whole):
        row["cluster"] = f"passage/{i % 12 // 4}"
    found = sampled(whole, 9)
    assert len(found) == 16 and Counter(map(cluster, found)).most_common() == [
        *((name, 8) for name in dict.fromkeys(map(cluster, found)))
    ]


def test_dev_questions_are_in_no_sample() -> None:
    whole = rows(a=60, b=30)
    asked = dev(lambda _: whole, 40)(Path())
    assert len(asked) == N_DEV
    assert not {row["id"] for row in asked} & {row["id"] for row in sampled(whole, 40)}


# ---------------------------------------------------------------- on the published data


@pytest.fixture(scope="module")
def sets(data: Path) -> dict[str, list[Item]]:
    """The test items of all tasks that have dev items too."""
    return {name: TEST_SETS[name](data) for name in DEV_SETS}


NAMES = sorted(SAMPLES.values())


@pytest.mark.parametrize(("name", "n"), NAMES)
def test_a_sample_of_the_published_items_is_of_its_length_and_of_whole_clusters(
    name: str, n: int, data: Path, sets: dict[str, list[Item]]
) -> None:
    whole, found = TEST_SETS[name](data), sets[f"{name}_{n}"]
    assert n <= len(found) <= n + 12
    assert {row["task"] for row in found} == {row["task"] for row in whole}
    chosen = {cluster(row) for row in found}
    assert {row["id"] for row in found} == {r["id"] for r in whole if cluster(r) in chosen}


@pytest.mark.parametrize("name", sorted(DEV_SETS))
def test_no_dev_question_is_a_test_question_of_such_a_task(
    name: str, data: Path, sets: dict[str, list[Item]]
) -> None:
    held = {row["question"] for row in DEV_SETS[name](data)}
    assert held
    for other, asked in sets.items():
        assert not held & {row["question"] for row in asked}, other


def test_dev_of_the_trained_suites_is_what_the_reconstruction_holds_out(data: Path) -> None:
    held = {row["id"] for row in teacher.build("recon-v1", world=0, data_dir=data).dev}
    for name in ("skb_bbh_60", "skb_gsm8k_60"):
        assert {row["id"] for row in DEV_SETS[name](data)} <= held


@pytest.mark.parametrize("name", sorted(DEV_SETS))
def test_the_dev_items_of_a_task_are_served_pinned(name: str, data: Path) -> None:
    from bench.run.evaluate import task_manager

    manager = task_manager({"data_dir": str(data), "split": "dev"})
    (task,) = manager.load([name])["tasks"].values()
    served = list(task.test_docs())
    expected = docs.stratified(DEV_SETS[name](data))
    assert [row["id"] for row in served] == [row["id"] for row in expected]
    pinned = task.config.metadata
    assert (pinned["n_dev"], pinned["dev_sha256"]) == (len(served), docs.items_sha256(expected))
