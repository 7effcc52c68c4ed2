"""The tracks of real students, and what `run --dry-run` says of them where no weights are."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from bench import registry, track
from bench.__main__ import main
from bench.estimates import dry_run
from bench.estimates.spending import N_ROWS
from bench.run import planning
from bench.run.cell import Cell
from bench.students import student as students
from bench.students.shapes import meta_model
from leaderboard.store.record import Record, Scope
from tasks import corpora
from tasks.pocket import teacher
from tests.test_shapes import PARAMETERS as TOTALS
from tests.tracks import scratch, toy_track

DATA = os.environ.get("SKBENCH_DATA")  # conftest hides it from every test

PARAMETERS = {name: n for name, n in TOTALS.items() if name in track.names()}
RATES = {
    "tinyllama": 2e-4,
    "llama2-7b": 1e-4,
    "llama3-8b": 5e-5,
    "qwen2-0.5b": 2e-4,
    "qwen2-1.5b": 1e-4,
    "qwen2-7b": 1e-4,
}
"""The paper's learning rates."""
PACKAGED = "packaged:smollm2-135m"
SMALL = ("smollm2-135m-cpu", "smollm2-135m-csqa")
ID = ["skb_bbh", "skb_gsm8k"]
OOD = ["skb_bb_sub", "skb_agieval", "skb_gsm_plus", "skb_arc_easy", "skb_arc_challenge"]
real = pytest.mark.parametrize("name", sorted(PARAMETERS))


# ------------------------------------------------------------ the files


@real
def test_a_shape_has_as_many_parameters_as_the_checkpoint(name: str) -> None:
    model = meta_model(track.load(name).student.shape)
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
    assert model.num_parameters() == PARAMETERS[name]


@pytest.mark.parametrize("name", SMALL)
def test_a_track_for_a_cpu_has_the_student_of_the_track_for_a_gpu(name: str) -> None:
    found, whole = track.load(name), track.load("smollm2-135m")
    assert found.student.path == whole.student.path == PACKAGED
    assert found.student.shape == whole.student.shape
    assert (found.training.precision, found.student.bf16_weights) == ("fp32", False)
    assert (found.training.lora_rank, found.training.lora_alpha) == (32, 64)


