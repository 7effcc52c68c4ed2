"""Trials on dev: the same for every row, kept, and what they choose is what runs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.questions.obtain import brought
from bench.reuse import export, reproduce
from bench.run import missing, planning, stages, sweep, tune
from bench.run.cell import Own
from bench.run.executors import local
from bench.track import ConfigError, load
from leaderboard.cli.publish import publish
from leaderboard.rows.rank import rows
from leaderboard.rows.settings import shown
from leaderboard.show import pages
from leaderboard.store import board
from leaderboard.store.files import file_sha256
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record, Scope
from leaderboard.store.trials import Trial, Trials
from tests.leaderboard_records import record, save
from tests.tracks import in_readme, toy_track

OWN = Own("tuned", "std_cot", {"learning_rate": 0.003})
RATES = [0.000333, 0.001, 0.003]


@pytest.fixture
def track(tmp_path: Path) -> str:
    path = tmp_path / "own.toml"
    path.write_text(toy_track(["std_cot", "mt_cot", "zero_shot"], ood=["pocket_unseen"]))
    return str(path)


@pytest.fixture
def tuned(track: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Tunes the track, as if the student were best at the highest rate; where the trials lie."""
    real = stages.judged

    def better(cell: Any, *rest: Any) -> tuple[Record, stages.Solutions]:
        made, solutions = real(cell, *rest)
        rate = cell.training.learning_rate
        n_right = RATES.index(rate) + 1 if rate in RATES else 0
        for each in made.data_sets.values():
            each.strict[:] = [int(i < n_right) for i in range(len(each.strict))]
        return made, solutions

    monkeypatch.setattr(stages, "judged", better)

    def tune_it(*words: str) -> Path:
        assert main(["tune", track, *words]) == 0
        return home / "trials" / "v1" / "own"

    return tune_it


def trial(rate: float, *outcomes: float, **others: float) -> Trial:
    settings = {"learning_rate": rate, **others}
    return Trial(settings, {"id_a": list(outcomes)}, {"id_a": "sha"}, {"dirty": False})


def trials(*each: Trial, label: str = "std_cot") -> Trials:
    return Trials(1, "toy", 1, label, 0, list(each))


