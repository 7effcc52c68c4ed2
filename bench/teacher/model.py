"""A teacher that is a model folder on this machine, run with transformers."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.ground import provenance
from bench.ground.bars import stage
from bench.students.generate import Generator, turn_ends
from bench.students.student import Student, device
from bench.teacher.journal import Reply, Sampling, StoppedError
from bench.track import ConfigError, Decoding


class Draw:
    """Samples the next tokens of prompts, each prompt by a generator of its own.

    A prompt is therefore drawn alike whatever else is in its batch: Gumbel noise makes the
    likeliest token a sample. Of the tokens only the likeliest are drawn that have the probability
    `top_p` together (Holtzman et al. 2020).
    """

    def __init__(self, seeds: Sequence[int], sampling: Sampling, device: torch.device) -> None:
        self._rows = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._sampling = sampling
        self.logprobs = [0.0] * len(seeds)
        """Of each prompt's tokens so far, as the model has them before temperature and top-p."""

    def __call__(self, logits: Tensor, prompts: Sequence[int]) -> Tensor:
        """Logits (B, V) of the prompts with these numbers -> tokens (B,)."""
        found = logits.float().log_softmax(-1)
        chosen = self._drawn(found, prompts) if self._sampling.temperature else found.argmax(-1)
        said = found.gather(-1, chosen[:, None])[:, 0].tolist()
        for i, logprob in zip(prompts, said, strict=True):
            self.logprobs[i] += logprob
        return chosen

    def _drawn(self, scores: Tensor, prompts: Sequence[int]) -> Tensor:
        from transformers import TopPLogitsWarper

        scores = scores / self._sampling.temperature
        if self._sampling.top_p < 1:
            unread: Any = None  # the tokens so far
            scores = TopPLogitsWarper(self._sampling.top_p)(unread, scores)
        noise = [
            torch.rand(scores.shape[-1], generator=self._rows[i], device=scores.device)
            for i in prompts
        ]
        return (scores - (-(torch.stack(noise) + 1e-20).log()).log()).argmax(-1)


class LocalTeacher:
    """Requests that wait at the same time are one batch, of at most `batch_size`."""

    def __init__(
        self, folder: Path, sampling: Sampling, batch_size: int, *, plain: bool = False
    ) -> None:
        """`plain` leaves the chat template aside: prompts are texts to go on with."""
        if not (folder / "config.json").is_file():
            raise ConfigError(
                f"--teacher {folder}: no config.json there: expected a model's folder"
            )
        self._folder, self.sampling, self._batch_size = folder, sampling, batch_size
        self._plain = plain
        self._waiting: list[tuple[str, int, asyncio.Future[Reply]]] = []
        self._busy = asyncio.Lock()
        self.origin = "local folder"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"model": self._folder.resolve().name, "model_sha256": self._sha256}

    @cached_property
    def _sha256(self) -> str:
        """Of the files: another model of the same name is another teacher."""
        files = sorted([*self._folder.glob("*.json"), *self._folder.glob("*.safetensors")])
        return provenance.digest([[path.name, provenance.file_sha256(path)] for path in files])

    async def greet(self) -> None:
        """Load the model."""
        with stage("loading the teacher"):
            _ = self._loaded

    async def ask(self, prompt: str, seed: int) -> Reply:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((prompt, seed, reply))
        # The others that are about to ask come first, so that the batch is full.
        await asyncio.sleep(0)
        async with self._busy:
            while not reply.done():
                await self._run_batch()
        return await reply

    async def aclose(self) -> None: ...

    async def _run_batch(self) -> None:
        batch = self._waiting[: self._batch_size]
        del self._waiting[: self._batch_size]
        prompts, seeds = [prompt for prompt, _, _ in batch], [seed for _, seed, _ in batch]
        replies = await asyncio.to_thread(self._generate, prompts, seeds)
        for (_, _, future), reply in zip(batch, replies, strict=True):
            if not future.done():  # as it is when its asker was cancelled
                future.set_result(reply)

    @cached_property
    def _loaded(self) -> tuple[Student, set[int]]:
        """The model, and the tokens that its generation config ends a text with."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self._folder)
            model: Any = AutoModelForCausalLM.from_pretrained(
                self._folder, use_safetensors=True, dtype="auto"
            )
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"--teacher {self._folder} cannot be loaded: {str(error).splitlines()[0]}"
            ) from error
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token_id = tokenizer.eos_token_id
        if self._plain:
            tokenizer.chat_template = None
        return Student(model.to(device()).eval(), tokenizer), turn_ends(model)

    def _generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Reply]:
        student, ends = self._loaded
        decoding = Decoding(self.sampling.max_tokens, self._batch_size, list(self.sampling.stop))
        draw = Draw(seeds, self.sampling, student.device)
        written = Generator(student, decoding, ends).complete(prompts, draw)
        if long := [each.n_prompt for each in written if each.overflow]:
            raise StoppedError(
                f"a prompt of {max(long)} tokens and --max-tokens {self.sampling.max_tokens} do not"
                f" fit the model's context of {student.context_tokens}: lower --max-tokens"
            )
        return [
            Reply(
                each.text,
                "length" if each.cut else "stop",
                each.n_prompt,
                each.n_generated,
                estimated=False,
                logprob=round(logprob, 3),
            )
            for each, logprob in zip(written, draw.logprobs, strict=True)
        ]
