"""The tracks that tests write."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def in_readme(beginning: str) -> list[list[str]]:
    """The words of the README's commands that begin so, after `skbench`."""
    readme = Path(__file__).parent.parent / "README.md"
    lines = [line.strip() for line in readme.read_text().splitlines()]
    found = [line for line in lines if line.startswith(f"skbench {beginning}")]
    assert found, f"the README has no command `skbench {beginning}`"
    return [shlex.split(line, comments=True)[1:] for line in found]


def scratch(context: int = 512) -> str:
    """A student of one layer from random weights, that reads `context` tokens, as TOML."""
    return f"""
[student.scratch]
vocab_size = 400

[student.scratch.config]
model_type = "llama"
hidden_size = 16
intermediate_size = 16
num_hidden_layers = 1
num_attention_heads = 2
max_position_embeddings = {context}
"""


def table(name: str, values: Mapping[str, Any]) -> str:
    """A table of TOML, which writes such values as JSON does."""
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(v)}\n" for key, v in values.items())


def toy_track(
    methods: Sequence[str] = ("std_cot",),
    *,
    student: str | Mapping[str, Any] | None = None,
    corpus: str = "pocket-100",
    reference: str = "std_cot",
    seeds: Sequence[int] = (0,),
    id: str = "pocket_chain",
    ood: Sequence[str] = ("pocket_unseen",),
    training: Mapping[str, Any] | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> str:
    """A track of seconds as TOML; `student`: a table of keys, or TOML, else one from scratch."""
    head = {"about": "A test.", "corpus": corpus, "reference": reference}
    head |= {"methods": [*methods], "seeds": [*seeds]}
    if student is None or isinstance(student, str):
        student = student or scratch()
    else:
        student = table("student", student)
    budget = {"epochs": 1, "batch_size": 4, "learning_rate": 1e-3} | dict(training or {})
    cap = {"max_new_tokens": 4, "latency_questions": 1} | dict(decoding or {})
    parts = (
        table("", head).partition("\n")[2],
        student,
        table("tasks", {"id": [id], "ood": [*ood]}),
        table("decoding", cap),
        table("training", budget),
    )
    return "\n".join(parts)
