"""A record run again: what is filed of it, and on which step of the ladder its row stands."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.rows.reruns import LEVELS, level, reruns_table, steps, steps_text
from leaderboard.show.rendering import render_all
from leaderboard.store.generations import Generations, place
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.store.reruns import Rerun, keep_texts, load_reruns, publish_rerun, rerun
from tests.leaderboard_records import record

RIGHT = {"id_a": [1, 0] * 100, "ood_a": [1, 0] * 100}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A record of 400 questions in a suite of its own."""
    path = tmp_path / "leaderboard" / "records" / "v1" / "toy" / "std_cot" / "seed0.json"
    record(outcomes=RIGHT).save(path)
    return path


def flipped(n: int) -> dict[str, Sequence[int]]:
    """RIGHT with `n` other outcomes in its first data set."""
    changed = [1 - each if i < n else each for i, each in enumerate(RIGHT["id_a"])]
    return {**RIGHT, "id_a": changed}


def found(path: Path, obtained: Record, *, is_inside: bool = True) -> Rerun:
    return rerun(path, Record.load(path), obtained, is_inside=is_inside)


def test_what_comes_out_equal_stands_highest(path: Path) -> None:
    assert LEVELS[level(found(path, record(outcomes=RIGHT)))] == "equal"


def test_one_other_length_or_loss_is_no_longer_equal(path: Path) -> None:
    expected = record(outcomes=RIGHT)
    data_set = expected.data_sets["id_a"]
    longer = replace(data_set, generated_tokens=[6, *data_set.generated_tokens[1:]])
    other = replace(expected, data_sets={**expected.data_sets, "id_a": longer})
    assert found(path, other).other_lengths == 1
    loss = replace(expected, training=replace(expected.training, final_loss=0.5000001))
    assert [level(found(path, each)) for each in (other, loss)] == [2, 3]


@pytest.mark.parametrize(("flips", "step"), [(1, 2), (4, 2), (5, 1), (50, 1)])
def test_the_share_of_flips_decides_the_step(path: Path, flips: int, step: int) -> None:
    again = found(path, record(outcomes=flipped(flips)))
    assert (again.flips, again.n, level(again)) == (flips, 400, step)


def test_what_leaves_its_interval_was_not_reproduced(path: Path) -> None:
    away = found(path, record(outcomes=flipped(100)), is_inside=False)
    assert LEVELS[level(away)] == "not reproduced"
    few = found(path, record(outcomes=flipped(4)), is_inside=False)
    assert LEVELS[level(few)] == "not reproduced", "few flips, and all in one data set"


def test_other_questions_are_no_rerun(path: Path) -> None:
    other = record(outcomes=RIGHT)
    items = replace(other.data_sets["id_a"], items_sha256="of others")
    with pytest.raises(RecordError, match="id_a was asked other questions"):
        found(path, replace(other, data_sets={**other.data_sets, "id_a": items}))


def test_reruns_are_filed_one_beside_the_other_and_shown_by_machine(path: Path) -> None:
    cpu = {"dirty": False, "device": "CPU X"}
    here = record(outcomes=RIGHT, provenance=cpu)
    path.unlink()
    here.save(path)
    there = record(outcomes=flipped(2), provenance={**cpu, "device": "CPU Y"})
    again = replace(there, provenance=there.provenance | {"date": "2026-11-30"})
    stored = [publish_rerun(found(path, each), path) for each in (here, there, again)]
    assert publish_rerun(found(path, again), path) == stored[-1], "filed once"
    assert [each.name for each in stored] == [f"seed0-{n}.json" for n in (1, 2, 3)]
    table = reruns_table(load_reruns(stored[0].parents[2], "toy"))
    same, another = (re.split(r" *\| *", line)[1:-1] for line in table.splitlines()[2:])
    assert same[1:5] == ["same", "same", "1", "0.00"] and same[-1] == "equal"
    assert another[1:5] == ["another", "same", "2", "0.50"]
    render_all(path.parents[3])
    page = (path.parents[4] / "LEADERBOARD.md").read_text()
    assert "### toy: run again" in page and " another |" in page


def test_the_reruns_of_a_row_in_words_say_its_step_and_its_flip_rate(path: Path) -> None:
    reruns = [found(path, record(outcomes=each)) for each in (RIGHT, flipped(2))]
    told = "at most 1 % flipped, 0.25 % flipped (2 reruns, same machine, same software)"
    assert steps_text(steps(reruns)) == f"run again: {told}"
    assert steps_text(steps([])) == "not run again"


def test_an_uncommitted_tree_files_nothing(path: Path) -> None:
    dirty = record(outcomes=RIGHT, provenance={"dirty": True})
    with pytest.raises(RecordError, match="from an uncommitted working tree"):
        publish_rerun(found(path, dirty), path)
    assert not (path.parents[4] / "reruns").exists()


def texts_of(each: Record) -> Generations:
    return Generations.of(each, [(n, item) for n, s in each.data_sets.items() for item in s.items])


def test_the_texts_of_a_rerun_with_the_same_answers_are_those_of_the_record(path: Path) -> None:
    expected = Record.load(path)
    texts = texts_of(expected)
    assert keep_texts(path, expected, expected, texts) == place(path)
    assert Generations.load(place(path)) == texts
    assert keep_texts(path, expected, expected, texts) is None, "what is kept is not replaced"


@pytest.mark.parametrize("column", ["strict", "author", "flexible", "failed", "generated_tokens"])
def test_texts_of_other_answers_are_not_kept(path: Path, column: str) -> None:
    expected = Record.load(path)
    data_set = expected.data_sets["id_a"]
    first, *rest = getattr(data_set, column)
    other = replace(data_set, **{column: [1 - first if first < 2 else first + 1, *rest]})
    obtained = replace(expected, data_sets={**expected.data_sets, "id_a": other})
    assert keep_texts(path, expected, obtained, texts_of(obtained)) is None
    assert not place(path).exists()
