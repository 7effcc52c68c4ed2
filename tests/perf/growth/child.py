"""One training in a process of its own, for the sake of its peak memory: child.py CASE (JSON)."""

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

import torch

from bench.costs import latency
from bench.method import Method
from bench.students.student import Student
from bench.track import Decoding, Training
from bench.training.train import train
from bench.types import Example
from tests.given import Given
from tests.perf.growth.sizes import Shape
from tests.perf.growth.student import made

LORA_RANK = 16
WORD = re.compile(r" [a-z]{4}")
"""A token of pocket's vocabulary, whatever stands beside it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is trained: sequences of one length, or for some steps a row of pocket."""

    n_steps: int
    micro_batch_tokens: int
    shape: Shape = (0, 0)
    batch_size: int = 8
    n_tokens: int = 64
    row: str = ""
    """A method of pocket, on pocket's student, in the place of the three above."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What it took."""

    n_parameters: int
    seconds: float
    """Of the optimizer steps, loading and saving left out."""
    n_tokens: int
    longest: int
    """Tokens of the longest sequence."""
    loaded_bytes: int
    """Of the process before the first step: libraries and the student."""
    peak_bytes: int


def main(case: Case) -> Spent:
    """Train; the memory of a process counts from where its student is loaded."""
    student, method, examples, training = (_row if case.row else _repeated)(case)
    n_parameters = student.model.num_parameters()
    _load_libraries(student)
    latency.reset_peak_memory(student.device)
    loaded = latency.peak_memory_bytes(student.device)
    with tempfile.TemporaryDirectory() as out:
        done = train(
            method,
            examples,
            student,
            training,
            Decoding(max_new_tokens=1),
            seed=0,
            out=Path(out),
            total=case.n_steps,
        )
    peak = latency.peak_memory_bytes(student.device)
    longest = max(done.lengths)
    return Spent(n_parameters, done.seconds, done.tokens, longest, loaded, peak)


def _load_libraries(student: Student) -> None:
    """The first pass and the first step of a process load what they run on."""
    import accelerate  # noqa: F401
    import peft  # noqa: F401

    with torch.inference_mode():
        student.model(torch.tensor([[0]], device=student.device))
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.sum().backward()
    torch.optim.AdamW([weight]).step()


Job = tuple[Student, Method, Sequence[Example], Training]


def _repeated(case: Case) -> Job:
    """Half of a sequence is prompt, half target with the end of the text; none begin alike."""
    student, half, draw = made(case.shape), case.n_tokens // 2, Random(0)
    words = [word for word in student.tokenizer.get_vocab() if WORD.fullmatch(word)]

    def text(n: int) -> str:
        return "".join(draw.choices(words, k=n))

    rows = [
        Example(f"{i}", "", text(case.n_tokens - half), (), ("",), text(half - 1), i)
        for i in range(case.n_steps * case.batch_size)
    ]
    training = Training(
        epochs=1,
        batch_size=case.batch_size,
        learning_rate=1e-4,
        lora_rank=LORA_RANK,
        micro_batch_tokens=case.micro_batch_tokens,
        checkpoint_steps=10**6,
    )
    return student, Given(), rows, training


def _row(case: Case) -> Job:
    from bench import registry, track
    from bench.run import fit, planning
    from leaderboard.store.record import Scope

    method = registry.configure_named(case.row)
    (cell,) = planning.plan(
        track.load("pocket"), [method], [0], Scope(), skip_unmet=False, data=None, origin=()
    )
    student = fit.fresh(cell)
    training = replace(cell.training, micro_batch_tokens=case.micro_batch_tokens)
    return student, method, fit.attached(cell, student, None), training


if __name__ == "__main__":
    print(json.dumps(asdict(main(Case(**json.loads(sys.argv[1]))))))
