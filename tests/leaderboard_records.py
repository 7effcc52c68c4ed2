"""A factory of small records for the tests of the board."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from leaderboard.store.probes import ProbePoint, ProbeRecord
from leaderboard.store.record import SCHEMA, DataSet, Latency, Record, Scope, Training

OUTCOMES = {"id_a": [1, 0, 1, 1], "ood_a": [0, 0, 1, 1]}


def data_set(name: str, strict: Sequence[int], **lists: Sequence[object]) -> DataSet:
    """Outcomes of a data set; its group is the part of its name before the underscore."""
    n = len(strict)
    base = DataSet(
        group="id" if name.startswith("id_") else "ood",
        items_sha256=f"sha256 of {name}",
        items=[f"{name}/{i}" for i in range(n)],
        strict=list(strict),
        author=list(strict),
        flexible=list(strict),
        failed=[0] * n,
        overflow=[0] * n,
        prompt_tokens=[10] * n,
        generated_tokens=[5] * n,
        n_calls=[1] * n,
        prefill_flops=[1000] * n,
        decode_flops=[500] * n,
        prompt_only_flops=[900] * n,
    )
    return replace(base, **{key: list(values) for key, values in lists.items()})


def record(
    label: str = "std_cot",
    seed: int = 0,
    outcomes: Mapping[str, Sequence[int]] = OUTCOMES,
    **changes: object,
) -> Record:
    """One run on the track `toy`; `changes` replace fields of the record."""
    base = Record(
        schema=SCHEMA,
        kind="student",
        track="toy",
        method=re.split(r"[\[+@]", label)[0],
        label=label,
        seed=seed,
        scope=Scope(),
        reference="std_cot",
        data_sets={name: data_set(name, strict) for name, strict in outcomes.items()},
        latency=Latency(4, 0.01, 0.02, 0.002, 0.003, 100.0, 1_000_000),
        training=Training(400, 150, 50_000, 30.0, 10**12, 0, 0, 20_000, 0.5),
        retrieval_recall=None,
        snapshot={},
        provenance={"dirty": False},
    )
    return replace(base, **changes)


def with_costs(base: Record, name: str, **lists: Sequence[object]) -> Record:
    """The record with other lists in one data set."""
    changed = replace(base.data_sets[name], **{key: list(v) for key, v in lists.items()})
    return replace(base, data_sets={**base.data_sets, name: changed})


def trained(base: Record, **changes: object) -> Record:
    """The record with other costs of training."""
    return replace(base, training=replace(base.training, **changes))


def in_sweep(
    label: str,
    world: int,
    right: int,
    value: str = "40",
    axis: str = "training items",
    order: int = 1,
    **changes: object,
) -> Record:
    """One run of the sweep `regimes`: `right` of 10 answers in each group, in its own world."""
    bits = [1] * right + [0] * (10 - right)
    point = {"sweep": "regimes", "axis": axis, "value": value, "order": order}
    point |= {"treatment": "skintern", "control": "std_cot[restarts=3]"}
    base = record(
        label,
        seed=world,
        outcomes={"id_a": bits, "ood_a": bits[::-1]},
        track=f"toy.regimes.{axis}-{value}".replace(" ", "-"),
        scope=Scope(world=world),
        snapshot={"point": point},
        provenance={"dirty": False, "commit": "c0ffee", "date": "2026-11-21", "command": "run"},
    )
    return replace(base, **changes)


def probe(label: str = "skintern", seed: int = 0, **changes: object) -> ProbeRecord:
    """Three items, two shares, two facts, probed before and after training."""
    points = [
        ProbePoint(0.0, 0, [[1, 1, 0], [0, 0, 0]], [0, 0]),
        ProbePoint(1.0, 150, [[1, 1, 1], [1, 0, 1]], [1, 0]),
    ]
    base = ProbeRecord(
        schema=1,
        track="toy",
        method=re.split(r"[\[+@]", label)[0],
        label=label,
        seed=seed,
        items=["a", "b", "c"],
        shares=[1.0, 0.0],
        points=points,
        facts=["Ida lives in Ulm.", "Ulm is red."],
        provenance={"dirty": False},
    )
    return replace(base, **changes)


def save(root: Path, records: Sequence[Record]) -> None:
    """Write records as a folder that the board reads."""
    for each in records:
        scope = each.scope
        name = f"seed{each.seed}-{scope.world}-{scope.sealed}.json"
        name = f"seed{each.seed}.json" if scope.is_public else name
        each.save(root / each.track / each.label / name)
