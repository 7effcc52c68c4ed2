"""What the student itself writes to learn on."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from bench.batch import Tokens
from bench.students.generate import Generator
from bench.students.student import Student
from bench.track import Decoding


def written(
    student: Student, sequences: Sequence[Tokens], decoding: Decoding, *, max_tokens: int, seed: int
) -> list[Tokens]:
    """The same prompts, each with what the student goes on with, drawn at temperature 1.

    A text ends where one of a test would: at the end of text or at a stop string, whose last token
    is the last target, or after `max_new_tokens`. A prompt that leaves no room for so many in
    `max_tokens` or in the student's context is left out. The model is in training mode afterwards.
    """
    drawn = torch.Generator(student.device).manual_seed(seed)

    def draw(logits: torch.Tensor, _: Sequence[int]) -> torch.Tensor:
        shares = logits.float().softmax(-1)
        return torch.multinomial(shares, 1, generator=drawn)[:, 0]

    room = max_tokens - decoding.max_new_tokens
    fitting = [tokens for tokens in sequences if len(tokens.prompt) <= room]
    try:
        generator = Generator(student, replace(decoding, batch_size=len(sequences)))
        found = generator.write([tokens.prompt for tokens in fitting], draw)
    finally:
        student.model.train()
    return [
        replace(tokens, target=target)
        for tokens, target in zip(fitting, found, strict=True)
        if target
    ]
