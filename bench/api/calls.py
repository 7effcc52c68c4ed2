"""What can be asked from Python; imports stand inside: asking for one thing loads no other."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from leaderboard.store.record import DataSet, Record

_PER_QUESTION = (
    *("strict", "author", "flexible", "failed", "overflow", "prompt_tokens", "generated_tokens"),
    *("n_calls", "prefill_flops", "decode_flops", "prompt_only_flops"),
)


def run(
    track: str | Path,
    methods: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    *,
    method_file: Path | None = None,
    data_dir: str | None = None,
    limit: int | None = None,
) -> "list[Record]":
    """Train and judge what is not done yet: methods and seeds of the track unless some are named.

    `track` is a built-in one by name, or a file; what is done lies in $SKBENCH_HOME. Raises
    ConfigError and the other errors that `skbench run` tells.
    """
    from bench import track as tracks
    from bench.ground.places import data_dir as folder
    from bench.run import planning, stages
    from leaderboard.store.record import Scope

    chosen = tracks.load(str(track))
    named = None if methods is None else ",".join(methods)
    selected, was_all = planning.select(chosen, named, [], method_file)
    origin = (str(track), *_of_file(method_file))
    cells = planning.plan(
        chosen,
        selected,
        chosen.seeds if seeds is None else seeds,
        Scope(limit=limit),
        skip_unmet=was_all,
        data=folder(data_dir),
        origin=origin,
    )
    return stages.run_cells(cells)


def evaluate(
    model: Any,
    method: str,
    track: str | Path,
    *,
    tokenizer: Any = None,
    name: str = "model",
    seed: int = 0,
    limit: int | None = None,
    split: Literal["test", "dev"] = "test",
    sealed: int | None = None,
    world: int = 0,
    method_file: Path | None = None,
    data_dir: str | None = None,
) -> "Record":
    """Judge a student that was trained elsewhere under a method's test prompts.

    `model` is a folder or a hub id, full weights or a PEFT adapter; or a model of transformers or
    peft in memory, with its `tokenizer` and a `name` for its row. Items are those of the `split`,
    or new ones drawn from the seed `sealed`, in a `world` of an embedded suite.
    """
    if not isinstance(model, str | Path):
        if tokenizer is None:
            raise ValueError("evaluate: a model in memory needs its tokenizer")
        with TemporaryDirectory() as folder:
            saved = Path(folder) / name
            model.save_pretrained(saved)
            tokenizer.save_pretrained(saved)
            return evaluate(
                saved, method, track, seed=seed, limit=limit, split=split, sealed=sealed,
                world=world, method_file=method_file, data_dir=data_dir,
            )  # fmt: skip
    from bench import track as tracks
    from bench.ground.places import data_dir as folder_of
    from bench.reuse import judge
    from bench.run import planning
    from bench.track import ConfigError
    from leaderboard.store.record import Scope

    chosen = tracks.load(str(track))
    methods, _ = planning.select(chosen, method, [], method_file)
    if len(methods) != 1:
        raise ConfigError(f"method {method}: expected one method")
    origin = ("--track", str(track), *_of_file(method_file))
    return judge.judge(
        str(model), chosen, methods[0],
        seed=seed, scope=Scope(world, "sealed" if sealed is not None else split, sealed, limit),
        data=folder_of(data_dir), origin=origin,
    )  # fmt: skip


def load_records(folder: str | Path) -> list[dict[str, Any]]:
    """A row for each question of each record below `folder`, for pandas.DataFrame(rows).

    Outcomes are 0 or 1, tokens are counts, FLOPs integers; grades stand under their own names.
    Raises RecordError for a file that is no record.
    """
    from leaderboard.store.record import Record

    return [
        row
        for path in sorted(Path(folder).rglob("seed*.json"))
        for record in [Record.load(path)]
        for name, data_set in record.data_sets.items()
        for row in _rows(record, name, data_set)
    ]


def _of_file(method_file: Path | None) -> tuple[str, ...]:
    """As the command line says it."""
    return ("--method-file", str(method_file)) if method_file else ()


def _rows(record: "Record", name: str, data_set: "DataSet") -> Iterator[dict[str, Any]]:
    run = {
        "track": record.track,
        "version": record.version,
        "method": record.method,
        "label": record.label,
        "seed": record.seed,
        "data_set": name,
        "group": data_set.group,
    }
    columns = {each: getattr(data_set, each) for each in _PER_QUESTION} | dict(data_set.graded)
    for place, item in enumerate(data_set.items):
        yield run | {"item": item} | {key: values[place] for key, values in columns.items()}
