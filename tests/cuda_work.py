"""What a device does with tiny students: losses of steps, answers, and what memory these take.

As a program it tells as JSON what it found on the first GPU that it sees, else on the CPU.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from conftest import MUTE, _tokenizer, _toy_corpus, tiny_model

from bench.corpora import attach
from bench.students.generate import Completion, Generator
from bench.students.student import Student, device
from bench.track import Decoding, Training
from bench.training.train import train
from bench.types import Example, Needs
from tests.given import Given

BUDGETS: dict[str, dict[str, Any]] = {
    "full": {},
    "LoRA": {"lora_rank": 4, "lora_alpha": 8},
    "recomputed": {"gradient_checkpointing": True},
    "bf16": {"precision": "bf16"},
}
FAMILIES = ("lfm2", "llama")


def student(family: str) -> Student:
    """Wide random weights do not repeat themselves."""
    return Student(tiny_model(family, spread=0.5).to(device()), _tokenizer())


def examples(n: int = 1) -> list[Example]:
    """Those of the toy corpus, so many times."""
    rows = attach.examples(_toy_corpus(), Needs(), 0)
    taught = [Example(r.id, "", r.text, (), ("",), r.rationale, i) for i, r in enumerate(rows)]
    return taught * n


def losses(family: str, rows: Sequence[Example], n_steps: int, **budget: Any) -> list[float]:
    """Of every step."""
    training = Training(epochs=1, batch_size=len(rows) // n_steps, learning_rate=1e-3, **budget)
    with tempfile.TemporaryDirectory() as out:
        spent = train(
            Given(), rows, student(family), training, MUTE, seed=0, out=Path(out), total=n_steps
        )
    return spent.losses


def answers(family: str, n: int = 1) -> list[Completion]:
    """To prompts of which some share their beginning, so many times."""
    texts = [f"\n\nQuestion: {row['question']}\nAnswer:" for row in _toy_corpus().rows]
    prompts = [*texts, *("".join(texts[:8]) + text for text in texts)] * n
    return Generator(student(family), Decoding(max_new_tokens=16, batch_size=512)).complete(prompts)


def main() -> dict[str, Any]:
    """All that two devices should agree on."""
    return {
        "device": device().type,
        "losses": {
            f"{family} {name}": losses(family, examples(), 4, **budget)
            for family in FAMILIES
            for name, budget in BUDGETS.items()
        },
        "answers": {family: [each.text for each in answers(family)] for family in FAMILIES},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(main()))
