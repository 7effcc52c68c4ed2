"""A two-layer student of two architectures and a toy corpus: in memory, seeded, offline."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch
from transformers import Lfm2Config, Lfm2ForCausalLM, LlamaConfig, LlamaForCausalLM

from bench import registry
from bench.corpora.corpus import Corpus
from bench.run.cell import Cell
from bench.students.student import Student
from bench.track import Decoding, LogitTeacher, Tasks, Track, Training
from bench.track import Student as Spec
from leaderboard.store.record import Scope
from tasks.commonsense import teacher as commonsense
from tasks.pocket import teacher
from tasks.pocket.vocabulary import build_tokenizer

N_PER_FAMILY = 3
MUTE = Decoding(max_new_tokens=1)
"""Of a training in which the student writes nothing."""
WIDTHS: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with what takes minutes begin first, so that none is alone with one in the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test writes into a home of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SKBENCH_HOME", str(folder))
    monkeypatch.delenv("SKBENCH_DATA", raising=False)
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums of floats depend on how many threads make them; two layers need no more than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return _tokenizer()


@cache
def _tokenizer() -> Any:
    return build_tokenizer()


def tiny_model(family: str, *, spread: float = 0.05, seed: int = 0, n_layers: int = 2) -> Any:
    """Random weights of standard deviation `spread`: wide ones write texts that do not repeat."""
    torch.manual_seed(seed)
    shape = WIDTHS | {"vocab_size": len(_tokenizer()), "initializer_range": spread}
    shape["num_hidden_layers"] = n_layers
    if family == "llama":
        return LlamaForCausalLM(LlamaConfig(**shape)).eval()
    config = Lfm2Config(
        **shape,
        layer_types=(["conv", "full_attention"] * n_layers)[:n_layers],
        conv_L_cache=4,
        block_auto_adjust_ff_dim=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    return Lfm2ForCausalLM(config).eval()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of published data."""
    if not os.environ.get("SKBENCH_DATA"):
        pytest.skip("SKBENCH_DATA is not set: no folder of published data to read")
    return Path(os.environ["SKBENCH_DATA"])


@pytest.fixture
def make_student(tokenizer: Any) -> Callable[..., Student]:
    def make(family: str = "lfm2", *, spread: float = 0.05, seed: int = 0) -> Student:
        return Student(tiny_model(family, spread=spread, seed=seed), tokenizer)

    return make


@pytest.fixture(params=["lfm2", "llama"])
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def toy_corpus() -> Corpus:
    """A dozen rows of the pocket corpus, three of each family, with all its passages."""
    return _toy_corpus()


@cache
def _toy_corpus() -> Corpus:
    built = teacher.build("pocket-100", world=0)
    rows = [row for row in built.rows if int(row["id"].rpartition("/")[2]) < N_PER_FAMILY]
    texts = [passage["text"] for passage in built.passages]
    return Corpus(rows, texts, {"sha256": "toy", "teacher_tokens": 1})


@pytest.fixture(scope="session")
def toy_triples() -> Corpus:
    """Three triples of each relation, by people and by the loose teacher."""
    built = commonsense.build("pocket-commonsense", world=0)
    rows = [*built.rows[:21], *built.rows[-21:]]
    return Corpus(rows, [], {"sha256": "triples", "teacher_tokens": 1}, built.labels)


@pytest.fixture
def make_cell(tmp_path: Path, toy_corpus: Corpus) -> Callable[..., Cell]:
    """Cells on the toy corpus; the student and a teacher with one layer more lie in folders."""
    for name, n_layers in (("student", 2), ("larger", 3)):
        tiny_model("llama", n_layers=n_layers).save_pretrained(tmp_path / name)
        _tokenizer().save_pretrained(tmp_path / name)

    def make(label: str, *, seed: int = 0, teacher: str = "std_cot", **training: Any) -> Cell:
        budget = {"epochs": 2, "batch_size": 5, "learning_rate": 1e-2} | training
        track = Track(
            name="toy",
            about="a test",
            corpus="toy",
            reference="std_cot",
            methods=["std_cot"],
            seeds=[0],
            student=Spec(path=str(tmp_path / "student")),
            tasks=Tasks(["pocket_chain"], []),
            training=Training(**budget),
            decoding=Decoding(max_new_tokens=4),
            logit_teacher=LogitTeacher(str(tmp_path / "larger"), teacher),
        )
        method = registry.configure_named(label)
        return Cell(track, method, seed, Scope(), toy_corpus, None, ("toy",))

    return make