def test_every_trained_row_has_the_same_rates_and_its_own_knob_at_the_best_of_them(
    tuned: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tuned("--json")
    told = {each["method"]: each for each in json.loads(capsys.readouterr().out)}
    assert list(told) == ["std_cot", "mt_cot"], "nothing is tuned that does not train"
    for name, knob in (("std_cot", []), ("mt_cot", [0.1, 0.5])):
        found = Trials.load(folder / f"{name}.json")
        expected = [{"learning_rate": rate} for rate in RATES]
        expected += [{"learning_rate": 0.003, "answer_weight": weight} for weight in knob]
        assert [dict(each.settings) for each in found.trials] == expected
        assert told[name]["chosen"] == {"learning_rate": 0.003} and told[name]["at_edge"]
        assert {*found.trials[0].outcomes} == {"pocket_chain"}, "out of domain nothing is asked"
        assert (
            found.trials[0].provenance["command"].endswith(f"own.toml --rates 1/3 --methods {name}")
        )


def test_a_track_s_own_questions_are_what_it_is_tuned_on(home: Path, tmp_path: Path) -> None:
    rows = [{"question": f"what is {i} plus {i}?", "target": str(i + i)} for i in range(4)]
    for name, part in (("arc_easy", rows[:2]), ("arc_easy.dev", rows[2:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in part))
    path = tmp_path / "own.toml"
    path.write_text(toy_track(id="arc_easy.jsonl", ood=["pocket_unseen"]))
    pin = brought(load(str(path)))["arc_easy"].sha256
    path.write_text(f'{path.read_text()}\n[tasks.items_sha256]\narc_easy = "{pin}"\n')
    assert main(["tune", str(path), "--rates", "1"]) == 0
    (found,) = Trials.load(home / "trials/v1/own/std_cot.json").trials
    assert {name: len(of) for name, of in found.outcomes.items()} == {"arc_easy": 2}


def test_tuning_again_does_nothing_and_another_rate_is_added(
    tuned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tuned("--methods", "std_cot")
    before = (folder / "std_cot.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(stages, "_make_record", lambda *_, **__: pytest.fail("made again"))
        patched.setattr(local, "share", lambda *_: pytest.fail("shared"))
        tuned("--methods", "std_cot", "--jobs", "2")
    assert (folder / "std_cot.json").read_bytes() == before
    tuned("--methods", "std_cot", "--rates", "1,9")
    found = Trials.load(folder / "std_cot.json")
    assert [each.settings["learning_rate"] for each in found.trials] == [*RATES, 0.009]
    assert found.chosen == {"learning_rate": 0.003} and not found.at_edge


def test_trials_of_settings_that_are_others_now_are_made_again_but_the_published(
    tuned: Callable[..., Path],
    track: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tuned("--methods", "std_cot", "--rates", "1,3")
    before = Trials.load(folder / "std_cot.json")
    text = Path(track).read_text()
    assert "epochs = 1\n" in text
    Path(track).write_text(text.replace("epochs = 1\n", "epochs = 2\n"))
    tuned("--methods", "std_cot", "--rates", "1")
    assert "std_cot: 2 trials are made again" in capsys.readouterr().err
    (after,) = Trials.load(folder / "std_cot.json").trials
    assert after.provenance["key"] not in {each.provenance["key"] for each in before.trials}
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "board" / "records")
    before.save(tmp_path / "board" / "trials" / "v1" / "own" / "std_cot.json")
    before.save(folder / "std_cot.json")
    tuned("--methods", "std_cot", "--rates", "1,3")
    assert Trials.load(folder / "std_cot.json") == before


def test_trials_on_another_corpus_choose_nothing(
    tuned: Callable[..., Path], track: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tuned("--methods", "std_cot", "--rates", "1")
    text = (folder / "std_cot.json").read_text()
    sha256 = Trials.load(folder / "std_cot.json").trials[0].provenance["corpus_sha256"]
    (folder / "std_cot.json").write_text(text.replace(sha256, "0" * 64))
    assert main(["run", track, "--methods", "std_cot", "--tuned"]) == 2
    assert "trials on another corpus" in capsys.readouterr().err


def test_trials_of_settings_that_are_others_now_choose_nothing(
    tuned: Callable[..., Path], track: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned("--methods", "std_cot", "--rates", "1,3")
    words = ["run", track, "--methods", "std_cot", "--seeds", "1", "--tuned", "--limit", "2"]
    assert main(words) == 0, "another seed, and fewer items, are tuned by the same trials"
    text = Path(track).read_text()
    Path(track).write_text(text.replace("epochs = 1\n", "epochs = 2\n"))
    capsys.readouterr()
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "2 of its 2 trials are of code or settings that are others now; again: `skbench" in told


def test_where_nothing_is_trained_there_is_nothing_to_tune(
    track: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune", track, "--methods", "zero_shot"]) == 2
    assert "none of the methods trains" in capsys.readouterr().err


def test_what_was_tried_before_a_kill_is_kept(
    track: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = stages._make_record, list[str]()

    def deadly(cell: Any, *, wait: bool) -> Record:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(cell.label)
        return real(cell, wait=wait)

    monkeypatch.setattr(stages, "_make_record", deadly)
    assert main(["tune", track, "--methods", "std_cot", "--rates", "3,1,1/3"]) == 130
    found = Trials.load(home / "trials" / "v1" / "own" / "std_cot.json")
    assert [each.settings["learning_rate"] for each in found.trials] == RATES[1:]


def test_two_processes_make_every_trial_once(track: str, home: Path) -> None:
    assert main(["tune", track, "--methods", "mt_cot", "--jobs", "2"]) == 0
    found = Trials.load(home / "trials" / "v1" / "own" / "mt_cot.json")
    assert len(found.trials) == 5


def test_a_tuned_row_runs_at_what_was_chosen_and_is_told_apart(
    tuned: Callable[..., Path], track: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tuned()
    assert main(["run", track]) == 0
    assert main(["run", track, "--tuned", "--methods", "mt_cot,std_cot,zero_shot"]) == 0
    capsys.readouterr()
    (path,) = (home / "records" / "v1" / "own" / "mt_cot+tuned").glob("*.json")
    found = Record.load(path)
    own = found.snapshot["own"]
    assert own["settings"] == {"learning_rate": 0.003}
    assert own["trials_sha256"] == file_sha256(folder / "mt_cot.json")
    assert found.snapshot["track"]["training"]["learning_rate"] == 1e-3, "the track stays"
    assert found.provenance["command"].endswith("own.toml --methods mt_cot --seeds 0 --tuned")
    rates = [json.loads(line)["lr"] for line in log_of(home, found).splitlines()]
    assert max(rates) == pytest.approx(0.003)

    def table(*words: str) -> dict[str, Any]:
        assert main(["board", "show", track, "--json", *words]) == 0
        return {row["method"]: row for row in json.loads(capsys.readouterr().out)}

    assert set(table()) == {"mt_cot+tuned", "std_cot+tuned", "zero_shot"}
    assert set(table("--untuned")) == {"mt_cot", "std_cot", "zero_shot"}
    assert table()["std_cot+tuned"]["relative_flops"] == 1
    assert [table()[name]["tuning_trials"] for name in ("std_cot+tuned", "mt_cot+tuned")] == [3, 3]
    assert table()["mt_cot+tuned"]["unequal"] == table("--untuned")["mt_cot"]["unequal"]
    kept = Trials.load(folder / "mt_cot.json")
    Trials(1, "own", 1, "mt_cot", 0, kept.trials[1:]).save(folder / "mt_cot.json")
    assert table()["mt_cot+tuned"]["unequal"][-1] == "tuning trials 0, the reference 3"


def test_other_trials_that_choose_the_same_make_another_record_of_the_same_weights(
    tuned: Callable[..., Path], track: str, home: Path
) -> None:
    folder, told = tuned("--methods", "std_cot"), list[Any]()
    for _ in range(2):
        assert main(["run", track, "--tuned", "--methods", "std_cot"]) == 0
        (path,) = (home / "records").glob("*/own/std_cot+tuned/*.json")
        found = Record.load(path)
        told.append((found.snapshot["own"]["trials_sha256"], found.provenance["train_key"]))
        tuned("--methods", "std_cot", "--rates", "1/9")
    assert told[0][0] != told[1][0] == file_sha256(folder / "std_cot.json")
    assert told[0][1] == told[1][1]


def log_of(home: Path, found: Record) -> str:
    (folder,) = (home / "runs").glob(f"*/*/*{found.provenance['train_key'][:12]}")
    return (folder / "train.jsonl").read_text()


def test_a_row_without_trials_is_told_how_to_make_them(
    track: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", track, "--tuned"]) == 2
    assert f"`skbench tune {track} --methods 'std_cot'`" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "0", "-1", "1/0", "a", "1,,3"])
def test_rates_that_are_none_are_refused(
    track: str, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    with pytest.raises(SystemExit):
        main(["tune", track, f"--rates={text}"])
    assert "expected numbers above 0" in capsys.readouterr().err


def test_the_best_on_dev_is_chosen_and_ties_go_to_the_lower_rate() -> None:
    low, high = trial(1e-4, 1, 0), trial(1e-3, 1, 1)
    assert trials(low, high).chosen == {"learning_rate": 1e-3}
    assert trials(high, trial(1e-4, 1, 1)).chosen == {"learning_rate": 1e-4}
    first, later = trial(1e-3, 1, 0), trial(1e-3, 1, 0, answer_weight=0.1)
    assert trials(first, later).chosen == {"learning_rate": 1e-3}
    two = Trial({"learning_rate": 1.0}, {"a": [1, 1, 1, 1], "b": [0]}, {"a": "", "b": ""}, {})
    assert two.accuracy == 0.5, "data sets count alike"


def test_a_knob_that_the_label_names_is_not_turned(tuned: Callable[..., Path]) -> None:
    folder = tuned("--methods", "mt_cot[answer_weight=0.5]", "--rates", "1,3")
    found = Trials.load(folder / "mt_cot[answer_weight=0.5].json")
    assert [dict(each.settings) for each in found.trials] == [
        {"learning_rate": rate} for rate in RATES[1:]
    ]
    turned = trials(trial(1e-3, 0), trial(1e-3, 1, beta=0.1), label="kd[sampled=1.0,beta=1.0]")
    assert turned.chosen == {"learning_rate": 1e-3}
    assert replace(turned, label="kd[sampled=1.0]").chosen == {"learning_rate": 1e-3, "beta": 0.1}


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (trials(trial(1e-3, 1), trial(1e-3, 0)), "two trials of one setting"),
        (trials(trial(1e-3, 1), replace(trial(1, 1), settings={})), "name the learning_rate"),
        (trials(trial(1e-3, 1), replace(trial(1, 1), items_sha256={"id_a": ""})), "other quest"),
        (trials(trial(1e-3, 2)), "less than or equal to 1"),
        (trials(trial(1e-3, 1, beta=0.1), label="kd[beta=1.0]"), "what the label names"),
        (trials(), "must not be empty"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_set_of_trials_is_refused(
    tmp_path: Path, found: Trials, fault: str
) -> None:
    path = tmp_path / "std_cot.json"
    found.save(path)
    with pytest.raises(RecordError, match=fault):
        Trials.load(path)


def test_a_figure_that_a_record_tells_of_its_trials_counts_for_nothing(tmp_path: Path) -> None:
    own = {"name": "tuned", "of": "std_cot", "settings": {}, "trials_sha256": "none"}
    told = record("std_cot+tuned", snapshot={"own": own})
    (found,) = shown([told], [tmp_path])
    assert found.training.tuning_trials == 0 and found.reference == "std_cot+tuned"
    assert rows([found])[0].relative_flops == 1


def test_published_trials_are_added_to_and_never_lost(tmp_path: Path) -> None:
    src, dest = tmp_path / "home" / "records" / "v1", tmp_path / "board" / "records" / "v1"
    local = tmp_path / "home" / "trials" / "v1" / "toy" / "std_cot.json"
    public = tmp_path / "board" / "trials" / "v1" / "toy" / "std_cot.json"
    for found in (trials(trial(1, 0)), trials(trial(1, 0), trial(3, 1))):
        found.save(local)
        assert publish(src, "toy", dest) == [public]
        assert public.read_bytes() == local.read_bytes()
    assert publish(src, "toy", dest) == []
    row = dest / "toy" / "std_cot+tuned" / "seed0.json"
    row.parent.mkdir(parents=True)
    record("std_cot+tuned").save(row)
    assert publish(src, "toy", dest) == [], "the same trials are no others"
    trials(trial(1, 0), trial(3, 1), trial(9, 1)).save(local)
    with pytest.raises(RecordError, match="chose the settings of a row that is published"):
        publish(src, "toy", dest)
    trials(trial(3, 1)).save(local)
    with pytest.raises(RecordError, match="no trial is lost"):
        publish(src, "toy", dest)


def test_trials_from_an_uncommitted_tree_are_not_published(tmp_path: Path) -> None:
    src, dest = tmp_path / "home" / "records" / "v1", tmp_path / "board" / "records" / "v1"
    found = trials(replace(trial(1, 0), provenance={"dirty": True}))
    found.save(tmp_path / "home" / "trials" / "v1" / "toy" / "std_cot.json")
    with pytest.raises(RecordError, match=r"std_cot\.json: .* uncommitted working tree"):
        publish(src, "toy", dest)


@pytest.mark.parametrize("rates", [(), (1,), (1, 3, 9)])
def test_a_row_is_not_published_beside_trials_that_did_not_choose_its_settings(
    tmp_path: Path, rates: Sequence[float]
) -> None:
    src, dest = tmp_path / "home" / "records" / "v1", tmp_path / "board" / "records" / "v1"
    chose, now = trials(trial(1, 0), trial(3, 1)), trials(*(trial(rate, 1) for rate in rates))
    own = {"name": "tuned", "of": "std_cot", "settings": {"learning_rate": 3}}
    own |= {"trials_sha256": sha256(chose.text.encode()).hexdigest()}
    command = {"dirty": False, "command": "skbench run toy --tuned"}
    save(src, [record("std_cot+tuned", snapshot={"own": own}, provenance=command)])
    local = tmp_path / "home" / "trials" / "v1" / "toy" / "std_cot.json"
    if rates:
        now.save(local)
    with pytest.raises(RecordError, match=r"seed 0: its settings .* `skbench run toy --tuned`"):
        publish(src, "toy", dest)
    assert not (tmp_path / "board").exists(), "nothing is copied"
    chose.save(local)
    assert len(publish(src, "toy", dest)) == 2


def test_a_row_may_come_after_its_published_trials(tmp_path: Path) -> None:
    src, dest = tmp_path / "home" / "records" / "v1", tmp_path / "board" / "records" / "v1"
    public = tmp_path / "board" / "trials" / "v1" / "toy" / "std_cot.json"
    trials(trial(3, 1)).save(public)
    own = {"of": "std_cot", "settings": {"learning_rate": 3}, "trials_sha256": file_sha256(public)}
    save(src, [record("std_cot+tuned", snapshot={"own": own})])
    assert [path.name for path in publish(src, "toy", dest)] == ["seed0.json"]


def test_trials_that_are_published_need_not_be_made_again(
    tuned: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tuned("--methods", "std_cot")
    folder.parents[1].rename(tmp_path / "trials")
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "records")
    monkeypatch.setattr(stages, "_make_record", lambda *_, **__: pytest.fail("made again"))
    tuned("--methods", "std_cot")
    assert not folder.exists()


def test_a_tuned_record_runs_again_only_where_the_trials_choose_the_same(
    tuned: Callable[..., Path], track: str, home: Path
) -> None:
    tuned("--methods", "mt_cot")
    assert main(["run", track, "--tuned", "--methods", "mt_cot"]) == 0
    (path,) = (home / "records").glob("*/own/mt_cot+tuned/*.json")
    found = Record.load(path)
    assert reproduce._method(found).label == "mt_cot"
    (plain,) = planning.plan(
        load(track),
        [reproduce._method(found)],
        [0],
        Scope(),
        skip_unmet=False,
        data=None,
        origin=(),
    )
    assert reproduce._settled(plain, found).training.learning_rate == 0.003
    own = found.snapshot["own"]
    for other in ({"settings": {"learning_rate": 9}}, {"trials_sha256": "x"}):
        changed = replace(found, snapshot={**found.snapshot, "own": {**own, **other}})
        with pytest.raises(ConfigError, match="the trials here choose"):
            reproduce._settled(plain, changed)
    changed = replace(found, snapshot={**found.snapshot, "method": {"answer_weight": 0.7}})
    with pytest.raises(ConfigError, match="has other fields here"):
        reproduce._settled(plain, changed)


def test_the_points_of_a_sweep_are_tuned_each_for_itself(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(toy_track(["std_cot"], seeds=[7]))
    (tmp_path / "study.toml").write_text(
        'about = "A test."\nseeds = [0, 1]\n'
        '[[points]]\nname = "twice"\naxis = "epochs"\nvalue = "2"\n'
        'methods = ["std_cot"]\ntraining = { epochs = 2 }\n'
    )
    monkeypatch.setattr(sweep, "SWEEPS", tmp_path)
    words = [str(own), "--sweep", "study"]
    assert main(["run", *words, "--tuned", "--sealed", "5"]) == 2
    assert "--sweep study --points twice --methods 'std_cot'`" in capsys.readouterr().err
    assert main(["tune", *words, "--rates", "1,2"]) == 0
    (path,) = (home / "trials" / "v1").glob("*/*.json")
    assert path.parts[-2:] == ("own.study.twice", "std_cot.json")
    found = Trials.load(path)
    assert (found.seed, len(found.trials)) == (7, 2)
    assert main(["run", *words, "--tuned", "--sealed", "5"]) == 0
    made = sorted((home / "records").glob("v1/own.study.twice/std_cot+tuned/*-sealed5-*.json"))
    assert [Record.load(each).seed for each in made] == [0, 1]


def test_settings_of_its_own_are_told_wherever_the_row_is(
    tuned: Callable[..., Path], track: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned("--methods", "std_cot")
    words = ["run", track, "--tuned", "--methods", "std_cot"]
    assert main(words) == 0
    (path,) = (home / "records").glob("*/own/std_cot+tuned/*.json")
    found = Record.load(path)
    capsys.readouterr()
    assert main([*words, "--dry-run", "--json"]) == 0
    assert [c["method"] for c in json.loads(capsys.readouterr().out)["cells"]] == ["std_cot+tuned"]

    (folder,) = (home / "runs").glob(f"*/*/*{found.provenance['train_key'][:12]}")
    run = export.find(folder, None)
    assert run.label == "std_cot" and run.training.learning_rate == 0.003

    (plain,) = planning.plan(
        load(track),
        [reproduce._method(found)],
        [0],
        Scope(),
        skip_unmet=False,
        data=None,
        origin=(),
    )
    assert list(missing._differences(tune.tuned(plain), found)) == []
    for other in (plain, replace(tune.tuned(plain), own=replace(OWN, trials_sha256="other"))):
        assert list(missing._differences(other, found)) == ["set of trials"]


def test_the_board_shows_tuned_rows_first_and_the_others_after_them(tmp_path: Path) -> None:
    root = tmp_path / "leaderboard" / "records" / "v1"
    own = {"name": "tuned", "of": "std_cot", "settings": {}, "trials_sha256": "none"}
    assert "settings" not in "".join(pages._results("toy", root))
    for each in (record(), record("std_cot+tuned", snapshot={"own": own}), record("kard")):
        each.save(root / "toy" / each.label / "seed0.json")
    first, last = "".join(pages._results("toy", root)).split("### toy at the track's settings\n")
    assert "| std_cot+tuned" in first and "| std_cot " not in first and "| kard" in first
    assert "| std_cot+tuned" not in last and "| std_cot " in last and "| kard" in last


def test_the_readme_s_record_is_one_that_this_version_runs_again() -> None:
    (words,) = in_readme("reproduce")
    found, _, _ = reproduce._track(Record.load(Path(__file__).parent.parent / words[1]))
    assert found.name == "pocket"
