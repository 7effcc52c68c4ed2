"""`skbench run --dry-run`: the cells of a run and what they would take; nothing is trained."""

import json
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bench.estimates.spending import Items, Meter, Spending, spending
from bench.estimates.walk import Ruler
from bench.ground.exits import FINE
from bench.run.cell import TRAINED, Cell
from bench.track import ConfigError, Track

H100_BF16_FLOP_PER_S = 989e12
"""Dense peak of one H100."""
ACHIEVED_SHARE = 0.4
"""Of that peak; training comes near it, decoding in small batches stays far below."""
FLOP_PER_S = ACHIEVED_SHARE * H100_BF16_FLOP_PER_S
BYTES_TRAINED, BYTES_FETCHED = 4, 2
"""Per parameter: trained weights are kept in fp32, hubs have bf16."""

State = Literal["done", "trained", "to do", "unknown"]


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One cell of the matrix; null is what could not be counted. FLOPs and tokens are estimates."""

    method: str
    seed: int
    state: State
    """"trained": the weights are there, and are judged next."""
    n_steps: int | None = None
    training_tokens: int | None = None
    training_flops: int | None = None
    evaluation_flops: int | None = None
    gpu_hours: float | None = None
    disk_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command would do on one track."""

    track: str
    student: str
    n_parameters: int
    fetch_bytes: int
    """The student's weights, where they are on the hub and not here."""
    flop_per_s: float
    """What GPU-hours assume."""
    cells: list[PlannedCell]
    gpu_hours_to_do: float | None
    disk_bytes_to_do: int | None
    notes: list[str]
    """What the numbers are not."""


def show(
    args: Namespace, track: Track, seeds: Sequence[int], cells: Callable[[], Sequence[Cell]]
) -> int:
    """Print the plan of the arguments of `run`, where `cells` makes what they ask for."""
    from bench.ground.quiet import quiet_libraries
    from bench.run import planning
    from tasks.docs import MissingDataError

    quiet_libraries()
    if args.sweep is not None:
        raise ConfigError("--dry-run counts one track: leave out --sweep and name --methods")
    try:
        wanted = cells()
        if not wanted:
            return FINE  # all is published, and said to be
        found = plan(wanted)
    except MissingDataError as error:
        methods, _ = planning.select(track, args.methods, args.settings, args.method_file)
        labels = [(m.label, seed) for m in methods for seed in planning.seeds_of(track, m, seeds)]
        found = without_corpus(track, labels, str(error))
    print(json.dumps(asdict(found), indent=1) if args.json else describe(found))
    return FINE


def plan(cells: Sequence[Cell]) -> Plan:
    """The plan of cells of one track; the student's weights are never read."""
    from bench.ground import bars

    first, notes = cells[0], [_assumption()]
    with bars.stage("loading the questions"):
        model = _architecture(first.track)
        meter = _meter(first, model, notes)
        items = _items(first, notes)
    spent: dict[str, Spending] = {}
    planned = list[PlannedCell]()
    for cell in bars.Bar(cells, what="counting", unit="cell"):
        # Seeds differ in their draws alone.
        label = cell.label
        spent[label] = spent.get(label) or spending(cell, meter, items)
        shared = any(cell.folder == earlier.folder for earlier in cells[: len(planned)])
        planned.append(_planned(cell, spent[label], _kept_bytes(cell, model), shared=shared))
    if any(cell.method.needs.logits != "none" for cell in cells):
        notes.append("not counted: a teacher of logits, its passes and its training")
    if any(cell.method.on_policy for cell in cells):
        notes.append("not counted: what a student writes to learn on, and how long that is")
    if not all(cell.method.trains for cell in cells):
        notes.append("not counted: the log-likelihood of options, once for rows without training")
    return _plan(first.track, model, planned, notes)


def without_corpus(track: Track, labels: Sequence[tuple[str, int]], why: str) -> Plan:
    """The plan where not even the training rows can be read."""
    notes = [f"not counted: steps, tokens, FLOPs and what is done, for want of the corpus: {why}"]
    cells = [PlannedCell(label, seed, "unknown") for label, seed in labels]
    return _plan(track, _architecture(track), cells, notes)


def _plan(track: Track, model: Any, cells: list[PlannedCell], notes: list[str]) -> Plan:
    open_cells = [cell for cell in cells if cell.state != "done"]
    hours = [cell.gpu_hours for cell in open_cells]
    disk = [cell.disk_bytes for cell in open_cells]
    return Plan(
        track=track.name,
        student=track.student.path or "from scratch",
        n_parameters=model.num_parameters(),
        fetch_bytes=_fetch_bytes(track, model),
        flop_per_s=FLOP_PER_S,
        cells=cells,
        gpu_hours_to_do=None if None in hours else sum(h for h in hours if h),
        disk_bytes_to_do=None if None in disk else sum(b for b in disk if b),
        notes=notes,
    )


def _assumption() -> str:
    return (
        f"GPU-hours assume {ACHIEVED_SHARE:.0%} of an H100's {H100_BF16_FLOP_PER_S / 1e12:.0f}"
        " TFLOP/s; decoding in small batches takes longer. FLOPs are those of full fine-tuning:"
        " LoRA saves up to a third, gradient checkpointing adds a third"
    )


