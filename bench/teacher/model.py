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
from bench.students.student import device
from bench.teacher.journal import Reply, Sampling, StoppedError
from bench.track import ConfigError


class Draw:
    """Samples from the softmax at a temperature, each row by a generator of its own.

    A row is therefore drawn alike whatever else is in its batch: Gumbel noise makes the greedy
    choice a sample.
    """

    def __init__(self, seeds: Sequence[int], temperature: float, device: torch.device) -> None:
        self._rows = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._temperature = temperature

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores (B, V) -> scores whose largest is the draw."""
        if self._temperature == 0:
            return scores
        noise = torch.stack(
            [
                torch.rand(scores.shape[-1], generator=row, device=scores.device)
                for row in self._rows
            ]
        )
        return scores.float() / self._temperature - (-(noise + 1e-20).log()).log()


class LocalTeacher:
    """Requests that wait at the same time are one batch, of at most `batch_size`."""

    def __init__(self, folder: Path, sampling: Sampling, batch_size: int) -> None:
        if not (folder / "config.json").is_file():
            raise ConfigError(
                f"--teacher {folder}: no config.json there: expected a model's folder"
            )
        self._folder, self._sampling, self._batch_size = folder, sampling, batch_size
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
    def _loaded(self) -> tuple[Any, Any]:
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
        return model.to(device()).eval(), tokenizer

    @torch.inference_mode()
    def _generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Reply]:
        from transformers import GenerationConfig, LogitsProcessorList

        model, tokenizer = self._loaded
        encoded = self._encode(prompts).to(model.device)
        known = model.generation_config.eos_token_id
        ends = tokenizer.eos_token_id if known is None else known
        config = GenerationConfig(
            max_new_tokens=self._sampling.max_tokens,
            do_sample=False,
            eos_token_id=ends,
            pad_token_id=tokenizer.pad_token_id,
        )
        draw: Any = Draw(seeds, self._sampling.temperature, model.device)
        out = model.generate(
            **encoded, generation_config=config, logits_processor=LogitsProcessorList([draw])
        )
        written = out[:, encoded["input_ids"].shape[1] :].tolist()
        lengths = encoded["attention_mask"].sum(-1).tolist()
        stops = {ends} if isinstance(ends, int) else set(ends)
        return [self._reply(ids, stops, n) for ids, n in zip(written, lengths, strict=True)]

    def _encode(self, prompts: Sequence[str]) -> Any:
        """Left-padded ids: through the chat template, or plain where the tokenizer has none."""
        model, tokenizer = self._loaded
        chat = tokenizer.chat_template is not None
        texts = [self._chat(prompt) for prompt in prompts] if chat else list(prompts)
        encoded = tokenizer(
            texts,
            add_special_tokens=not chat,
            padding=True,
            padding_side="left",
            return_tensors="pt",
            return_token_type_ids=False,
        )
        width, room = encoded["input_ids"].shape[1], model.config.max_position_embeddings
        if width + self._sampling.max_tokens > room:
            raise StoppedError(
                f"a prompt of {width} tokens and --max-tokens {self._sampling.max_tokens} do not"
                f" fit the model's context of {room}: lower --max-tokens"
            )
        return encoded

    def _chat(self, prompt: str) -> str:
        _, tokenizer = self._loaded
        message = [{"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)

    def _reply(self, ids: list[int], stops: set[int], n_prompt: int) -> Reply:
        _, tokenizer = self._loaded
        ended = next((i for i, token in enumerate(ids) if token in stops), None)
        text = tokenizer.decode(ids[:ended], skip_special_tokens=True)
        n_written = len(ids) if ended is None else ended + 1
        finish = "length" if ended is None else "stop"
        return Reply(text, finish, n_prompt, n_written, estimated=False)
