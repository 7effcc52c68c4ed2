"""What a board holds beside its records is what it was before, or has only been added to."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.store.files import file_sha256
from leaderboard.store.maps import Point, Side, Sweep, World, publish_map
from leaderboard.store.record import Record
from leaderboard.store.reruns import publish_rerun, rerun
from leaderboard.store.studies import Run, Study, publish_study
from leaderboard.store.trials import SCHEMA, Trial, Trials
from leaderboard.verify.base import read_base
from leaderboard.verify.checks import verify
from leaderboard.verify.tree import read_tree
from tests.board_verb import run as skbench
from tests.leaderboard_records import probe
from tests.tampered import PUBLISHED, STUDENT, Board, made

TRIALS = "trials/v2/pocket-100.why.long/std_cot.json"
STUDY, QUESTION, MAP = "studies/v2/why.json", "studies/why.toml", "maps/v2/regimes.json"
PROBE, RERUN = "probes/v2/toy/skintern/seed0.json", "reruns/v2/pocket-100/std_cot/seed0-1.json"
CLEAN = {"dirty": False}
GROUPS = {n: each.group for n, each in Record.load(PUBLISHED / STUDENT).data_sets.items()}
INSIDE = {name: "sha" for name, group in GROUPS.items() if group == "id"}
ASKED = """
about = "Is it the method?"
rule = { pair = "A", margin = 6.0, below = "yes", within = "no", undecided = "not yet" }
pairs = [{ name = "A", asks = "which", a = "long/std_cot+tuned", b = "long/std_cot+tuned" }]
"""


def tried(*rates: float) -> Trials:
    trials = [
        Trial({"learning_rate": rate}, {name: [rate] for name in INSIDE}, INSIDE, CLEAN)
        for rate in rates
    ]
    return Trials(SCHEMA, "pocket-100.why.long", 2, "std_cot", 0, trials)


def study(home: Path, *bits: str, rate: float = 0.3) -> Study:
    sha256 = file_sha256(home / TRIALS)
    runs = [
        Run("long/std_cot+tuned", seed, answers(each), {"learning_rate": rate}, sha256, CLEAN)
        for seed, each in enumerate(bits)
    ]
    return Study(1, "why", "pocket-100", 15, GROUPS, dict.fromkeys(GROUPS, "sha"), runs)


def answers(bits: str) -> dict[str, str]:
    """The same in each data set."""
    return dict.fromkeys(GROUPS, bits)


def sweep(*accuracies: float) -> Sweep:
    control = Side(0.5, None, 100, 0, True, "c0ffee", False, "2026-11-21", "run")
    worlds = [World(n, replace(control, id=id_), control) for n, id_ in enumerate(accuracies)]
    return Sweep(1, "regimes", [Point("items", "40", "skintern", "std_cot", 0, "toy", worlds)])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A board's folder with a fact of each kind; beside it, in `before`, what it was."""
    board = made(tmp_path / "ours")
    home = board.root.parent
    tried(0.1, 0.3).save(home / TRIALS)
    publish_study(study(home, "0110", "0111"), (home / STUDY).parent)
    (home / QUESTION).write_text(ASKED)
    publish_map(sweep(0.4, 0.5), (home / MAP).parent)
    probe(version=2).save(home / PROBE)
    path, record = board.root / STUDENT, Record.load(board.root / STUDENT)
    again = replace(record, provenance=record.provenance | CLEAN)
    publish_rerun(rerun(path, record, again, is_inside=True), path)
    shutil.copytree(home, tmp_path / "before" / "leaderboard")
    return home


def faults(home: Path, base: Path | str) -> list[tuple[str, str]]:
    root = home / "records"
    found = read_base(str(base), home.parent / "base", root)
    return [(name, str(fault)) for name, fault in verify(read_tree(root, None, found)).faults]


def before(home: Path) -> Path:
    return home.parents[1] / "before" / "leaderboard" / "records"


def test_facts_that_are_as_they_were_have_no_fault(home):
    assert faults(home, before(home)) == []


def test_facts_may_be_added_and_those_that_grow_may_grow(home):
    """A row of the study has run at what its trials chose, so those of another row grow."""
    other = "trials/v2/pocket-100.why.long/kard.json"
    for folder in (home, before(home).parent):
        replace(tried(0.1), label="kard").save(folder / other)
    replace(tried(0.1, 0.3), label="kard").save(home / other)
    publish_study(study(home, "0110", "0111", "1111"), (home / STUDY).parent)
    publish_map(sweep(0.4, 0.5, 0.6), (home / MAP).parent)
    probe(seed=1, version=2).save((home / PROBE).with_name("seed1.json"))
    assert faults(home, before(home)) == []