def _architecture(track: Track) -> Any:
    """The student on the meta device: by its shape, else by the config in its folder."""
    import torch
    from transformers import AutoModelForCausalLM

    from bench.students import checkpoint
    from bench.students.shapes import meta_model, shape_of
    from bench.students.student import checkpoint_path

    spec = track.student
    if spec.scratch is not None or spec.shape:
        return meta_model(shape_of(track))
    path = checkpoint_path(spec)
    checkpoint.find(path, spec.revision, spec.gguf_file)
    config = checkpoint.config(spec, path)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, trust_remote_code=spec.trust_remote_code)


def _meter(cell: Cell, model: Any, notes: list[str]) -> Meter:
    from bench.costs.flops import fit_flops
    from bench.estimates.per_question import tokenizer_of

    tokenizer, whose = tokenizer_of(cell.track, cell.corpus)
    if whose == "stand-in":
        notes.append("estimate: the student's tokenizer is not here; one of the corpus stands in")
    most = cell.track.decoding.max_new_tokens
    ruler = Ruler(tokenizer, most, room=model.config.max_position_embeddings - most)
    return Meter(ruler, fit_flops(model))


def _items(cell: Cell, notes: list[str]) -> Items | None:
    from bench.run import stages
    from tasks.docs import MissingDataError

    try:
        found: Mapping[str, Any] = stages.items(cell)["tasks"]
    except MissingDataError as error:
        notes.append(f"not counted: evaluation, for want of its questions: {error}")
        return None
    return {name: list(task.test_docs()) for name, task in found.items()}


def _planned(cell: Cell, spent: Spending, kept_bytes: int, *, shared: bool) -> PlannedCell:
    """`shared`: an earlier cell of the plan is trained alike, and this one takes its student."""
    trained = (cell.folder / TRAINED).is_file()
    judging = spent.evaluation_flops
    total = (
        None if judging is None else (0 if trained or shared else spent.training_flops) + judging
    )
    return PlannedCell(
        method=cell.label,
        seed=cell.seed,
        state="done" if cell.found() else "trained" if trained else "to do",
        n_steps=spent.n_steps,
        training_tokens=spent.training_tokens,
        training_flops=spent.training_flops,
        evaluation_flops=spent.evaluation_flops,
        gpu_hours=None if total is None else round(total / FLOP_PER_S / 3600, 3),
        disk_bytes=0 if trained or shared else kept_bytes,
    )


def _kept_bytes(cell: Cell, model: Any) -> int:
    """Weights that a cell leaves: none, an adapter on all linear layers but the head, or all."""
    from torch import nn

    rank = cell.track.training.lora_rank
    if not cell.method.trains:
        return 0
    if rank is None:
        return BYTES_TRAINED * model.num_parameters()
    head = model.get_output_embeddings()
    linear = [m for m in model.modules() if isinstance(m, nn.Linear) and m is not head]
    return BYTES_TRAINED * rank * sum(m.in_features + m.out_features for m in linear)


def _fetch_bytes(track: Track, model: Any) -> int:
    from huggingface_hub import try_to_load_from_cache

    from bench.students.student import checkpoint_path

    spec = track.student
    if spec.path is None:
        return 0
    path = checkpoint_path(spec)
    is_here = Path(path).is_dir() or any(
        isinstance(try_to_load_from_cache(path, name, revision=spec.revision), str)
        for name in ("model.safetensors", "model.safetensors.index.json")
    )
    return 0 if is_here else BYTES_FETCHED * model.num_parameters()


def describe(found: Plan) -> str:
    """The plan as a table for a terminal, its totals, and its notes."""
    from tabulate import tabulate

    rows = [
        [cell.method, cell.seed, cell.state, cell.n_steps]
        + [_si(n) for n in (cell.training_tokens, cell.training_flops, cell.evaluation_flops)]
        + [cell.gpu_hours, _si(cell.disk_bytes)]
        for cell in found.cells
    ]
    heads = ["method", "seed", "state", "steps", "training tokens", "training FLOP"]
    heads += ["evaluation FLOP", "GPU-hours", "disk bytes"]
    hours = "?" if found.gpu_hours_to_do is None else f"{found.gpu_hours_to_do:.2f}"
    total = (
        f"{found.track}: {found.student}, {found.n_parameters:,} parameters;"
        f" to fetch: {_si(found.fetch_bytes)} bytes; still to do: {hours} GPU-hours,"
        f" {_si(found.disk_bytes_to_do) or '?'} bytes of weights"
    )
    table = tabulate(rows, headers=heads, missingval="?", floatfmt=".3f")
    return "\n".join([table, "", total, *(f"- {note}" for note in found.notes)])


def _si(n: int | None) -> str | None:
    """Three digits and a prefix: 1.23 P."""
    if n is None:
        return None
    value, prefixes = float(n), iter(" kMGTPEZY")
    prefix = next(prefixes)
    while value >= 1000:
        value, prefix = value / 1000, next(prefixes)
    return f"{value:.3g} {prefix}".strip()
