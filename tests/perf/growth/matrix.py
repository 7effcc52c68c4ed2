"""What every cell of the paper's matrix computes and moves, counted without weights: matrix.py DATA
writes matrix.json, which the page reads, so that it needs no data."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench import registry, track
from bench.costs.flops import FLOPS_PER_MAC, FlopModel, fit_flops
from bench.estimates.per_question import tokenizer_of
from bench.estimates.spending import Items, Meter, spending
from bench.estimates.walk import Ruler
from bench.ground.bars import Bar
from bench.ground.quiet import quiet_libraries
from bench.run import planning, stages
from bench.run.cell import Cell
from bench.students.shapes import meta_model, shape_of
from leaderboard.store.record import Scope

KEPT = Path(__file__).parent / "matrix.json"
TRACKS = ("tinyllama", "llama2-7b", "llama3-8b", "qwen2-0.5b", "qwen2-1.5b", "qwen2-7b")
"""The paper's students."""
BYTES = 2
"""Of a weight, a key and a value in bf16."""
NOTHING = FlopModel(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """A method on a student: one training, and all test questions answered once."""

    track: str
    student: str
    n_parameters: int
    n_layers: int
    cache_bytes: int
    """Keys and values of a token."""
    batch_size: int
    max_new_tokens: int
    """Of decoding, both."""
    method: str
    n_seeds: int
    n_steps: int
    training_flops: int
    prefill_flops: int
    n_calls: int
    n_prompt: int
    """Tokens of all prompts."""
    n_decoded: int
    """Tokens after the first of each call."""
    n_cached: int
    """Tokens in the cache, summed over the decoded ones."""


def read() -> list[Row]:
    """The rows as they were counted last."""
    return [Row(**row) for row in json.loads(KEPT.read_text())["rows"]]


def main(data: Path) -> None:
    quiet_libraries()
    rows, items = list[dict[str, Any]](), None
    for name in Bar(TRACKS, what="counting", unit="track"):
        cells = _cells(name, data)
        # The questions of all six are the same.
        items = items or {
            n: list(t.test_docs()) for n, t in stages.items(cells[0])["tasks"].items()
        }
        assert {*items} == {*cells[0].track.tasks.id, *cells[0].track.tasks.ood}
        rows += map(asdict, _rows(cells, items))
    about = "made by `python -m tests.perf.growth.matrix DATA`"
    KEPT.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


def _cells(name: str, data: Path) -> list[Cell]:
    """One of each method: seeds differ in their draws alone."""
    chosen = track.load(name)
    methods = [registry.configure_named(spec) for spec in chosen.methods]
    return planning.plan(chosen, methods, [0], Scope(), skip_unmet=False, data=data, origin=(name,))


def _rows(cells: list[Cell], items: Items) -> list[Row]:
    spec = cells[0].track
    model = meta_model(shape_of(spec))
    config, flops = model.config, fit_flops(model)
    tokenizer, _ = tokenizer_of(spec, cells[0].corpus)
    most = spec.decoding.max_new_tokens
    ruler = Ruler(tokenizer, most, room=config.max_position_embeddings - most)
    width = config.hidden_size // config.num_attention_heads
    shared = {
        "track": spec.name,
        "student": str(spec.student.path),
        "n_parameters": model.num_parameters(),
        "n_layers": config.num_hidden_layers,
        "cache_bytes": 2 * BYTES * config.num_hidden_layers * config.num_key_value_heads * width,
        "batch_size": spec.decoding.batch_size,
        "max_new_tokens": most,
    }
    bar = Bar(cells, what=spec.name, unit="method")
    return [Row(**shared, **_counted(cell, ruler, flops, items)) for cell in bar]


def _counted(cell: Cell, ruler: Ruler, flops: FlopModel, items: Items) -> Mapping[str, Any]:
    """What a dry run counts, by parts: each part is a model of costs that has no others."""
    trained = spending(cell, Meter(ruler, flops), None)

    def judged(part: FlopModel) -> int:
        total = spending(cell, Meter(ruler, part), items).evaluation_flops
        assert total is not None
        return total

    def count(**coefficient: int) -> int:
        return judged(replace(NOTHING, **coefficient)) // FLOPS_PER_MAC

    return {
        "method": cell.label,
        "n_seeds": len(planning.seeds_of(cell.track, cell.method, cell.track.seeds)),
        "n_steps": trained.n_steps,
        "training_flops": trained.training_flops,
        "prefill_flops": judged(replace(flops, decode_constant=0, decode_per_cached=0)),
        "n_calls": count(prefill_constant=1),
        "n_prompt": count(prefill_per_token=1),
        "n_decoded": count(decode_constant=1),
        "n_cached": count(decode_per_cached=1),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