@pytest.mark.parametrize("name", SMALL)
def test_every_stage_of_skintern_has_twenty_optimizer_steps_on_a_cpu(name: str) -> None:
    found = track.load(name)
    manifest = json.loads((Path(corpora.__file__).parent / f"{found.corpus}.json").read_text())
    n_steps = found.training.epochs * -(-manifest["n"] // found.training.batch_size)
    skintern = registry.configure_named("skintern[examples=2]")
    assert skintern.label in found.methods
    cuts = [0, *(round(point * n_steps) for point in skintern.restart_points), n_steps]
    assert min(after - before for before, after in pairwise(cuts)) >= 20
    assert found.training.epochs * manifest["n"] >= 600


@pytest.mark.parametrize("name", SMALL)
def test_a_small_track_says_what_differs_from_the_paper(name: str) -> None:
    text = (track.TRACKS / f"{name}.toml").read_text()
    assert text.startswith(f"# Launch: skbench run {name} ")
    assert "What differs from the paper" in text and "dequantised" in text


def test_the_small_paper_track_asks_samples_of_all_seven_data_sets() -> None:
    found = track.load("smollm2-135m-cpu")
    assert found.tasks.id == [f"{name}_60" for name in ID]
    assert found.tasks.ood == [f"{name}_60" for name in OOD]


def test_the_commonsense_track_asks_no_arithmetic() -> None:
    found = track.load("smollm2-135m-csqa")
    assert found.tasks.id == ["skb_csqa"]
    assert found.tasks.ood == [f"{name}_150" for name in OOD if name != "skb_gsm_plus"]
    assert {"std_cot", "std_cot[restarts=3]", "skintern[examples=0]"} <= set(found.methods)


@pytest.mark.parametrize("name", ["pocket", "smollm2-135m-csqa"])
def test_a_track_of_equal_tokens_differs_in_its_budget_alone(name: str) -> None:
    plain, equal = track.load(name), track.load(f"{name}-tokens")
    assert equal.training.match in equal.methods
    training = replace(equal.training, match=None)
    settings = {"training": training, "methods": plain.methods}
    assert replace(equal, name=name, about=plain.about, **settings) == plain


@real
def test_a_track_of_a_real_student_keeps_to_the_papers_protocol(name: str) -> None:
    found = track.load(name)
    training, decoding, student = found.training, found.decoding, found.student
    assert (training.lora_rank, training.lora_alpha) == (32, 64)
    assert (training.epochs, training.batch_size) == (12, 32)
    assert (training.warmup, training.final_lr_ratio, training.precision) == (0.1, 0.0, "bf16")
    assert training.learning_rate == RATES.get(name, 2e-4)
    longest = 2048 if name == "tinyllama" else 4096
    context = 8192 if name == "smollm2-135m" else longest
    assert (training.max_tokens, student.shape["max_position_embeddings"]) == (longest, context)
    assert training.gradient_checkpointing == (PARAMETERS[name] > 5e9)
    assert (decoding.max_new_tokens, decoding.overflow) == (1024, "wrong")
    assert found.tasks.id == ID and found.tasks.ood == OOD and found.corpus == "recon-v1"
    assert found.seeds == [0, 1, 2] and found.reference == "std_cot"


@real
def test_a_checkpoint_is_named_without_template_code_or_unread_revision(name: str) -> None:
    student = track.load(name).student
    assert student.path is not None
    assert student.path.count("/") == 1 or student.path == PACKAGED
    assert student.revision is None
    assert not student.chat_template and not student.trust_remote_code


@real
def test_a_file_says_how_it_is_launched_and_what_it_reproduces(name: str) -> None:
    text = (track.TRACKS / f"{name}.toml").read_text()
    assert text.startswith(f"# Launch: skbench run {name} ")
    ours = name not in RATES
    assert ("Not a student of the paper" in text) == ours
    assert "reconstruct" in track.load(name).about or ours


def test_bbh_scratch_asks_the_seven_data_sets_with_knowledge_to_train_on() -> None:
    found = track.load("bbh-scratch")
    assert found.tasks.id == ID and found.tasks.ood == OOD
    assert found.decoding.max_new_tokens == 128 and found.student.path is None
    needs = [registry.configure_named(name).needs for name in found.methods]
    assert any(need.train_knowledge for need in needs) and found.corpus == "bbh-codex-bank"


# ------------------------------------------------------------ the dry run

TRACK = toy_track(
    ["zero_shot", "std_cot", "kard", "cascod", "skintern"],
    student=scratch(1024) + "tie_word_embeddings = true\n",
    seeds=[0, 1],
    training={"batch_size": 8, "lora_rank": 3},
    decoding={"max_new_tokens": 8},
)


@pytest.fixture
def own_track(tmp_path: Path) -> str:
    path = tmp_path / "own.toml"
    path.write_text(TRACK)
    return str(path)


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def plan(*arguments: str) -> Any:
        assert main(["run", *arguments, "--dry-run", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return plan


@pytest.fixture
def nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(students, "load", lambda *_, **__: pytest.fail("weights were read"))


def test_it_lists_every_cell_and_reads_no_weights(
    plan: Callable[..., Any], own_track: str, home: Path, nothing_is_loaded: None
) -> None:
    found = plan(own_track, "--seeds", "0,1")
    cells = [(cell["method"], cell["seed"], cell["state"]) for cell in found["cells"]]
    names = ("zero_shot", "std_cot", "kard", "cascod", "skintern")
    assert cells == [(name, seed, "to do") for name in names for seed in (0, 1)]
    # Embedding; attention and gated layer; three norms.
    assert found["n_parameters"] == 400 * 16 + (4 + 3) * 16 * 16 + 3 * 16
    assert found["fetch_bytes"] == 0
    assert not (home / "runs").exists() and not (home / "records").exists()
    zero = found["cells"][0]
    assert zero["n_steps"] == zero["training_flops"] == zero["disk_bytes"] == 0
    assert zero["evaluation_flops"] > 0
    hours = sum(cell["gpu_hours"] for cell in found["cells"])
    assert found["gpu_hours_to_do"] == pytest.approx(hours)


def test_its_estimate_is_near_what_a_run_then_spends(
    plan: Callable[..., Any], own_track: str, home: Path
) -> None:
    """Prompts that withdraw knowledge and examples step by step are the hardest to foresee."""
    assert len(teacher.build("pocket-100", world=0).rows) <= N_ROWS
    arguments = (own_track, "--methods", "skintern", "--limit", "12")
    (planned,) = plan(*arguments)["cells"]
    assert main(["run", *arguments]) == 0
    (path,) = (home / "records").rglob("*.json")
    record = Record.load(path)
    spent = [each.prefill_flops + each.decode_flops for each in record.data_sets.values()]
    assert planned["n_steps"] == record.training.n_steps == 12
    assert planned["training_tokens"] == pytest.approx(record.training.tokens, rel=0.1)
    assert planned["training_flops"] == pytest.approx(record.training.flops, rel=0.1)
    assert planned["evaluation_flops"] == pytest.approx(sum(map(sum, spent)), rel=0.1)
    adapter = load_file(next((home / "runs").rglob("adapter_model.safetensors")))
    assert planned["disk_bytes"] == sum(weight.nbytes for weight in adapter.values())


def test_as_many_rows_without_knowledge_are_more_steps_the_more_is_shown(
    plan: Callable[..., Any],
) -> None:
    labels = ["std_cot", "skintern[steps=2]", "skintern"]
    found = plan("pocket-plain", "--methods", ",".join(labels), "--seeds", "0")["cells"]
    assert [(c["method"], c["n_steps"]) for c in found] == [
        (label, n * 12 * 13) for label, n in zip(labels, (1, 2, 4), strict=True)
    ]


def test_it_tells_what_is_done_and_what_is_only_trained(
    monkeypatch: pytest.MonkeyPatch, own_track: str
) -> None:
    chosen = track.load(own_track)
    methods, _ = planning.select(chosen, "std_cot,cascod,kard", [], None)
    cells = planning.plan(
        chosen, methods, [0], Scope(), skip_unmet=False, data=None, origin=(own_track,)
    )
    done, trained, _ = cells
    trained.folder.mkdir(parents=True)
    (trained.folder / "trained.json").write_text("{}")
    real_found = Cell.found
    monkeypatch.setattr(Cell, "found", lambda c: object() if c is done else real_found(c))
    found = dry_run.plan(cells)
    assert [cell.state for cell in found.cells] == ["done", "trained", "to do"]
    (_, second, third) = found.cells
    assert second.disk_bytes is not None and third.disk_bytes is not None
    assert found.disk_bytes_to_do == second.disk_bytes + third.disk_bytes


def test_what_two_rows_share_is_planned_once(plan: Callable[..., Any], own_track: str) -> None:
    first, second = plan(own_track, "--methods", "mt_cot,mt_cot[inference=cot]")["cells"]
    assert first["disk_bytes"] > second["disk_bytes"] == 0


def test_without_a_data_folder_it_says_what_it_could_not_count(
    plan: Callable[..., Any], nothing_is_loaded: None
) -> None:
    found = plan("tinyllama", "--seeds", "0,1,2")
    assert found["student"].startswith("TinyLlama/")
    assert found["n_parameters"] == PARAMETERS["tinyllama"]
    assert found["fetch_bytes"] == 2 * PARAMETERS["tinyllama"]
    assert {cell["state"] for cell in found["cells"]} == {"unknown"}
    assert len(found["cells"]) == 2 + 8 * 3 and found["gpu_hours_to_do"] is None
    (note,) = found["notes"]
    assert note.startswith("not counted: ") and "--data-dir" in note


def test_it_prints_a_table_for_people(capsys: pytest.CaptureFixture[str], own_track: str) -> None:
    assert main(["run", own_track, "--dry-run", "--methods", "std_cot"]) == 0
    shown = capsys.readouterr().out
    assert "std_cot" in shown and "to do" in shown and "GPU-hours assume 40%" in shown


def test_a_sweep_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "pocket", "--dry-run", "--sweep", "full"]) == 2
    assert "--sweep" in capsys.readouterr().err


@pytest.mark.skipif(not DATA, reason="needs real data: set SKBENCH_DATA")
def test_a_real_track_is_counted_without_weights_or_tokenizer(
    plan: Callable[..., Any], tmp_path: Path, nothing_is_loaded: None
) -> None:
    """On two of its layers: the rest would be counted in the same way."""
    path = tmp_path / "two-layers.toml"
    text = (track.TRACKS / "tinyllama.toml").read_text()
    path.write_text(text.replace("num_hidden_layers = 22", "num_hidden_layers = 2"))
    found = plan(str(path), "--methods", "std_cot,kard", "--data-dir", str(DATA))
    plain, with_passages = found["cells"]
    n_rows = json.loads((Path(corpora.__file__).parent / "recon-v1.json").read_text())["n"]
    assert plain["n_steps"] == with_passages["n_steps"] == 12 * -(-n_rows // 32)
    # Six FLOPs for each weight and token, less the embedding's, which is looked up.
    n_weights = found["n_parameters"] - 32000 * 2048
    assert plain["training_flops"] > 6 * n_weights * plain["training_tokens"]
    assert with_passages["training_flops"] > 1.3 * plain["training_flops"]
    assert with_passages["evaluation_flops"] > 1.3 * plain["evaluation_flops"]
    assert any(note.startswith("estimate: the student's tokenizer") for note in found["notes"])
