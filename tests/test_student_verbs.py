"""A checkpoint judged without training, a run's student exported, a record reproduced."""

import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from conftest import tiny_model
from leaderboard_records import record

from bench import registry, track
from bench.__main__ import main
from bench.corpora.corpus import Corpus
from bench.reuse import export, reproduce
from bench.run import fit, planning, stages, sweep
from bench.run.cell import Cell
from bench.students import brought
from bench.students import student as students
from bench.students.student import Student
from bench.track import ConfigError
from bench.track import Student as Spec
from leaderboard.cli.publish import publish
from leaderboard.compare.reproduction import reproduction, reproduction_json, reproduction_text
from leaderboard.store import board
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record, Scope
from tasks.pocket.vocabulary import build_tokenizer
from tests.tracks import toy_track

SWEEP = """
about = "A test."

[[points]]
name = "warm"
axis = "rate"
value = "high"
methods = ["zero_shot", "std_cot"]
training = { learning_rate = 2e-2 }
"""

BUILT_IN = track.TRACKS


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student in a folder, as the hub lays one out."""
    folder = tmp_path_factory.mktemp("base") / "student"
    tiny_model("llama").save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def ran(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which one run of each of three built-in tracks is done, and one is judged."""
    home, folder = tmp_path_factory.mktemp("ran"), tmp_path_factory.mktemp("tracks")
    full, both = {"learning_rate": 1e-2}, ["std_cot", "zero_shot"]
    lora, cap = full | {"lora_rank": 2}, {"max_new_tokens": 6}
    for name, student, training in (
        ("lora", {"path": str(base)}, lora),
        ("full", None, full),
        ("odd", None, lora),
    ):
        text = toy_track(both, student=student, training=training, decoding=cap)
        (folder / f"{name}.toml").write_text(text)
    (folder / "shaken.toml").write_text(SWEEP)
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(track, "TRACKS", folder)
        patch.setenv("SKBENCH_HOME", str(home))
        for name in ("lora", "full", "odd"):
            assert main(["run", name, "--methods", "std_cot", "--limit", "4", "--json"]) == 0
        shutil.copytree(run_of(home, "lora") / "weights", home / "mine")
        assert main([str(word) for word in evaluate(home / "mine")]) == 0
        yield home


