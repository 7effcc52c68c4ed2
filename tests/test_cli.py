"""The command line: a slip is told in one line with the nearest valid name, and exits with 2."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import baselines
import tasks
from bench import registry, track
from bench.__main__ import main
from bench.corpora import corpus
from bench.corpora.corpus import Corpus
from bench.ground import provenance
from bench.run import fit, planning, sweep
from bench.track import ConfigError
from leaderboard.store.ranges import labels_in
from leaderboard.store.record import Scope
from tests.test_corpus import REQUIRED
from tests.tracks import toy_track

METHOD = '''
"""A method of one's own."""
from dataclasses import dataclass
from bench.method import Method

@dataclass(frozen=True)
class Mine(Method):
    """Says the question again."""
    source = "nowhere"
    share: float = 0.5
    word: str = "so"

    @property
    def trains(self):
        return False

    def prompt(self, question):
        return question.text
'''


@pytest.fixture
def method_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine_of_mine.py"
    path.write_text(METHOD)
    return path


@pytest.fixture
def own_track(tmp_path: Path) -> Callable[..., str]:
    def write(corpus: str = "pocket-100", task: str = "pocket_chain") -> str:
        path = tmp_path / "own.toml"
        methods = ["std_cot", "zero_shot"]
        path.write_text(toy_track(methods, corpus=corpus, seeds=[0, 1, 2], id=task, ood=[]))
        return str(path)

    return write


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must fail on usage; its one line on standard error."""

    def told(*arguments: str) -> str:
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.count("\n") == 1
        assert captured.err.startswith("skbench: ")
        return captured.err

    return told


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "train", lambda *_, **__: pytest.fail("training began"))


# ------------------------------------------------------------ slips


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["pokket"], "'pokket'.*'pocket'"),
        (["none.toml"], r"'none\.toml'"),
        (["pocket", "--methods", "skinter"], "'skinter'.*'skintern'"),
        (["pocket", "--methods", "std_cot,kart"], "'kart'.*'kard'"),
        (["pocket", "--methods", "skintern[stepps=3]"], "'skintern'.*'stepps'.*'steps'"),
        (["pocket", "--methods", "skintern[steps]"], "'steps' of skintern: .*field=value"),
        (["pocket", "--methods", "zero_shot[x=1]"], "'zero_shot'.*'x'"),
        (["pocket", "--set", "skinter.steps=3"], "'skinter'.*'skintern'"),
        (["pocket", "--set", "steps=3"], "'steps=3'"),
        (["pocket", "--set", "skintern.stepps=3"], "'skintern'.*'stepps'.*'steps'"),
        (["pocket", "--set", "skintern.steps"], "'steps' of skintern: .*field=value"),
        (["pocket", "--set", "skintern.steps=three"], r"skintern\.steps=three: .* int "),
        (["pocket", "--set", "skintern.steps=3.5"], r"skintern\.steps=3\.5: .* int "),
        (["pocket", "--set", "skintern.steps=1"], r"skintern\.steps=1: .* 2"),
        (["pocket", "--set", "skintern.continuous=1"], r"skintern\.continuous=1: .* bool "),
        (["pocket", "--set", "skintern.schedule=exponential"], "linear, exp, inverse_exp"),
        (["pocket", "--methods", "std_cot[rationales=0]"], r"std_cot\.rationales=0: .* 1"),
        (["pocket", "--seeds", "a"], "--seeds a:"),
        (["pocket", "--seeds", "4294967296"], "4294967295"),
        (["pocket", "--seeds", "0,,1"], "--seeds 0,,1:"),
        (["pocket", "--seeds", "0 1"], "--seeds 0 1:"),
        (["pocket", "--methods", "skintern[steps=3"], r"'skintern\[steps=3'"),
        (["pocket", "--methods", ","], "--methods ,:"),
        (["pocket", "--methods", "kard[n_passages=-1]"], r"kard\.n_passages=-1: .* 0"),
        (["pocket", "--methods", "std_cot["], r"'std_cot\['"),
        (["pocket", "--methods", "std_cot[restarts=3,restarts=2]"], r"'std_cot\[.*=2\]'"),
        (
            ["pocket", "--methods", "std_cot", "--set", "skintern.steps=3"],
            r"--set skintern\.steps=3: 'skintern'",
        ),
        (["pocket", "--method-file", "none.py"], r"--method-file none\.py"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_is_told_in_one_line(
    told: Callable[..., str], arguments: list[str], hint: str
) -> None:
    assert re.search(hint, told("run", *arguments))


def test_a_home_that_is_no_folder_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "file"))
    assert main(["run", "pocket", "--methods", "zero_shot", "--limit", "1"]) == 3
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1 and str(tmp_path / "file") in complaint


def test_an_unknown_corpus_of_a_track_is_told(
    told: Callable[..., str], own_track: Callable[..., str]
) -> None:
    assert "'pocket-10'" in told("run", own_track(corpus="pocket-10"))


def test_a_malformed_corpus_is_told(
    told: Callable[..., str], own_track: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a"}\n')
    line = told("run", own_track(corpus=str(path)))
    assert f"{path}:1: " in line and "'task'" in line


@pytest.mark.parametrize("limit", ["0", "-3", "2.5", "all"])
def test_a_limit_that_is_no_positive_whole_number_is_refused(
    limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "pocket", f"--limit={limit}"])
    assert caught.value.code == 2
    assert f"'{limit}'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["runn"], ["list", "method"], ["tune"]])
def test_an_unknown_verb_or_argument_exits_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_an_unknown_task_is_told_before_anything_is_trained(
    own_track: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", own_track(task="pocket_chian"), "--methods", "std_cot"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "'pocket_chian'" in last


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Have a run end with that error before it has begun."""

    def breaks(error: BaseException) -> None:
        def select(*_: Any) -> None:
            raise error

        monkeypatch.setattr(planning, "select", select)

    return breaks


def test_a_fault_of_ours_keeps_its_traceback(breaks: Callable[..., None]) -> None:
    breaks(KeyError("ours"))
    with pytest.raises(KeyError, match="ours"):
        main(["run", "pocket"])


def test_an_interrupt_says_how_to_go_on(
    breaks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    breaks(KeyboardInterrupt())
    assert main(["run", "pocket"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


# ------------------------------------------------------------ methods and settings


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (" a , b,", ["a", "b"]),
        ("a[x=1,y=2],b", ["a[x=1,y=2]", "b"]),
        ("a,b[x=1],c[y=2,z=3]", ["a", "b[x=1]", "c[y=2,z=3]"]),
    ],
)
def test_methods_are_cut_at_commas_outside_brackets(text: str, names: list[str]) -> None:
    assert labels_in(text) == names


def labels(spec: str | None, *settings: str, method_file: Path | None = None) -> list[str]:
    chosen, _ = planning.select(track.load("pocket"), spec, list(settings), method_file)
    return [method.label for method in chosen]


def test_a_setting_reaches_its_method_alone_and_shows_in_the_label() -> None:
    assert labels("std_cot,skintern", "skintern.steps=3") == ["std_cot", "skintern[steps=3]"]
    assert labels("skintern[steps=3]", "skintern.continuous=true") == [
        "skintern[steps=3,continuous=true]"
    ]
    assert labels("skintern", "skintern.steps=4") == ["skintern"]
    assert labels("skintern", "skintern.steps=3", "skintern.steps=5") == ["skintern[steps=5]"]


def test_without_names_the_track_says_which_and_all_are_all() -> None:
    assert labels(None) == track.load("pocket").methods
    assert labels("all") == sorted(registry.discover())


def test_a_method_file_adds_a_method_with_fields_of_other_types(method_file: Path) -> None:
    name = method_file.stem
    assert name in labels("all", method_file=method_file)
    assert labels(None, method_file=method_file) == [name]
    settings = [f"{name}.share=0.25", f"{name}.word=thus"]
    (label,) = labels(name, *settings, method_file=method_file)
    assert label == f"{name}[share=0.25,word=thus]"
    assert labels(label, method_file=method_file) == [label]


@pytest.fixture
def folder_of_methods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for that of the built-in methods."""
    monkeypatch.setattr(registry, "FOLDER", tmp_path)
    monkeypatch.setattr(baselines, "__path__", [*baselines.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "baselines.broken", raising=False)
    return tmp_path


BUILT_IN = registry.FOLDER
UNNAMED = "".join(line for line in METHOD.splitlines(keepends=True) if "source" not in line)


@pytest.mark.parametrize(
    "content", ["def x(:", "import not_there_at_all", "x = 1", "1 / 0", UNNAMED]
)
def test_a_broken_file_among_the_methods_costs_its_own_row_alone(
    folder_of_methods: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    shutil.copy(BUILT_IN / "std_cot.py", folder_of_methods / "sound.py")
    (folder_of_methods / "broken.py").write_text(content)
    assert list(registry.discover()) == list(registry.discover()) == ["sound"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"skbench: left out {folder_of_methods / 'broken.py'}: ")


def test_a_method_file_cannot_take_the_name_of_a_built_in_method(tmp_path: Path) -> None:
    path = tmp_path / "kard.py"
    path.write_text("")
    with pytest.raises(ConfigError, match="'kard' is built in; rename the file"):
        registry.discover(path)


def test_a_method_and_a_seed_named_twice_are_run_once(
    own_track: Callable[..., str], bare_corpus: Path
) -> None:
    chosen = track.load(own_track(corpus=str(bare_corpus)))
    methods, _ = planning.select(chosen, "std_cot,std_cot[restarts=0]", [], None)
    cells = planning.plan(
        chosen, methods, [1, 0, 1], Scope(), skip_unmet=False, data=None, origin=()
    )
    assert [cell.seed for cell in cells] == [0, 1]


def test_a_limit_cuts_the_triples_to_what_its_steps_can_read(
    toy_triples: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning.corpora, "obtain", lambda *_, **__: toy_triples)
    chosen = track.load("pocket-commonsense")
    chosen = replace(chosen, training=replace(chosen.training, batch_size=3))
    method, many = registry.configure_named("comet"), len(toy_triples.rows) // 2
    for limit, n in ((None, many), (2, 6), (1000, many)):
        (cell,) = planning.plan(
            chosen, [method], [0], Scope(limit=limit), skip_unmet=False, data=None, origin=()
        )
        assert sum(row["source"] == "human" for row in cell.corpus.rows) == n
        assert (len(cell.corpus.labels) < len(toy_triples.labels)) == bool(limit)


@pytest.mark.parametrize("text", ["", METHOD + METHOD.replace("class Mine", "class Yours")])
def test_a_method_file_holds_exactly_one_method(
    told: Callable[..., str], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "none_or_two.py"
    path.write_text(text)
    assert "expected one Method class, found" in told("run", "pocket", "--method-file", str(path))


def test_a_method_file_changes_the_key_of_its_own_method_alone(
    own_track: Callable[..., str],
    method_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is found from wherever the command is run, and other methods are not trained again."""
    monkeypatch.chdir(method_file.parent)

    def keys(file: Path | None, *names: str) -> list[str]:
        chosen = track.load(own_track())
        methods, _ = planning.select(chosen, ",".join(names), [], file)
        cells = planning.plan(chosen, methods, [0], Scope(), skip_unmet=False, data=None, origin=())
        return [cell.train_key for cell in cells]

    relative = Path(method_file.name)
    (plain,) = keys(None, "std_cot")
    same, own = keys(relative, "std_cot", relative.stem)
    method_file.write_text(METHOD + "# another line\n")
    assert same == plain
    assert keys(relative, "std_cot", relative.stem)[0] == plain
    assert keys(relative, "std_cot", relative.stem)[1] != own


def test_a_toy_file_dropped_into_the_folder_is_listed(
    folder_of_methods: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder_of_methods / "toy_method.py").write_text(METHOD)
    assert main(["list", "methods", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "method": "toy_method",
            "about": "A method of one's own.",
            "source": "nowhere",
            "needs": {},
            "defaults": {"share": 0.5, "word": "so"},
        }
    ]


# ------------------------------------------------------------ the plan


def plan(own_track: Callable[..., str], corpus: Path, spec: str, **options: bool) -> list[str]:
    chosen = track.load(own_track(corpus=str(corpus)))
    methods, _ = planning.select(chosen, spec, [], None)
    cells = planning.plan(chosen, methods, [0, 1], Scope(), data=None, origin=(), **options)
    return [f"{cell.method.label} {cell.seed}" for cell in cells]


@pytest.fixture
def bare_corpus(tmp_path: Path) -> Path:
    row = {key: f"some {key}" for key in REQUIRED}
    path = tmp_path / "bare.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return path


def test_a_missing_need_stops_the_run_or_skips_the_method_under_all(
    own_track: Callable[..., str], bare_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match=r"kard .*passages"):
        plan(own_track, bare_corpus, "std_cot,kard", skip_unmet=False)
    assert plan(own_track, bare_corpus, "std_cot,kard", skip_unmet=True) == [
        "std_cot 0",
        "std_cot 1",
    ]
    assert "skipping kard: needs passages" in capsys.readouterr().err


def test_only_what_depends_on_the_seed_is_run_for_each(
    own_track: Callable[..., str], bare_corpus: Path
) -> None:
    cells = plan(own_track, bare_corpus, "zero_shot,few_shot,std_cot", skip_unmet=False)
    names = ("zero_shot", "few_shot", "std_cot")  # other random weights, other shots
    assert cells == [f"{name} {seed}" for name in names for seed in (0, 1)]
    assert plan(own_track, bare_corpus, "null_model", skip_unmet=False) == ["null_model 0"]


# ------------------------------------------------------------ reading verbs


def test_the_version_names_the_package_and_the_commit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    commit, _ = provenance.git_state()
    told = capsys.readouterr().out
    assert told.startswith("skintern-bench 0.") and (commit is None or commit in told)


@pytest.mark.parametrize("what", ["methods", "tracks", "tasks", "corpora", "sweeps"])
def test_what_is_listed_can_be_read_by_eye_and_by_machine(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", what, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert main(["list", what]) == 0
    table = capsys.readouterr().out
    key = {"tasks": "name", "corpora": "corpus"}.get(what, what.removesuffix("s"))
    names = [entry[key] for entry in entries]
    assert names == sorted(names) and all(name in table for name in names)
    known = {
        "methods": set(registry.discover()),
        "tracks": set(track.names()),
        "tasks": {
            path.stem
            for path in Path(tasks.__file__).parent.rglob("*.yaml")
            if re.search("^task: [a-z]", path.read_text(), re.MULTILINE)
        },
        "corpora": set(corpus.builders()),
        "sweeps": set(sweep.names()),
    }[what]
    assert set(names) == known


def test_clean_deletes_nothing_unless_told_to(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("runs", "corpora", "mine"):
        (home / name).mkdir(parents=True)
    assert main(["clean"]) == 0 and (home / "runs").is_dir()
    assert "nothing deleted" in capsys.readouterr().out
    assert main(["clean", "--yes"]) == 0
    assert [path.name for path in home.iterdir()] == ["mine"]


def test_help_answers() -> None:
    for arguments in (["--help"], ["run", "--help"], ["board", "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0


# ------------------------------------------------------------ prompts


def test_prompts_are_shown_as_they_are_trained_and_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path))
    words = ["prompts", "pocket", "--methods", "skintern,cascod,few_shot", "--rows", "2"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    of = {(f["method"], f["row"]): [] for f in found}
    for each in found:
        of[each["method"], each["row"]].append(each)
    assert [len(each) for each in of.values()] == [5, 5, 3, 3, 1, 1]
    skintern, cascod, few_shot = (list(of.values())[i] for i in (0, 2, 4))
    *steps, asked = skintern
    assert [step["share"] for step in steps] == [0.0, 0.25, 0.5, 0.75]
    assert steps[-1]["prompt"] == asked["prompt"] and "target" not in asked
    assert len({len(step["prompt"]) for step in steps}) == 4
    assert {step["objective"] for step in cascod[:-1]} == {"rationale", "answer"}
    assert few_shot[0]["prompt"].count("Therefore, the answer is") > 2
    first = steps[0]["prompt"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert main(["prompts", "pocket", "--methods", "skintern[continuous=true]", "--json"]) == 0
    *steps, asked = json.loads(capsys.readouterr().out)
    shown = [step["prompt"] for step in steps]
    assert len(shown) == 4, "what changes without a fresh start is shown as well"
    assert len(set(shown)) == len(shown) and asked["prompt"] not in shown[:-1]
    assert text.count("=== ") == len(found) and f"\n{first}\n---\n" in text


@pytest.mark.parametrize("name", ["a/b", "a|b", "<b>", "two words"])
def test_a_label_that_no_record_can_hold_stops_the_run_before_it_trains(
    own_track: Callable[..., str], method_file: Path, name: str
) -> None:
    chosen = track.load(own_track())
    words = [f"{method_file.stem}.word={name}"]
    methods, _ = planning.select(chosen, method_file.stem, words, method_file)
    with pytest.raises(ConfigError, match="which no record can hold"):
        planning.plan(chosen, methods, [0], Scope(), skip_unmet=False, data=None, origin=())


def test_a_track_that_no_record_can_name_stops_the_run(own_track: Callable[..., str]) -> None:
    chosen = replace(track.load(own_track()), name="my study")
    methods, _ = planning.select(chosen, "std_cot", [], None)
    with pytest.raises(ConfigError, match="the track's name 'my study'"):
        planning.plan(chosen, methods, [0], Scope(), skip_unmet=False, data=None, origin=())


def test_a_message_that_quotes_a_stranger_moves_no_cursor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["board", "show", "pocket\x1b]0;owned\x07"]) == 2
    said = capsys.readouterr().err
    assert "owned" in said and "\x1b" not in said and "\x07" not in said
