"""What both sides of a comparison read: a student's folder, texts to learn and prompts to ask."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import registry, track
from bench.corpora import attach
from bench.run import fit, planning, stages
from bench.run.cell import Cell
from leaderboard.store.record import Scope


@dataclass(frozen=True, slots=True)
class Case:
    """A student with what it is to learn, or to be asked; budgets are those of its track."""

    name: str
    n_steps: int
    batch_size: int
    lora_rank: int | None
    learning_rate: float
    max_tokens: int
    micro_batch_tokens: int
    max_new_tokens: int
    stop: list[str]
    pairs: list[tuple[str, str]]
    """Prompt and target, of Std-CoT."""
    prompts: list[str]

    @classmethod
    def read(cls, folder: Path) -> "Case":
        """The case that `write` left there."""
        return cls(**json.loads((folder / "case.json").read_text()))


def write(
    folder: Path,
    name: str,
    method: str,
    n_pairs: int,
    n_prompts: int,
    most: int,
    *,
    alike: bool = False,
) -> None:
    """The model and the case of a track: pairs of Std-CoT, prompts of `method`, evenly from all
    data sets in domain, at most `most` new tokens to each. `alike` takes such as begin alike, the
    way they stand together where all are asked, and not the first ones.
    """
    cell = _cell(name, method)
    student = fit.fresh(cell)
    student.model.save_pretrained(folder / "model")
    student.tokenizer.save_pretrained(folder / "model")
    training, taught = cell.track.training, registry.discover()["std_cot"]
    examples = fit.attached(_cell(name, "std_cot"), student, None)[:n_pairs]
    case = Case(
        name=name,
        n_steps=len(examples) // training.batch_size,
        batch_size=training.batch_size,
        lora_rank=training.lora_rank,
        learning_rate=training.learning_rate,
        max_tokens=training.max_tokens,
        micro_batch_tokens=training.micro_batch_tokens,
        max_new_tokens=most,
        stop=cell.track.decoding.stop,
        pairs=[(p.prompt, p.target) for each in examples for p in taught.pairs(each, 1.0)],
        prompts=_prompts(cell, n_prompts, alike),
    )
    (folder / "case.json").write_text(json.dumps(asdict(case)))


def _cell(name: str, method: str) -> Cell:
    data = os.environ.get("SKBENCH_DATA")
    chosen = [registry.configure(registry.discover(), method, [])]
    (cell,) = planning.plan(
        track.load(name),
        chosen,
        [0],
        Scope(),
        skip_unmet=False,
        data=Path(data) if data else None,
        origin=(),
    )
    return cell


def _prompts(cell: Cell, n: int, alike: bool) -> list[str]:
    if not n:
        return []
    ask = attach.asker(cell.corpus, cell.method.needs, cell.seed)
    found, tasks = list[str](), stages.items(cell)["tasks"]
    for name in cell.track.tasks.id:
        asked = [cell.method.prompt(ask(dict(doc))) for doc in tasks[name].eval_docs]
        found += (sorted(asked) if alike else asked)[: n // len(cell.track.tasks.id)]
    return found