def _turned(file: str, old: str, new: str) -> Callable[[Path], None]:
    def turn(home: Path) -> None:
        text = (home / file).read_text()
        assert old in text
        (home / file).write_text(text.replace(old, new, 1))

    return turn


def _fewer_trials(home: Path) -> None:
    tried(0.3).save(home / TRIALS)


def _fewer_runs(home: Path) -> None:
    (home / STUDY).unlink()
    publish_study(study(home, "0110"), (home / STUDY).parent)


def _fewer_worlds(home: Path) -> None:
    (home / MAP).unlink()
    publish_map(sweep(0.4), (home / MAP).parent)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        (STUDY, _turned(STUDY, "0110", "1111")),
        (STUDY, _turned(STUDY, '"sealed": 15', '"sealed": 16')),
        (STUDY, _fewer_runs),
        (STUDY, _turned(STUDY, "{", "")),
        (QUESTION, _turned(QUESTION, "6.0", "1.0")),
        (MAP, _turned(MAP, "0.4", "0.9")),
        (MAP, _fewer_worlds),
        (PROBE, _turned(PROBE, "[1, 1, 0]", "[1, 1, 1]")),
        (RERUN, _turned(RERUN, '"other_lengths": 0', '"other_lengths": 1')),
        (TRIALS, _turned(TRIALS, "[0.3]", "[0.4]")),
        (TRIALS, _fewer_trials),
    ],
)
def test_what_was_told_before_and_is_told_otherwise_is_a_fault_beside_the_base(home, file, change):
    change(home)
    assert [text for name, text in faults(home, before(home)) if name == "base"] == [
        f"{file}: is another since {before(home)}; should be as it was, or with more trials, runs"
        " or worlds where it may grow"
    ]


@pytest.mark.parametrize("file", [STUDY, QUESTION, MAP, PROBE, RERUN, TRIALS])
def test_a_fact_that_is_lost_is_a_fault_beside_the_base(home, file):
    (home / file).unlink()
    assert ("base", f"{file}: is lost since {before(home)}; should be there, as it was") in faults(
        home, before(home)
    )


def test_a_rerun_goes_with_its_record(home):
    assert skbench("remove", STUDENT, "--reason", "x", "--records", home / "records") == 0
    assert not (home / RERUN).exists() and faults(home, before(home)) == []


def test_facts_of_a_ref_of_git_are_a_base_as_well(home):
    def git(*words: str) -> None:
        name = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", home.parent, *name, *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "honest")
    assert faults(home, "HEAD") == []
    _turned(PROBE, "[1, 1, 0]", "[1, 1, 1]")(home)
    shutil.rmtree(home.parent / "base")
    assert [file for _, file in faults(home, "HEAD") if file.startswith(f"{PROBE}: is another")]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda home: (home / TRIALS).unlink(), "no trials"),
        (_fewer_trials, "another file than chose its settings"),
        (_turned(STUDY, '"learning_rate": 0.3', '"learning_rate": 0.1'), "settings .*0.1.* 0.3"),
        (lambda home: (home / STUDY).write_text("{}"), "missing key"),
    ],
)
def test_a_run_of_a_study_ran_at_what_its_trials_chose(home, change, says):
    change(home)
    found = [text for name, text in verify_alone(home) if name == "studies"]
    assert found and all(text.startswith(STUDY) for text in found)
    assert re.search(says, found[0]), found


def test_a_row_of_a_study_at_the_track_s_settings_needs_no_trials(home):
    plain = Run("long/zero_shot", 0, answers("0000"), {}, None, CLEAN)
    publish_study(replace(study(home, "0110"), runs=[plain]), (home / STUDY).parent)
    assert verify_alone(home) == []


def verify_alone(home: Path) -> list[tuple[str, str]]:
    report = verify(read_tree(home / "records"))
    return [(name, str(fault)) for name, fault in report.faults]


def test_other_tracks_are_left_alone(home):
    (home / TRIALS).unlink()
    board = Board(home / "records")
    found = read_base(str(before(home)), home, board.root)
    assert verify(read_tree(board.root, "elsewhere", found)).faults == []
