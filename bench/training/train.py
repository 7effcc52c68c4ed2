"""The one training loop: full or LoRA, accumulation, restarts, checkpoints, progress."""

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import torch

from bench.batch import Batch, Tokens, micro_batches, tokenize
from bench.ground.bars import Bar
from bench.ground.clock import clock
from bench.ground.files import write_atomically
from bench.method import Method
from bench.students import student as students
from bench.students.student import Student
from bench.track import Decoding, Training
from bench.training import checkpoint, parallel
from bench.training.checkpoint import LOG
from bench.training.logits import of_one_width, target_logits, teacher_logits
from bench.training.progress import Progress
from bench.training.schedule import learning_rate, order, segments, step_at
from bench.training.tree import grows
from bench.training.writing import written
from bench.types import Example


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the step and the examples."""


def fitted(
    method: Method, example: Example, progress: float, tokenizer: Any, max_tokens: int
) -> tuple[list[Tokens] | None, int]:
    """Tokenized pairs that fit, and how many demos they lost, the least similar first.

    None if the example does not fit even without demos.
    """
    pairs, n_dropped = method.pairs(example, progress), 0
    while True:
        sequences = [tokenize(tokenizer, pair) for pair in pairs]
        if all(len(sequence) <= max_tokens for sequence in sequences):
            return sequences, n_dropped
        if not example.demos:
            return None, n_dropped
        example = replace(example, demos=example.demos[:-1])
        shorter = method.pairs(example, progress)
        # A curriculum may not have shown the demo that was taken away.
        n_dropped += shorter != pairs
        pairs = shorter


def train(
    method: Method,
    examples: Sequence[Example],
    student: Student,
    training: Training,
    decoding: Decoding,
    *,
    seed: int,
    out: Path,
    total: int,
    teacher: Any = None,
    snapshots: Sequence[float] = (),
) -> Progress:
    """Train the student for `total` steps, going on from a checkpoint; weights in `out/weights`.

    The checkpoint stays, for who is cut off before what was spent is noted.
    `teacher` gives logits to a method that needs them; a method that learns on what the student
    itself writes has texts that end as `decoding` says. The weights at each progress of
    `snapshots` are kept as `out/weights-PROGRESS`. Raises TrainingError on a loss that is not
    finite, and on an example that does not fit the budget's `max_tokens` unless its `overflow` is
    "wrong", which skips and counts it. Of several processes the first alone writes.
    """
    out.mkdir(parents=True, exist_ok=True)
    # The seed is set before the adapter is built.
    student = students.adapt(student, training.lora_rank, training.lora_alpha, seed)
    if training.gradient_checkpointing:
        students.recompute_activations(student)
    starts = segments(method.restart_points, total)
    loop = _Loop(method, student, training, starts, teacher, seed)
    kept = [(step_at(point, total), point) for point in snapshots]
    state = loop.resume(out)
    steps = range(state.step, total)
    bar = Bar(steps, initial=state.step, total=total, what="training", leave=True)
    with (out / LOG if parallel.leads() else Path(os.devnull)).open("a") as log:
        for step in bar:
            began = clock()
            chosen = order(examples, step, training.batch_size, seed)
            sequences = loop.sequences(chosen, step / total, decoding.overflow, state)
            # Drawn per step, so that a run that is cut off goes on as it would have.
            if Random(f"{seed}/on policy {step}").random() < method.on_policy:
                given, sequences = sequences, loop.written(sequences, step, decoding)
                if decoding.overflow == "error" and len(sequences) < len(given):
                    raise TrainingError(
                        f"a prompt of step {step} leaves the student no room to write"
                        f" {decoding.max_new_tokens} tokens: raise training.max_tokens"
                        f" ({training.max_tokens}), lower decoding.max_new_tokens, or set"
                        " decoding.overflow = 'wrong'"
                    )
                state.skipped_examples += len(given) - len(sequences)
                state.add_written(sequences)
            loss = loop.step(step, sequences)
            if not math.isfinite(loss):
                ids = ", ".join(example.id for example in chosen)
                raise TrainingError(f"loss is {loss} at step {step}; examples of the step: {ids}")
            state.add(loss, sequences, clock() - began)
            state.add_known(loop.segment(step), chosen, sequences)
            line = {"step": step, "loss": loss, "lr": loop.rate(step)}
            log.write(json.dumps(line | {"tokens": sum(map(len, sequences))}) + "\n")
            bar.note(loss=f"{loss:.3f}")
            for _, point in (each for each in kept if each[0] == state.step):
                loop.save(out / f"weights-{point:g}")
            if state.step % training.checkpoint_steps == 0 and state.step < total:
                log.flush()
                loop.checkpoint(out, state, total)
    loop.save(out / "weights")
    return state


class _Loop:
    """Model, optimizer and precision of one training run."""

    def __init__(
        self,
        method: Method,
        student: Student,
        training: Training,
        starts: Sequence[int],
        teacher: Any,
        seed: int,
    ) -> None:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        # The state is global to a process, and the next run may ask for another precision.
        AcceleratorState._reset_state(reset_partial_state=True)
        precision = "bf16" if training.precision == "bf16" else "no"
        self._accelerator = Accelerator(
            mixed_precision=precision, cpu=not torch.cuda.is_available()
        )
        self._method, self._tokenizer = method, student.tokenizer
        self._revision = student.revision
        self._training, self._starts, self._teacher = training, starts, teacher
        self._seed, self._room = seed, training.micro_batch_tokens
        self._model = self._accelerator.prepare(student.model).train()
        self._trainable = {n: p for n, p in self._model.named_parameters() if p.requires_grad}
        self._optimizer = self._fresh_optimizer()

    def _fresh_optimizer(self) -> Any:
        decay = self._training.weight_decay
        weights = list(self._trainable.values())
        # Not prepared: the accelerator would keep every optimizer of the run, states and all.
        return torch.optim.AdamW(weights, lr=0.0, weight_decay=decay)

    def segment(self, step: int) -> int:
        """Which of the runs between restarts the step belongs to."""
        return sum(start <= step for start in self._starts[1:-1])

    def rate(self, step: int) -> float:
        return learning_rate(step, self._starts, self._training)

    def sequences(
        self, chosen: Sequence[Example], progress: float, overflow: str, state: Progress
    ) -> list[Tokens]:
        """The tokenized pairs of an optimizer step; lost demos and examples are counted."""
        found = list[Tokens]()
        for example in chosen:
            fit, dropped = fitted(
                self._method, example, progress, self._tokenizer, self._training.max_tokens
            )
            if fit is None and overflow == "error":
                raise TrainingError(
                    f"example {example.id} does not fit {self._training.max_tokens} tokens even"
                    " without demos: raise training.max_tokens, drop it from the corpus, or set"
                    " decoding.overflow = 'wrong'"
                )
            state.skipped_examples += fit is None
            state.dropped_demos += dropped
            found += fit or []
        return found

    def written(self, sequences: Sequence[Tokens], step: int, decoding: Decoding) -> list[Tokens]:
        """The same prompts with what the student goes on with; the first process writes for all."""
        return parallel.first_makes(
            lambda: written(
                Student(self._accelerator.unwrap_model(self._model), self._tokenizer),
                sequences,
                decoding,
                max_tokens=self._training.max_tokens,
                seed=self._seed * 2**20 + step,
            )
        )

    def step(self, step: int, sequences: Sequence[Tokens]) -> float:
        """One optimizer step; returns its loss, and does not step if that is not finite."""
        if step in self._starts[1:] and not self._method.keeps_moments:
            self._optimizer = self._fresh_optimizer()
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate(step)
        total = self._accumulated(sequences)
        if not math.isfinite(total):
            return total
        parallel.sum_gradients(self._trainable.values())
        self._accelerator.clip_grad_norm_(self._model.parameters(), self._training.max_grad_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return total

    def _accumulated(self, sequences: Sequence[Tokens]) -> float:
        """This process's share of a step's gradients, and the step's loss; where the memory of one
        is too small, all take smaller batches."""
        pad, own = self._tokenizer.pad_token_id, parallel.share(sequences)
        weights = self._method.objectives
        while True:
            batches = micro_batches(
                own, weights, pad, self._room, of=sequences, shared=grows(self._model)
            )
            loss, n_starved = 0.0, 0
            try:
                loss = self._backward(batches)
            except torch.OutOfMemoryError as error:
                n_starved = 1
                if len(batches) == len(own):
                    raise TrainingError(
                        f"the memory is too small for one sequence of {max(map(len, own))}"
                        " tokens: set training.gradient_checkpointing, or lower training.max_tokens"
                    ) from error
            loss, n_starved = parallel.summed(loss, n_starved)
            if not n_starved:
                return loss
            # What was accumulated is of a part of the step alone.
            self._optimizer.zero_grad(set_to_none=True)
            self._room //= 2
            print(
                f"out of memory: micro-batches of {self._room} tokens from here on, the loss stays"
                " what it is (training.micro_batch_tokens)",
                file=sys.stderr,
            )

    def _backward(self, batches: Sequence[Batch]) -> float:
        total = 0.0
        for batch in batches:
            batch = batch.to(self._accelerator.device)
            if self._teacher is not None:
                batch = replace(batch, teacher_logits=teacher_logits(self._teacher, batch))
            logits = target_logits(self._model, batch)
            if batch.teacher_logits is not None:
                logits, taught = of_one_width(logits, batch.teacher_logits)
                batch = replace(batch, teacher_logits=taught)
            loss = self._method.loss(logits, batch)
            if not torch.isfinite(loss):
                return loss.item()
            self._accelerator.backward(loss)
            total += loss.item()
        return total

    def checkpoint(self, out: Path, state: Progress, total: int) -> None:
        if parallel.leads():
            checkpoint.keep(
                out, self._trainable, self._optimizer, state, total, revision=self._revision
            )

    def resume(self, out: Path) -> Progress:
        """Go on from the checkpoint if there is one, with the log of then."""
        folder = checkpoint.newest(out)
        if parallel.leads():
            write_atomically(out / LOG, checkpoint.log_of(folder))
        if folder is None:
            return Progress()
        return checkpoint.revive(folder, self._trainable, self._optimizer, revision=self._revision)

    def save(self, folder: Path) -> None:
        if not parallel.leads():
            return
        model = self._accelerator.unwrap_model(self._model)
        students.save(Student(model, self._tokenizer), folder)
