"""What one GPU makes of real sizes, in some minutes: `python -m tests.perf.gpu`, to GPU.md.

Weights are random, of the shapes that the tracks give.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import torch
from tabulate import tabulate

from bench import track
from bench.costs import latency
from bench.costs.flops import FlopModel, fit_flops
from bench.ground.provenance import device_name
from bench.ground.quiet import quiet_libraries
from bench.students.generate import Generator
from bench.students.shapes import config_of, meta_model
from bench.students.student import Student, device
from bench.track import Decoding, Training
from bench.training.train import train
from bench.types import Example
from tasks.pocket.vocabulary import build_tokenizer
from tests.given import Given
from tests.perf.growth.child import WORD

PAGE = Path(__file__).with_name("GPU.md")
TRACKS = ("qwen2-0.5b", "tinyllama", "llama2-7b")
HEAD = ["student", "parameters", "training tokens/s", "of the products", "training GiB"]
HEAD += ["answers: tokens/s", "answering GiB", "the same again", "the same at a quarter"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done; the defaults are those of the page."""

    n_steps: int = 6
    batch_size: int = 8
    n_tokens: int = 2048
    n_prompts: int = 64
    n_prompt: int = 512
    n_new: int = 128
    product: int = 8192


def main(names: Sequence[str]) -> None:
    """Measure the students of these tracks, by default of three, and write the page."""
    quiet_libraries()
    sizes = Sizes()
    rate = product_rate(sizes.product)
    rows = [row(name, track.load(name).student.shape, sizes, rate) for name in names or TRACKS]
    about = (
        f"{device_name()}: {rate / 1e12:,.0f} TFLOP/s in bf16 products of {sizes.product} squared,"
        f" torch {torch.__version__}. Training: LoRA of rank 32 on all linear layers, frozen"
        f" weights in bf16, {sizes.n_steps} steps of {sizes.batch_size} sequences of"
        f" {sizes.n_tokens:,} tokens, the second half targets; of the products: FLOPs of the model"
        " that were done, without gradients of frozen weights, beside those products. Answers:"
        f" {sizes.n_prompts} prompts of {sizes.n_prompt} tokens at once, {sizes.n_new} new ones"
        " each; the same: of these, in a second run, and in batches a quarter as large."
    )
    table = tabulate(rows, HEAD, tablefmt="pipe", disable_numparse=True)
    PAGE.write_text(
        "# On a GPU\n\nMade by `python -m tests.perf.gpu`; do not edit. Random weights.\n\n"
        f"{about}\n\n{table}\n",
        encoding="utf-8",
    )


def product_rate(n: int) -> float:
    """FLOPs a second of bf16 matrix products (n, n) by (n, n): the best of ten."""
    one, other = (torch.randn(n, n, device=device(), dtype=torch.bfloat16) for _ in range(2))
    return max(2 * n**3 / _seconds(lambda: torch.mm(one, other)) for _ in range(10))


def row(name: str, shape: Mapping[str, Any], sizes: Sizes, rate: float) -> list[str]:
    """What a student of that shape takes."""
    flops = fit_flops(meta_model(shape))
    n_parameters = sum(weight.numel() for weight in meta_model(shape).parameters())
    tokens, share, taught = _training(shape, flops, sizes, rate)
    answers, held, again, other = _answering(_student(shape), sizes)
    return [
        name,
        f"{n_parameters / 1e9:.2f} G",
        f"{tokens:,.0f}",
        f"{100 * share:.0f} %",
        f"{taught / 2**30:.1f}",
        f"{answers:,.0f}",
        f"{held / 2**30:.1f}",
        again,
        other,
    ]


def _student(shape: Mapping[str, Any]) -> Student:
    """With pocket's tokenizer, whose words are among any vocabulary's first."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    with device():
        model: Any = AutoModelForCausalLM.from_config(config_of(shape), dtype=torch.bfloat16)
    return Student(model, build_tokenizer())


def _texts(student: Student, n: int, n_tokens: int, seed: int) -> list[str]:
    words = [word for word in student.tokenizer.get_vocab() if WORD.fullmatch(word)]
    draw = Random(seed)
    return ["".join(draw.choices(words, k=n_tokens)) for _ in range(n)]


def _training(
    shape: Mapping[str, Any], flops: FlopModel, sizes: Sizes, rate: float
) -> tuple[float, float, int]:
    """Tokens a second, the share of the products' FLOPs, and bytes at most."""
    student = _student(shape)
    n, half = sizes.n_steps * sizes.batch_size, sizes.n_tokens // 2
    prompts = _texts(student, n, sizes.n_tokens - half, 0)
    targets = _texts(student, n, half - 1, 1)  # the end of the text is a token
    rows = [
        Example(f"{i}", "", prompt, (), ("",), target, i)
        for i, (prompt, target) in enumerate(zip(prompts, targets, strict=True))
    ]
    training = Training(
        epochs=1,
        batch_size=sizes.batch_size,
        learning_rate=1e-4,
        lora_rank=32,
        precision="bf16",
        max_tokens=sizes.n_tokens,
        micro_batch_tokens=sizes.batch_size * sizes.n_tokens,
        checkpoint_steps=10**6,
    )
    with tempfile.TemporaryDirectory() as out:
        # The first step of a process loads what it runs on.
        train(
            Given(),
            rows,
            _student(shape),
            training,
            Decoding(max_new_tokens=1),
            seed=0,
            out=Path(out) / "one",
            total=1,
        )
        latency.reset_peak_memory(student.device)
        total = sizes.n_steps
        done = train(
            Given(),
            rows,
            student,
            training,
            Decoding(max_new_tokens=1),
            seed=0,
            out=Path(out) / "all",
            total=total,
        )
    peak = latency.peak_memory_bytes(student.device)
    assert set(done.lengths) == {sizes.n_tokens}
    spent = flops.training_flops(list(done.lengths.elements())) * 2 // 3
    return done.tokens / done.seconds, spent / done.seconds / rate, peak


def _answering(student: Student, sizes: Sizes) -> tuple[float, int, str, str]:
    """New tokens a second, bytes at most, and how many texts come out the same again."""
    prompts = _texts(student, sizes.n_prompts, sizes.n_prompt, 2)
    found = list[list[str]]()
    latency.reset_peak_memory(student.device)
    seconds = n_tokens = 0.0
    for batch_size in (sizes.n_prompts, sizes.n_prompts, sizes.n_prompts // 4):
        decoding = Decoding(max_new_tokens=sizes.n_new, batch_size=batch_size)
        generator = Generator(student, decoding)
        began = perf_counter()
        answers = generator.complete(prompts)
        if len(found) == 1:  # the first loads what it runs on
            seconds = perf_counter() - began
            n_tokens = sum(each.n_generated for each in answers)
        found.append([each.text for each in answers])
    first, *others = found
    same = [sum(a == b for a, b in zip(first, other, strict=True)) for other in others]
    told = [f"{n} of {len(first)}" for n in same]
    return n_tokens / seconds, latency.peak_memory_bytes(student.device), told[0], told[1]


def _seconds(work: Any) -> float:
    began = latency._now(device())
    work()
    return latency._now(device()) - began


if __name__ == "__main__":
    main(sys.argv[1:])
