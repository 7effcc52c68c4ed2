"""Seconds of answering: random prompts that share nothing, and a text that never ends early."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.ground.bars import Bar
from bench.ground.clock import clock
from bench.students.generate import Choose, Generator
from bench.students.student import Student
from bench.track import Decoding
from tests.perf.growth.sizes import Section, Shape, Sizes
from tests.perf.growth.student import made

BATCH, PROMPT, NEW, QUESTIONS = 32, 64, 32, 64


def by_questions(sizes: Sizes, _: Path) -> Section:
    return _section("questions", sizes.questions, [(sizes.base, n, NEW) for n in sizes.questions])


def by_new_tokens(sizes: Sizes, _: Path) -> Section:
    asked = [(sizes.base, QUESTIONS, n) for n in sizes.new_tokens]
    return _section("new tokens", sizes.new_tokens, asked)


def by_parameters(sizes: Sizes, _: Path) -> Section:
    counts = [made(shape).model.num_parameters() for shape in sizes.shapes]
    return _section("parameters", counts, [(shape, QUESTIONS, NEW) for shape in sizes.shapes])


Asked = tuple[Shape, int, int]
"""Shape of the student, questions, new tokens to each."""


def _section(size: str, counts: Sequence[int], asked: Sequence[Asked]) -> Section:
    rows = [
        (n, {"seconds": _seconds(*each)})
        for n, each in zip(counts, Bar(asked, what="answering", unit="run"), strict=True)
    ]
    n_parameters = made(asked[0][0]).model.num_parameters() / 10**6
    held = {
        "parameters": f"a student of {n_parameters:.1f} M parameters",
        "questions": f"{QUESTIONS} questions of {PROMPT} tokens",
        "new tokens": f"{NEW} new tokens to each",
    }
    rest = ", ".join(text for name, text in held.items() if name != size)
    return Section(f"Answering against {size}", f"Batches of {BATCH}, {rest}.", size, rows)


def _seconds(shape: Shape, n_questions: int, n_new: int) -> float:
    """Greedy, with a KV cache, loading left out; two questions before warm it up."""
    student = made(shape)
    generator = Generator(student, Decoding(max_new_tokens=n_new, batch_size=BATCH))
    prompts = _prompts(student, n_questions)
    generator.write(prompts[:2], _endless(student))
    began = clock()
    generator.write(prompts, _endless(student))
    return clock() - began


def _prompts(student: Student, n: int) -> list[list[int]]:
    draw = torch.Generator().manual_seed(0)
    return torch.randint(len(student.tokenizer), (n, PROMPT), generator=draw).tolist()


def _endless(student: Student) -> Choose:
    """The likeliest token but the end."""
    end = torch.tensor([student.tokenizer.eos_token_id], device=student.device)

    def choose(logits: Tensor, _: Sequence[int]) -> Tensor:
        return logits.index_fill(-1, end, -torch.inf).argmax(-1)

    return choose
