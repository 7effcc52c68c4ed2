"""The recipe of an embedded student: from random weights to a reader of what its prompt says.

A suite that embeds a student ships `student.toml` (architecture and schedule), `vocabulary.py`
(`build_tokenizer`) and `pretraining.py` (`documents`, `probes`, `VERSION`).
"""

from collections.abc import Iterator, Sequence
from itertools import cycle
from types import ModuleType
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor, nn

from bench.ground.bars import Bar

LOG_STEPS = 100


class Point(TypedDict):
    """Mean loss over the last `LOG_STEPS` steps."""

    stage: int
    step: int
    loss: float


class Pretrained(NamedTuple):
    """A fresh student and how it got there."""

    model: Any
    n_tokens: int
    curve: list[Point]


def batches(
    pretraining: ModuleType, tokenizer: Any, stage: dict[str, Any], seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless (input_ids, labels), each (B, T): one document a row, cut at T; -100 is no target."""
    documents = pretraining.documents(seed, many_rules=stage["many_rules"])
    eos = tokenizer.eos_token_id
    for n_rows, length in cycle(stage["rows"]):
        ids, labels = [], []
        while len(ids) < n_rows:
            row, targets = list[int](), list[int]()
            for text, counted in next(documents):
                piece = tokenizer(text, add_special_tokens=False).input_ids
                row += piece
                targets += piece if counted else [-100] * len(piece)
                if len(row) >= length:
                    break
            if len(row) < length:
                row += [eos] * (length - len(row))
                targets += [-100] * (length - len(targets))
            ids.append(row[:length])
            labels.append(targets[:length])
        yield torch.tensor(ids), torch.tensor(labels)


def initialise(model: nn.Module) -> None:
    """Fan-in normal weights, near-identity convolutions, keys that start equal to queries."""
    for name, weight in model.named_parameters():
        if "embed_tokens" in name:
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
        elif "layernorm" in name and ("q_" in name or "k_" in name):
            nn.init.constant_(weight, 1.5)
        elif weight.ndim == 3:
            nn.init.constant_(weight, 0.5)
            with torch.no_grad():
                weight[..., -1] = 1.0
        elif weight.ndim == 2:
            half = 0.5 if name.endswith(("out_proj.weight", "w2.weight")) else 1.0
            nn.init.normal_(weight, std=half * weight.shape[1] ** -0.5)
    weights = dict(model.named_parameters())
    for name, weight in weights.items():
        if name.endswith("k_proj.weight"):
            with torch.no_grad():
                weight.copy_(weights[name.replace("k_proj", "q_proj")])


def _optimizers(model: nn.Module, recipe: dict[str, Any]) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for embeddings, norms and convolutions."""
    named = list(model.named_parameters())
    matrices = [w for n, w in named if w.ndim == 2 and "embed_tokens" not in n]
    others = [w for n, w in named if w.ndim != 2 or "embed_tokens" in n]
    decay = recipe["weight_decay"]
    optimizers = [
        torch.optim.Muon(matrices, lr=recipe["muon_lr"], weight_decay=decay, momentum=0.95),
        torch.optim.AdamW(others, lr=recipe["adamw_lr"], weight_decay=decay),
    ]
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["initial_lr"] = group["lr"]
    return optimizers


def schedule(step: int, n_steps: int, n_warmup: int, decay_fraction: float) -> float:
    """Warm-up, constant rate, then linear decay to zero; a factor in [0, 1]."""
    n_decay = max(1, round(n_steps * decay_fraction))
    return min(1.0, (step + 1) / n_warmup, (n_steps - step) / n_decay)


def pretrain(pretraining: ModuleType, tokenizer: Any, recipe: dict[str, Any]) -> Pretrained:
    """Train the recipe's architecture from random weights through all stages."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(recipe["seed"])
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**recipe["config"]))
    initialise(model)
    curve, n_tokens = list[Point](), 0
    for index, stage in enumerate(recipe["stages"]):
        stream = batches(pretraining, tokenizer, stage, recipe["seed"] + index)
        optimizers = _optimizers(model, recipe)
        name = f"stage {index + 1} of {len(recipe['stages'])}"
        bar = Bar(range(stage["steps"]), what=name, leave=True)
        recent = list[float]()
        for step in bar:
            ids, labels = next(stream)
            factor = schedule(
                step, stage["steps"], recipe["warmup_steps"], recipe["decay_fraction"]
            )
            recent.append(_step(model, optimizers, ids, labels, factor, recipe["max_grad_norm"]))
            n_tokens += ids.numel()
            if (step + 1) % LOG_STEPS == 0:
                loss = round(sum(recent) / LOG_STEPS, 5)
                curve.append({"stage": index + 1, "step": step + 1, "loss": loss})
                bar.note(loss=f"{loss:.3f}")
                recent.clear()
    return Pretrained(model, n_tokens, curve)


def _step(
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    ids: Tensor,
    labels: Tensor,
    factor: float,
    max_grad_norm: float,
) -> float:
    """One optimizer step under bf16 autocast; FloatingPointError if the loss is not finite."""
    with torch.autocast(ids.device.type, torch.bfloat16):
        logits = model(input_ids=ids, use_cache=False).logits
    loss = nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]).float(), labels[:, 1:].reshape(-1)
    )
    if not torch.isfinite(loss):
        raise FloatingPointError(f"the pretraining loss is {loss.item()}")
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return loss.item()