@pytest.fixture(autouse=True)
def home(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it for every test."""
    folder = tmp_path / "home"
    shutil.copytree(ran, folder)
    monkeypatch.setenv("SKBENCH_HOME", str(folder))
    monkeypatch.delenv("SKBENCH_DATA", raising=False)
    return folder


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command: exit code, what it printed, and what it complained of."""

    def told(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return told


def run_of(home: Path, name: str) -> Path:
    (found,) = (path for path in (home / "runs" / name / "std_cot").iterdir() if path.is_dir())
    return found


def record_of(home: Path, name: str, label: str = "std_cot") -> Path:
    (found,) = (home / "records" / "v1" / name).glob(f"{label}/*.json")
    return found


def evaluate(checkpoint: object, name: str = "lora") -> list[object]:
    words = ["evaluate", "--student", checkpoint, "--method", "std_cot", "--track", name]
    return [*words, "--limit", 4, "--json"]


def logits(student: Student) -> torch.Tensor:
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        return student.model.eval()(input_ids=ids).logits


WAYS = {"adapter": ("lora", []), "merged": ("lora", ["--merge"]), "full": ("full", [])}


@pytest.mark.parametrize("way", WAYS)
def test_an_exported_student_answers_as_the_run_did_and_is_judged_so(
    way: str, home: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    (name, options), out = WAYS[way], tmp_path / "out"
    folder = run_of(home, name)
    assert told("export-student", folder, out, *options)[0] == 0
    (cell,) = cells(name)
    trained = students.restore(fit.fresh(cell), folder / "weights")
    again = brought.load(brought.find(str(out)), cell.track, cell.corpus, seed=0)
    assert again.tokenizer.get_vocab() == trained.tokenizer.get_vocab()
    # A merged weight is a rounded sum.
    torch.testing.assert_close(logits(again), logits(trained), rtol=0, atol=1e-5)
    assert not torch.allclose(logits(fit.fresh(cell)), logits(trained), atol=1e-3)

    code, printed, _ = told(*evaluate(out, name))
    judged = Record.load(record_of(home, f"{name}.own", "std_cot@out-*"))
    expected = Record.load(record_of(home, name))
    assert code == 0 and [row["method"] for row in json.loads(printed)] == [judged.label]
    assert judged.data_sets == expected.data_sets


def cells(name: str) -> list[Any]:
    method = registry.configure_named("std_cot")
    return planning.plan(
        track.load(name),
        [method],
        [0],
        Scope(limit=4),
        skip_unmet=False,
        data=None,
        origin=(name,),
    )


def test_a_judged_checkpoint_says_that_it_was_not_trained_here(home: Path, ran: Path) -> None:
    folder, judged = ran / "mine", Record.load(record_of(home, "lora.own", "*"))
    spent = judged.training
    assert (spent.n_steps, spent.tokens, spent.teacher_tokens, spent.flops) == (0, 0, 0, 0)
    assert spent.final_loss is spent.peak_memory_bytes is None
    assert judged.provenance["train_key"] is None
    latency = judged.latency
    assert latency is not None and latency.calibration_s, "a loop is timed beside the questions"
    about = judged.snapshot["checkpoint"]
    assert about["path"] == str(folder) and about["trained_here"] is False
    assert about["sha256"] == brought.find(str(folder)).sha256
    assert judged.provenance["command"].startswith(f"skbench evaluate --student {folder}")
    assert judged.label == f"std_cot@mine-{about['sha256'][:8]}"


def test_a_judged_checkpoint_stands_beside_no_trained_row_and_is_not_published(
    home: Path, tmp_path: Path
) -> None:
    records = home / "records" / "v1"
    assert [r.label for r in board.load("lora", records, Scope(limit=4))] == ["std_cot"]
    judged = replace(Record.load(record_of(home, "lora.own", "*")), scope=Scope())
    judged.save(tmp_path / "local" / judged.track / judged.label / "seed0.json")
    with pytest.raises(RecordError, match="trained elsewhere"):
        publish(tmp_path / "local", judged.track, tmp_path / "published")


@pytest.mark.parametrize("asked", [[], ["--split", "dev"], ["--sealed", "15"], ["--world", "1"]])
def test_a_checkpoint_is_held_against_a_row_on_the_items_that_a_run_was_judged_on(
    asked: list[str], home: Path, told: Callable[..., Any]
) -> None:
    assert told("run", "lora", "--methods", "std_cot", "--limit", 4, *asked)[0] == 0
    code, printed, _ = told(*evaluate(home / "mine"), *asked)
    assert code == 0
    (row,) = json.loads(printed)
    cut = ["--track", "lora", "--limit", 4, *asked]
    code, printed, _ = told("board", "compare", row["method"], "std_cot", "--local", *cut, "--json")
    assert (code, json.loads(printed)["a"]) == (0, row["method"])
    gate = ["board", "regress", "--base", home / "records", "--candidate", row["method"], *cut]
    code, printed, _ = told(*gate, "--json")
    found = {f["metric"]: f for f in json.loads(printed)["findings"]}
    assert code == 0 and {*found} == {"id", "ood", "prompt_tokens", "generated_tokens"}
    if "--world" not in asked:  # another world is another training
        assert all(f["base"] == f["new"] for f in found.values()), "the same weights"
    (path,) = (
        path
        for path in (home / "records" / "v1" / "lora.own").rglob("*.json")
        if Record.load(path).scope.words() == [*asked, "--limit", "4"]
    )
    assert Record.load(path).provenance["command"].endswith(shlex.join([*asked, "--limit", "4"]))


def test_a_checkpoint_that_is_worse_than_its_row_fails_the_gate(
    home: Path, told: Callable[..., Any]
) -> None:
    """A pinned row that was right on every question, which a student of noise is not."""
    pinned = Record.load(record_of(home, "lora"))
    sets = {
        name: replace(each, strict=[1] * len(each.items)) for name, each in pinned.data_sets.items()
    }
    replace(pinned, data_sets=sets).save(home / "pinned" / "v1" / "lora" / "std_cot" / "seed0.json")
    label = Record.load(record_of(home, "lora.own", "*")).label
    gate = ["board", "regress", "--base", home / "pinned", "--track", "lora", "--limit", 4]
    code, printed, _ = told(*gate, "--candidate", label)
    assert code == 1 and f"REGRESSION  lora/{label} id: 100.0 -> 0.0 %" in printed


def test_two_checkpoints_have_a_row_each_and_one_is_judged_once(
    home: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "mine"
    config = folder / "adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": 4', '"lora_alpha": 8'))
    assert told(*evaluate(folder))[0] == 0
    found = board.load("lora.own", home / "records" / "v1", Scope(limit=4))
    assert len({each.label for each in found}) == 2
    code, shown, _ = told("board", "show", "lora.own", "--local", "--limit", "4", "--json")
    assert code == 0 and len(json.loads(shown)) == 2
    monkeypatch.setattr(stages, "judged", lambda *_: pytest.fail("judged again"))
    assert told(*evaluate(folder))[0] == 0


def test_a_hub_id_is_judged_from_the_cache_and_its_commit_recorded(
    base: Path, home: Path, tmp_path: Path, told: Callable[..., Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    commit, repository = "0123456789" * 4, tmp_path / "hub" / "models--org--tiny"
    shutil.copytree(base, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    assert told(*evaluate("org/tiny"))[0] == 0
    judged = Record.load(record_of(home, "lora.own", "std_cot@tiny-*"))
    assert judged.provenance["student_revision"] == commit


def no_weights(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))


def no_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def no_layer(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "adapter_model.safetensors")
    first = {name: w.clone() for name, w in weights.items() if ".layers.0." in name}
    save_file(first, folder / "adapter_model.safetensors")


def other_rank(folder: Path) -> None:
    path = folder / "adapter_config.json"
    path.write_text(path.read_text().replace('"r": 2', '"r": 3'))


def no_config(folder: Path) -> None:
    for name in ("config.json", "adapter_config.json"):
        (folder / name).unlink(missing_ok=True)


def cut_off(folder: Path) -> None:
    (path,) = folder.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:100])


def odd_rank(folder: Path) -> None:
    path = folder / "adapter_config.json"
    path.write_text(path.read_text().replace('"r": 2', '"r": "x"'))


def odd_config(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


FAULTS = [
    ("base", cut_off, "cannot be loaded"),
    ("base", odd_config, "cannot be loaded"),
    ("adapter", cut_off, "cannot be loaded"),
    ("adapter", odd_rank, "cannot be loaded"),
    ("base", no_weights, "no safetensors; pickled weights"),
    ("base", no_tokenizer, "no tokenizer"),
    ("base", no_config, "no checkpoint"),
    ("adapter", no_weights, "no safetensors; pickled weights"),
    ("adapter", no_layer, "does not fit its base"),
    ("adapter", other_rank, "does not fit its base"),
]


@pytest.mark.parametrize(("kind", "spoil", "message"), FAULTS)
def test_a_checkpoint_that_cannot_be_judged_is_refused_in_one_line(
    kind: str,
    spoil: Callable[[Path], None],
    message: str,
    base: Path,
    home: Path,
    tmp_path: Path,
    told: Callable[..., Any],
) -> None:
    source = base if kind == "base" else run_of(home, "lora") / "weights"
    shutil.copytree(source, tmp_path / "mine")
    spoil(tmp_path / "mine")
    code, _, complaint = told(*evaluate(tmp_path / "mine"))
    assert code == 2 and message in complaint.splitlines()[-1]
    assert len(list((home / "records" / "v1" / "lora.own").rglob("*.json"))) == 1


@pytest.mark.parametrize("name", ["./nowhere", "org/nowhere", "tasks/nowhere"])
def test_a_checkpoint_that_is_nowhere_is_refused(name: str, told: Callable[..., Any]) -> None:
    code, _, complaint = told(*evaluate(name))
    assert code == 2 and "nowhere" in complaint


def test_asking_takes_no_more_of_the_corpus_than_test_prompts_show(
    toy_corpus: Corpus, make_cell: Callable[..., Cell]
) -> None:
    bare = [{k: v for k, v in row.items() if k != "summary"} for row in toy_corpus.rows]
    corpus = Corpus(bare, [], toy_corpus.manifest)
    chosen = make_cell("std_cot").track
    assert planning.unasked(chosen, registry.configure_named("skintern"), corpus) is None
    decoy = registry.configure_named("skintern[decoy=true]")
    assert planning.unasked(chosen, decoy, corpus) is None
    assert "passages" in (planning.unasked(chosen, registry.configure_named("kard"), corpus) or "")


def test_an_export_is_never_written_over_nor_left_half(
    home: Path, tmp_path: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = run_of(home, "lora"), tmp_path / "exports" / "out"

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(export, "_name_base", interrupted)
        assert told("export-student", folder, out)[0] == 130
    assert list(out.parent.iterdir()) == []
    assert told("export-student", folder, out)[0] == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, _, complaint = told("export-student", folder, out, "--merge")
    assert code == 2 and "never overwrites" in complaint
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_exported_adapter_names_its_base_as_the_track_does(
    home: Path, base: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    config = run_of(home, "lora") / "weights" / "adapter_config.json"
    config.write_text(config.read_text().replace(str(base), "/elsewhere"))
    assert told("export-student", run_of(home, "lora"), tmp_path / "out")[0] == 0
    written = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert written["base_model_name_or_path"] == str(base)


def test_an_adapter_is_not_exported_with_another_base_than_it_was_trained_on(
    home: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    path = record_of(home, "lora")
    body = json.loads(path.read_text())
    body["provenance"]["student_sha256"] = "f" * 64
    path.write_text(json.dumps(body))
    code, _, complaint = told("export-student", run_of(home, "lora"), tmp_path / "out", "--merge")
    assert code == 2 and "is not the one" in complaint and not (tmp_path / "out").exists()


def test_an_adapter_on_random_weights_is_only_exported_merged(
    home: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    code, _, complaint = told("export-student", run_of(home, "odd"), tmp_path / "out")
    assert code == 2 and "--merge" in complaint and not (tmp_path / "out").exists()
    assert told("export-student", run_of(home, "odd"), tmp_path / "out", "--merge")[0] == 0


def test_the_card_says_what_was_measured_and_nothing_where_nothing_was(
    home: Path, base: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    assert told("export-student", run_of(home, "lora"), tmp_path / "one")[0] == 0
    card = (tmp_path / "one" / "README.md").read_text()
    found = Record.load(record_of(home, "lora"))
    for fact in (
        *(str(base), "pocket-100", found.provenance["corpus_sha256"], "Licence: Apache-2.0"),
        *("rationales = 1", "4 optimizer steps", "LoRA of rank 2", "limit 4"),
        f"{found.training.tokens:,} tokens",
        f"`{found.provenance['command']}`",
    ):
        assert fact in card
    (line,) = (line for line in card.splitlines() if "pocket_chain (id)" in line)
    accuracy = 100 * sum(found.data_sets["pocket_chain"].strict) / 3
    assert f"{accuracy:.1f} [" in line
    shutil.rmtree(home / "records")
    code, _, complaint = told("export-student", run_of(home, "lora"), tmp_path / "two")
    assert code == 2 and "no record" in complaint, "with --limit the track alone does not tell"


def test_a_run_without_a_record_is_exported_if_its_track_still_gives_its_key(
    home: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    (cell,) = cells("lora")
    whole = replace(cell, scope=Scope())
    run_of(home, "lora").rename(whole.folder)
    shutil.rmtree(home / "records")
    assert told("export-student", whole.folder, tmp_path / "out")[0] == 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert "nothing is claimed" in card and "%" not in card
    assert "Licence: not recorded" in card


@pytest.mark.parametrize("missing", ["trained.json", "weights"])
def test_a_run_that_is_not_finished_is_not_exported(
    missing: str, home: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    folder = run_of(home, "lora")
    (folder / missing).rename(folder / "gone")
    code, _, complaint = told("export-student", folder, tmp_path / "out")
    assert code == 2 and "finish it" in complaint
    assert told("export-student", tmp_path, tmp_path / "out")[0] == 2


@pytest.mark.parametrize("options", [(), ("--merge",)])
def test_a_damaged_run_is_not_exported(
    options: tuple[str, ...], home: Path, tmp_path: Path, told: Callable[..., Any]
) -> None:
    folder = run_of(home, "lora")
    command = ("export-student", folder, tmp_path / "out", *options)
    report = (folder / "trained.json").read_text()
    for damaged in ("{", "[]", '{"step": 1}'):
        (folder / "trained.json").write_text(damaged)
        code, _, complaint = told(*command)
        assert code == 2 and "trained.json: damaged; delete" in complaint
    (folder / "trained.json").write_text(report)
    cut_off(folder / "weights")
    assert told(*command)[0] == 2
    no_weights(folder / "weights")
    code, _, complaint = told(*command)
    assert code == 2 and "holds no weights" in complaint
    assert not (tmp_path / "out").exists()


def test_a_record_is_reproduced_in_a_home_of_its_own(
    home: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record_of(home, "lora")
    before = path.read_bytes()
    code, _, complaint = told("reproduce", path, "--publish")
    assert code == 2 and "--publish is for records below" in complaint
    code, printed, _ = told("reproduce", path, "--json")
    found = json.loads(printed)
    assert code == 0 and found["agrees"]
    assert [each["n_other"] for each in found["data_sets"]] == [0, 0]
    assert found["final_loss"]["expected"] == found["final_loss"]["obtained"] is not None
    assert path.read_bytes() == before
    (folder,) = (home / "reproduced").iterdir()
    again = Record.load(record_of(folder, "lora"))
    assert again.training.n_steps == 4 and again != Record.load(path)
    monkeypatch.setattr(stages, "_make_record", lambda _, **how: pytest.fail("made again"))
    assert told("reproduce", path)[0] == 0


def test_a_point_of_a_sweep_is_reproduced(
    home: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SWEEPS", track.TRACKS)
    words = ("--sweep", "shaken", "--points", "warm", "--methods", "zero_shot", "--limit", "2")
    assert told("run", "lora", *words)[0] == 0
    path = record_of(home, "lora.shaken.warm", "zero_shot")
    code, printed, _ = told("reproduce", path, "--json")
    assert code == 0 and json.loads(printed)["agrees"]
    (folder,) = (home / "reproduced").iterdir()
    again = Record.load(record_of(folder, "lora.shaken.warm", "zero_shot"))
    assert again.provenance["command"] == Record.load(path).provenance["command"]


def test_what_no_student_was_asked_for_is_reproduced(
    home: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track, "TRACKS", BUILT_IN)
    words = ("--methods", "loose_teacher", "--seeds", "0", "--limit", "2")
    assert told("run", "pocket-commonsense", *words)[0] == 0
    (path,) = (home / "records").glob("*/*/loose_teacher/*.json")
    code, printed, _ = told("reproduce", path, "--json")
    assert code == 0 and json.loads(printed)["agrees"]


def test_a_home_that_holds_the_record_is_no_place_to_reproduce_it(
    home: Path, told: Callable[..., Any]
) -> None:
    path = record_of(home, "lora")
    before = path.read_bytes()
    code, _, complaint = told("reproduce", path, "--out", home)
    assert code == 2 and "this very record" in complaint and path.read_bytes() == before


def track_table(body: dict[str, Any]) -> dict[str, Any]:
    return body["snapshot"]["track"]


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another rate": (
        lambda body: track_table(body)["training"].update(learning_rate=0.5),
        "training.learning_rate ",
    ),
    "another student": (
        lambda body: track_table(body)["student"].update(path="/tmp/evil"),
        "student.path",
    ),
    "unknown setting": (lambda body: track_table(body).update(shell="rm"), "'shell'"),
    "a path as track": (lambda body: body.update(track="../evil.toml"), "track must match"),
    "a file as track": (lambda body: body.update(track="evil.toml"), "not built in"),
    "a file as sweep": (
        lambda body: body["snapshot"].update(point={"sweep": "../evil"}),
        "'../evil'",
    ),
    "unknown sweep": (
        lambda body: body.update(
            track="lora.evil.x", snapshot={**body["snapshot"], "point": {"sweep": "evil"}}
        ),
        "'evil'",
    ),
    "unknown method": (lambda body: body.update(label="evil"), "'evil'"),
    "other fields": (
        lambda body: body["snapshot"]["method"].update(rationales=7),
        "has other fields here",
    ),
    "other name": (lambda body: body.update(method="kard"), "no method here is both"),
    "a text as limit": (lambda body: body["scope"].update(limit="3; rm"), "scope.limit"),
    "a text as seed": (lambda body: body.update(seed="0; rm"), ": seed "),
    "another corpus": (
        lambda body: body["provenance"].update(corpus_sha256="f" * 64),
        "the corpus is",
    ),
    "other weights": (
        lambda body: body["provenance"].update(student_sha256="f" * 64),
        "the student is",
    ),
    "a checkpoint": (
        lambda body: body["snapshot"].update(checkpoint={"path": "x"}),
        "not trained here",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_record_that_this_version_cannot_vouch_for_is_refused_before_anything_runs(
    lie: str, home: Path, tmp_path: Path, told: Callable[..., Any], monkeypatch: Any
) -> None:
    change, message = LIES[lie]
    body = json.loads(record_of(home, "lora").read_text())
    change(body)
    (tmp_path / "record.json").write_text(json.dumps(body))
    monkeypatch.setattr(stages, "run_cells", lambda _: pytest.fail("was run"))
    code, _, complaint = told("reproduce", tmp_path / "record.json")
    assert code == 2 and message in complaint


def test_the_command_of_a_record_is_never_run(
    home: Path, tmp_path: Path, told: Callable[..., Any], monkeypatch: Any
) -> None:
    body = json.loads(record_of(home, "lora").read_text())
    body["provenance"]["command"] = f"touch {tmp_path / 'evil'}"
    (tmp_path / "record.json").write_text(json.dumps(body))
    expected = Record.load(record_of(home, "lora"))
    asked: list[Any] = []
    monkeypatch.setattr(stages, "run_cells", lambda cells: asked.extend(cells) or [expected])
    assert told("reproduce", tmp_path / "record.json")[0] == 0
    assert not (tmp_path / "evil").exists()
    (cell,) = asked
    assert (cell.track.name, cell.method.label, cell.seed) == ("lora", "std_cot", 0)
    assert cell.scope == Scope(limit=4)


def test_a_record_from_before_a_setting_existed_is_of_the_same_track(home: Path) -> None:
    old = Record.load(record_of(home, "lora"))
    table = {k: v for k, v in old.snapshot["track"].items() if k != "importance"}
    table["tuning"] = {"std_cot": 3}
    assert reproduce.track_of(replace(old, snapshot={"track": table})) == track.load("lora")


def test_an_accuracy_outside_the_records_own_interval_is_not_reproduced() -> None:
    outcomes = {"id_a": [1] * 60 + [0] * 40, "ood_a": [0] * 20}
    expected = record(outcomes=outcomes)
    near = {"id_a": [1] * 60 + [0] * 35 + [1] * 5, "ood_a": [0] * 20}
    far = {"id_a": [1] * 75 + [0] * 25, "ood_a": [0] * 20}
    close = reproduction(expected, record(outcomes=near))
    assert close.agrees and [each.n_other for each in close.data_sets] == [5, 0]
    away = reproduction(expected, record(outcomes=far))
    assert not away.agrees and [each.agrees for each in away.data_sets] == [False, True]
    assert reproduction_json(away)["agrees"] is False
    assert "not reproduced: 1 of 2" in reproduction_text(away)
    assert "not reproduced" not in reproduction_text(close)


def test_other_questions_or_a_missing_data_set_are_not_reproduced() -> None:
    expected = record()
    sets = dict(expected.data_sets)
    other = replace(sets["id_a"], items_sha256="of other questions")
    renamed = reproduction(expected, replace(expected, data_sets=sets | {"id_a": other}))
    assert not renamed.agrees and renamed.data_sets[0].n_other is None
    fewer = replace(expected, data_sets={"id_a": sets["id_a"]})
    assert not reproduction(expected, fewer).agrees and not reproduction(fewer, expected).agrees


def test_what_differs_in_versions_and_device_is_named() -> None:
    old = record(provenance={"versions": {"torch": "1", "numpy": "2"}, "device": "abacus"})
    new = record(provenance={"versions": {"torch": "3", "numpy": "2"}, "device": "abacus"})
    found = reproduction(old, new)
    assert found.versions == {"torch": ("1", "3")} and found.environment == {}
    assert "torch: 1 then, 3 now" in reproduction_text(found)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("[", "not JSON"),
        ("[]", "expected an object"),
        ('{"base_model_name_or_path": 3}', "expected an object with texts"),
        ('{"peft_type": "PROMPT_TUNING"}', "only LORA can be merged"),
    ],
)
def test_an_adapter_that_describes_itself_wrongly_is_told_in_one_line(
    tmp_path: Path, config: str, told: str
) -> None:
    (tmp_path / "adapter_config.json").write_text(config)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ConfigError, match=told) as caught:
        brought._adapter_config(brought.find(str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_what_an_adapter_brings_is_not_trusted_because_its_base_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[Spec]()

    def tokenizer(spec: Spec, path: str) -> Any:
        seen.append(spec)
        raise ConfigError("seen")

    monkeypatch.setattr(brought.checkpoints, "tokenizer", tokenizer)
    found = brought.Checkpoint(str(tmp_path), tmp_path, "0" * 64, None)
    base = Spec(path="org/base", revision="abc", trust_remote_code=True)
    with pytest.raises(ConfigError, match="seen"):
        brought._reading(Student(None, None), found, base)
    assert seen == [replace(base, trust_remote_code=False, revision=None)]


def test_what_a_helper_cost_is_in_the_flops_of_a_repetition() -> None:
    old = record()
    sets = {name: replace(each, helper_flops=[7] * 4) for name, each in old.data_sets.items()}
    first, *_ = reproduction(old, replace(old, data_sets=sets)).data_sets
    assert first.flops.obtained == (first.flops.expected or 0) + 7
