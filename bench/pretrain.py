"""The recipe of an embedded student: from random weights to a reader of what its prompt says.

A suite that embeds a student ships `student.toml` (architecture and schedule), `vocabulary.py`
(`build_tokenizer`) and `pretraining.py` (`documents`, `probe`, `VERSION`).
"""

import importlib
import json
import tomllib
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor, nn
from tqdm import tqdm

import tasks
from bench import student as students
from bench.files import write_atomically
from bench.generate import Generator
from bench.provenance import file_sha256
from bench.quiet import quiet_libraries
from bench.student import Student
from bench.track import ConfigError, Decoding, nearest
from bench.track import Student as Spec

TASKS = Path(tasks.__file__).parent
LOG_STEPS = 100
N_PROBE = 96


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
        bar = tqdm(range(stage["steps"]), desc=f"stage {index + 1}", disable=None)
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
                bar.set_postfix(loss=f"{loss:.3f}")
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


def probe(student: Student, pretraining: ModuleType) -> dict[str, float]:
    """Strict accuracy on what the suite's `probes` ask."""
    from tasks.scoring import matches, strict

    decoding = Decoding(max_new_tokens=128, batch_size=128, stop=["\n\nQuestion:"])
    generator, found = Generator(student, decoding), dict[str, float]()
    for name, pairs in pretraining.probes(N_PROBE).items():
        written = generator.complete([prompt for prompt, _ in pairs])
        right = 0
        for completion, (_, gold) in zip(written, pairs, strict=True):
            answer = strict(completion.text)
            right += answer is not None and matches(answer, gold)
        found[name] = right / len(pairs)
    return found


def make(suite: str, out: Path | None, *, only_probe: bool) -> dict[str, Any]:
    """Pretrain and probe the student of `tasks/SUITE`, or only probe the one that is there."""
    folder = TASKS / suite
    if not (folder / "student.toml").is_file():
        valid = sorted(path.parent.name for path in TASKS.glob("*/student.toml"))
        raise ConfigError(f"suite '{suite}' embeds no student: {nearest(suite, valid)}")
    quiet_libraries()
    pretraining = importlib.import_module(f"tasks.{suite}.pretraining")
    vocabulary = importlib.import_module(f"tasks.{suite}.vocabulary")
    recipe = tomllib.loads((folder / "student.toml").read_text())
    out = out or folder / "student"
    if not only_probe:
        tokenizer = vocabulary.build_tokenizer()
        done = pretrain(pretraining, tokenizer, recipe)
        report = {
            "data": pretraining.VERSION,
            "recipe": recipe,
            "parameters": done.model.num_parameters(),
            "tokens": done.n_tokens,
            "curve": done.curve,
        }
        _save(done.model, tokenizer, out, report)
    student = students.load(Spec(path=str(out)), texts=(), home=out, seed=0)
    found = json.loads((out / "pretraining.json").read_text())
    found["probe"] = probe(student, pretraining)
    found["sha256"] = file_sha256(out / "model.safetensors")
    if not only_probe:
        write_atomically(out / "pretraining.json", (json.dumps(found, indent=1) + "\n").encode())
        write_atomically(out / "README.md", card(suite, pretraining.__doc__ or "", found).encode())
    return found


def _save(model: Any, tokenizer: Any, out: Path, report: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_atomically(out / "pretraining.json", json.dumps(report).encode())
    for path in out.iterdir():
        path.chmod(0o644)


def describe(found: dict[str, Any]) -> str:
    """The probe as a table."""
    from tabulate import tabulate

    return tabulate(found["probe"].items(), headers=("probe", "accuracy"), floatfmt=".3f")


def card(suite: str, about: str, found: dict[str, Any]) -> str:
    """The model card: what it is, how it was made, what it can do."""
    from tabulate import tabulate

    config = found["recipe"]["config"]
    every = max(1, len(found["curve"]) // 12)
    curve = [tuple(point.values()) for point in found["curve"][::-every][::-1]]
    probes = [(name, f"{value:.1%}") for name, value in found["probe"].items()]
    return f"""# The student of the {suite} suite

{config["model_type"]}, {found["parameters"]:,} parameters, made by `skbench pretrain {suite}` from
`tasks/{suite}/student.toml`.

{about.strip()}

- seed {found["recipe"]["seed"]}, data version `{found["data"]}`, {found["tokens"]:,} tokens
- sha256 of `model.safetensors`: `{found["sha256"]}`
- licence: Apache-2.0

## Loss

{tabulate(curve, headers=("stage", "step", "loss"), tablefmt="github")}

## Probe

Strict accuracy; `skbench pretrain {suite} --probe` prints it again.

{tabulate(probes, headers=("prompt", "accuracy"), tablefmt="github")}
"""
