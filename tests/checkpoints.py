"""Random checkpoints in the hub's layout, for the tests that load them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from conftest import WIDTHS, _tokenizer
from transformers import AutoConfig, AutoModelForCausalLM

from bench.batch import encode
from bench.students import student as students
from bench.students.student import Student
from bench.track import Student as Spec

ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "llama": {"model_type": "llama", "tie_word_embeddings": False},
    "qwen2": {"model_type": "qwen2"},
    "qwen3": {"model_type": "qwen3", "head_dim": 8},
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PROMPT = "\n\nQuestion: How many?\nAnswer: Let's think step by step."


def save(folder: Path, architecture: str) -> Path:
    """A random checkpoint with its tokenizer, as save_pretrained lays it out, in several files."""
    torch.manual_seed(3)
    shape = WIDTHS | {"vocab_size": len(_tokenizer()), "initializer_range": 0.3}
    config = AutoConfig.for_model(**{**shape, **ARCHITECTURES[architecture]})
    AutoModelForCausalLM.from_config(config).save_pretrained(folder, max_shard_size="30KB")
    _tokenizer().save_pretrained(folder)
    return folder


def copy(folder: Path, to: Path, *drop: str, **config: Any) -> Path:
    """A copy without the files that match `drop`, with `config` changed."""
    to.mkdir()
    for path in folder.iterdir():
        if not any(path.match(pattern) for pattern in drop):
            (to / path.name).write_bytes(path.read_bytes())
    if config:
        told = json.loads((to / "config.json").read_text())
        (to / "config.json").write_text(json.dumps(told | config))
    return to


def into_cache(folder: Path, cache: Path, name: str) -> None:
    """The folder as the hub's cache keeps org/NAME: blobs, a ref, a snapshot of links."""
    repository = cache / f"models--org--{name}"
    snapshot = repository / "snapshots" / COMMIT
    for part in (repository / "blobs", repository / "refs", snapshot):
        part.mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    for number, path in enumerate(sorted(folder.iterdir())):
        blob = repository / "blobs" / str(number)
        blob.write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(blob)


def load(path: str | Path, **settings: Any) -> Student:
    """The student as a track would load it."""
    return students.load(Spec(path=str(path), **settings), texts=(), home=Path(), seed=0)


@torch.no_grad()
def logits(student: Student) -> torch.Tensor:
    """(1, T, V) of a fixed prompt."""
    ids = torch.tensor([encode(student.tokenizer, PROMPT)])
    return student.model.eval()(ids).logits
