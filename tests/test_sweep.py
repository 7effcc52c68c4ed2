"""Sweeps: every file can be run as it stands, and each of its cells can be run again alone."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import registry, track
from bench.__main__ import _parser, main
from bench.cli.run import asked_for
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.run import fit, measure, planning, sweep
from bench.run.cell import Cell
from bench.run.sweep import Sweep, Variation
from bench.students.student import checkpoint_path
from bench.track import ConfigError
from leaderboard.store.ranges import labels_in
from leaderboard.store.record import Scope
from tests.tracks import scratch, toy_track

POCKET = track.load("pocket")
TRIPLES = track.load("pocket-commonsense")
OWN = {"critics": TRIPLES, "noise_and_size": TRIPLES}
"""The track that a sweep is of, where that is not pocket."""
SWEEPS = [sweep.load(name) for name in sweep.names()]
every_sweep = pytest.mark.parametrize("chosen", SWEEPS, ids=lambda s: s.name)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Corpus]:
    """Corpora of a sweep, each built once for all tests."""
    folder, real = tmp_path_factory.mktemp("built"), corpora.obtain

    @cache
    def found(name: str, world: int) -> Corpus:
        return real(name, folder, world=world, data_dir=None)

    return lambda name, _home, *, world, data_dir: found(name, world)


@pytest.fixture(autouse=True)
def found_again(built: Callable[..., Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "obtain", built)


def planned(*arguments: str) -> list[Cell]:
    """The cells of a command line, as `run` would do them."""
    args = _parser().parse_args(["run", *arguments])
    return asked_for(args, track.load(args.track))


# ------------------------------------------------------------ the files


@every_sweep
def test_every_method_of_a_sweep_is_written_as_its_label_and_its_corpus_serves_it(
    chosen: Sweep, built: Callable[..., Corpus]
) -> None:
    """A control is found by its label, so a spec that is spelled otherwise would be lost."""
    variations = sweep.variations(chosen, OWN.get(chosen.name, POCKET), None)
    assert variations
    for variation in variations:
        assert len(set(variation.methods)) == len(variation.methods) > 0
        for spec in variation.methods:
            method = registry.configure_named(spec)
            assert method.label == spec
            corpus = built(variation.track.corpus, None, world=0, data_dir=None)
            assert corpora.check_needs(corpus, method.needs) is None
            assert planning._unmet(variation.track, method, corpus) is None


@every_sweep
def test_a_sweep_has_either_methods_or_points_with_names_that_are_their_own(chosen: Sweep) -> None:
    assert bool(chosen.methods) != bool(chosen.points)
    names = [point.name for point in chosen.points]
    assert len(set(names)) == len(names)
    # A name is cut at commas on the command line and at the last full stop of a track's name.
    assert not any(set(name) & set(",. []") for name in names)
    places = [(point.axis, point.value) for point in chosen.points]
    assert len(set(places)) == len(places)


@every_sweep
def test_what_a_point_changes_is_there_to_be_used(chosen: Sweep) -> None:
    for variation in sweep.variations(chosen, OWN.get(chosen.name, POCKET), None):
        training = variation.track.training
        if training.match is not None:
            assert registry.configure_named(training.match).label == training.match
        own = variation.track.student
        assert own.scratch or Path(checkpoint_path(own), "config.json").is_file()
        assert variation.track.corpus in corpora.builders()


def test_each_regime_spends_the_tokens_and_the_restarts_of_its_treatment_in_its_control() -> None:
    for point in sweep.load("regimes").points:
        treatment, control = map(registry.configure_named, point.methods)
        assert point.training["match"] == point.methods[0]
        assert treatment.restart_points == control.restart_points
        assert control.label.startswith("std_cot") and not control.needs.train_knowledge


def test_the_full_sweep_holds_every_built_in_method_that_pocket_can_serve() -> None:
    found = {registry.configure_named(spec).name() for spec in sweep.load("full").methods}
    known = registry.discover().items()
    served = {name for name, m in known if not m.needs.phrase and m.needs.critic == "none"}
    assert found == served
    assert set(sweep.load("full").methods) >= set(POCKET.methods)


# ------------------------------------------------------------ a point


def variation_of(name: str, point: str) -> Variation:
    (found,) = sweep.variations(sweep.load(name), POCKET, [point])
    return found


def test_a_point_is_a_track_of_its_own_name_with_one_thing_changed() -> None:
    early = variation_of("regimes", "early")
    assert early.track.name == "pocket.regimes.early"
    assert early.track.student.path == "tasks/pocket/early" and early.track.corpus == "pocket-100"
    assert early.track.reference == "std_cot[restarts=3]" == early.track.methods[-1]
    base = variation_of("regimes", "base")
    same = {"name": "", "student": POCKET.student}
    assert replace(early.track, **same) == replace(base.track, **same)
    assert base.track.training == replace(
        POCKET.training, epochs=24, match="skintern[examples=0]"
    ), "what a point does not name stays as the track has it"
    assert (base.track.tasks, base.track.decoding) == (POCKET.tasks, POCKET.decoding)
    assert early.point == {
        "sweep": "regimes",
        "axis": "student",
        "value": "reads half as well",
        "treatment": "skintern[examples=0]",
        "control": "std_cot[restarts=3]",
        "order": 5,
    }


def test_a_point_is_of_the_version_of_its_track(monkeypatch: pytest.MonkeyPatch) -> None:
    third = replace(POCKET, version=3)
    monkeypatch.setattr(track, "load", lambda _: third)
    (cell, *_) = planned("pocket", "--sweep", "regimes", "--points", "base")
    assert cell.track.version == 3
    assert cell.record_path.parts[-5:-2] == ("records", "v3", "pocket.regimes.base")


def test_a_sweep_of_methods_leaves_the_track_as_it_is() -> None:
    (only,) = sweep.variations(sweep.load("full"), POCKET, None)
    assert only.track == POCKET and only.point is None
    cells = planned("pocket", "--sweep", "skintern_ablations", "--methods", "skintern[steps=7]")
    assert [(c.track.name, c.point, c.seed) for c in cells] == [("pocket", None, 0)]


def test_the_points_asked_for_are_run_in_that_order() -> None:
    cells = planned("pocket", "--sweep", "regimes", "--points", "steps-7,base", "--seeds", "1")
    assert [(c.track.name, c.method.label) for c in cells] == [
        ("pocket.regimes.steps-7", "skintern[steps=7,examples=0]"),
        ("pocket.regimes.steps-7", "std_cot[restarts=6]"),
        ("pocket.regimes.base", "skintern[examples=0]"),
        ("pocket.regimes.base", "std_cot[restarts=3]"),
    ]


def test_each_seed_of_a_sweep_with_worlds_of_its_own_is_run_in_its_world() -> None:
    cells = planned("pocket", "--sweep", "regimes", "--points", "base,terse")
    assert [(c.seed, c.scope.world) for c in cells[:4]] == [(0, 0), (0, 0), (1, 1), (1, 1)]
    assert {(c.seed, c.scope.world) for c in cells} == {(0, 0), (1, 1), (2, 2)}
    assert len(cells) == 12
    for cell in cells:
        assert all(f"/w{cell.seed}/" in row["id"] for row in cell.corpus.rows)
    others = planned("pocket", "--sweep", "learning_rates", "--points", "lr-6e-3", "--seeds", "0,1")
    assert {(c.seed, c.scope.world) for c in others} == {(0, 0), (1, 0)}


def test_a_row_that_draws_nothing_is_run_in_each_world() -> None:
    own, seeds = Sweep("own", "a reader of nothing", ["null_model"], own_worlds=True), [0, 1, 2]
    cells = planning.plan_sweep(own, POCKET, None, None, seeds, Scope(), data=None, origin=())
    assert [(cell.seed, cell.scope.world) for cell in cells] == [(0, 0), (0, 1), (0, 2)]


def test_the_record_of_a_point_says_what_it_is() -> None:
    point, plain = (
        planned("pocket", *rest)[0]
        for rest in (("--sweep", "regimes", "--points", "wrong"), ("--methods", "std_cot"))
    )
    shown = measure._snapshot(point)
    assert shown["point"] == variation_of("regimes", "wrong").point
    assert shown["restarts"] == 3 and shown["track"]["corpus"] == "pocket-100-wrong"
    assert "point" not in measure._snapshot(plain)


# ------------------------------------------------------------ slips


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--sweep", "regime"], "'regime'.*'regimes'"),
        (["--sweep", "../tracks/pocket"], "'../tracks/pocket'"),
        (["--sweep", "regimes", "--points", "n-41"], "--points n-41: .*'n-40'"),
        (["--sweep", "regimes", "--points", "base,zzz"], "--points zzz: .*base, early, "),
        (["--sweep", "full", "--points", "base"], "--points base: .*'full'"),
        (["--points", "base"], "--points .*--sweep"),
        (["--sweep", "full", "--methods", "skinter"], "'skinter'"),
        (["--sweep", "regimes", "--methods", "kard"], "--methods kard: .*'regimes'"),
        (["--sweep", "full", "--set", "skintern.steps=3"], "--set and --method-file"),
        (["--sweep", "full", "--method-file", "x.py"], "--set and --method-file"),
        (["--sweep", "full", "--seeds", "one"], "--seeds one:"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_is_told_in_one_line(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "pocket", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("skbench: ") and re.search(hint, captured.err)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('about = "x"\nmethod = []', "'method'.*'methods'"),
        ('about = "x"\n[[points]]\nname = "a"', "'points.0.axis'"),
    ],
)
def test_a_slip_in_a_file_is_named(
    text: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text(text)
    monkeypatch.setattr(sweep, "SWEEPS", tmp_path)
    with pytest.raises(ConfigError, match=rf"mine\.toml: .*{fault}"):
        sweep.load("mine")


def test_a_point_that_sets_what_no_budget_has_is_refused() -> None:
    point = replace(sweep.load("regimes").points[0], training={"epoch": 3})
    with pytest.raises(ConfigError, match=r"point base: .*'epoch'.*'epochs'"):
        sweep.variations(Sweep("s", "", points=[point]), POCKET, None)


# ------------------------------------------------------------ the command in a record


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sweep", "regimes", "--points", "steps-7,favour,early", "--seeds", "2"),
        ("--sweep", "learning_rates", "--points", "lr-1_2e-2", "--split", "dev", "--limit", "5"),
        ("--sweep", "learning_rates", "--points", "lr-6e-3", "--world", "2", "--sealed", "7"),
        ("--sweep", "skintern_ablations", "--seeds", "1"),
        ("--methods", "zero_shot,skintern[steps=3,continuous=true]", "--world", "1"),
    ],
    ids=" ".join,
)
def test_the_command_in_a_record_makes_the_same_cell_again(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cell, "git_state", ("commit", False))
    student: Any = SimpleNamespace(revision=None)
    cells = planned("pocket", *arguments)
    assert len(cells) > 1
    for cell in cells[:8]:
        told = measure.provenance_of(cell, student, "run")
        program, verb, *words = shlex.split(told["command"])
        assert (program, verb) == ("skbench", "run")
        (again,) = planned(*words)
        assert again.key == told["key"]
        assert again.record_path == cell.record_path and again.point == cell.point


# ------------------------------------------------------------ a whole run

TRACK = toy_track(["skintern"], student=scratch(1024), corpus="pocket-40", reference="skintern")


def test_a_sweep_is_one_command_and_the_same_again_finds_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TRACK)
    rows = "skintern[steps=2],skintern[examples=0]"
    command = ["run", str(path), "--sweep", "skintern_ablations", "--methods", rows]
    command += ["--limit", "1", "--json"]
    assert main(command) == 0
    captured = capsys.readouterr()
    first = json.loads(captured.out)
    assert sorted(row["method"] for row in first) == sorted(labels_in(rows))
    assert "[1/2] skintern[examples=0] seed 0: running" in captured.err
    monkeypatch.setattr(fit, "train", lambda *_, **__: pytest.fail("trained again"))
    assert main(command) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == first
    assert "[2/2] skintern[steps=2] seed 0: found" in captured.err
