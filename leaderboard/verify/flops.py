"""Whether FLOPs are what one student spends on so many tokens.

Prefill is a quadratic of the prompt's length, decode is affine in what is cached, and the paper's
measure is proportional to the prompt. All rows of a track ask one student, so lengths that two
rows share cost both the same.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from statistics import median

import numpy as np
from numpy.typing import NDArray

from leaderboard.store.record import Record
from leaderboard.verify.snapshot import told, whole
from leaderboard.verify.tree import Fault, Tree

EXACT = 1e-6
"""Relative: far below what one token more costs, far above what floats lose."""
BACKWARD_AND_FORWARD = 3
"""What a training step costs, over a forward pass."""
HELPERS = ("critic", "reranker")
ROUGH, FREE = 0.001, 3
"""Relative, of a law that is read beyond its points; the most factors that a law has."""
Lengths = tuple[str, int, int]
"""Which cost, and the lengths that it depends on: of the prompt, and written."""


def check_flops(tree: Tree) -> Iterator[Fault]:
    """Records whose FLOPs follow no law, or another than the rest of the track."""
    for table in tree.tables():
        spent = {place: _spent(record) for place, record in table.items()}
        usual = _usual(spent)
        laws = _laws(usual)
        for place, record in table.items():
            outside = [*_outside(record, laws), *_of_training(record, usual, laws)]
            yield from (Fault(tree.file(place), *fault) for fault in outside)
            helped = any(any(each.helper_flops) for each in record.data_sets.values())
            if helped and not any(told(record, "track", name) for name in HELPERS):
                yield Fault(
                    tree.file(place),
                    "helper_flops in a track without critic and reranker",
                    "none: nobody helped",
                )
        for place, costs in spent.items():
            for cost in ("prefill", "decode", "prompt_only"):
                own = {key: value for key, value in costs.items() if key[0] == cost}
                if not _is_lawful(cost, own):
                    yield Fault(
                        tree.file(place),
                        f"{cost}_flops follow no one student's law of its tokens",
                        "what `bench.costs.flops` counts for the tokens that stand beside them",
                    )
            odd = next((key for key in costs if costs[key] != usual[key]), None)
            if odd is not None:
                cost, prompt, written = odd
                behind = f" and {written} written" if written else ""
                yield Fault(
                    tree.file(place),
                    f"{cost}_flops {costs[odd]} for a prompt of {prompt} tokens{behind}",
                    f"{usual[odd]}, as in the track's other records",
                )


def _spent(record: Record) -> dict[Lengths, int]:
    """What one call costs, by its lengths; 0 where two questions of one length differ."""
    found = dict[Lengths, int]()

    def add(key: Lengths, flops: int) -> None:
        found[key] = flops if found.get(key, flops) == flops else 0

    for each in record.data_sets.values():
        for i, calls in enumerate(each.n_calls):
            if calls == 1:
                prompt, written = each.prompt_tokens[i], each.generated_tokens[i]
                add(("prefill", prompt, 0), each.prefill_flops[i])
                add(("decode", prompt, written), each.decode_flops[i])
            if calls:
                add(("prompt_only", each.prompt_tokens[i], 0), each.prompt_only_flops[i])
    return found


def _usual(spent: Mapping[str, Mapping[Lengths, int]]) -> dict[Lengths, int]:
    """What most records of the track say of each length."""
    said = dict[Lengths, Counter[int]]()
    for costs in spent.values():
        for key, value in costs.items():
            said.setdefault(key, Counter())[value] += 1
    return {key: counts.most_common(1)[0][0] for key, counts in said.items()}


def _laws(usual: Mapping[Lengths, int]) -> dict[str, NDArray[np.float64]]:
    """Cost -> the factors of its law, where single calls tell more than it has."""
    return {
        cost: _law(cost, own)[1]
        for cost in ("prefill", "decode")
        if len(own := {key: value for key, value in usual.items() if key[0] == cost}) > FREE
    }


def _outside(record: Record, laws: Mapping[str, NDArray[np.float64]]) -> Iterator[tuple[str, str]]:
    """What questions of several calls cost beyond what any lengths of the calls could.

    The calls' own lengths are not known, but their sums are.
    """
    for name, each in record.data_sets.items():
        columns = zip(
            each.n_calls,
            each.prompt_tokens,
            each.generated_tokens,
            each.prefill_flops,
            each.decode_flops,
            strict=True,
        )
        for n, prompt, written, prefill, decode in columns:
            if n < 2:
                continue
            steps = max(0, written - n)
            spent = {
                "prefill": (prefill, [(n, prompt, prompt**2 / n), (n, prompt, prompt**2)]),
                "decode": (decode, [(steps, 0), (steps, steps * prompt + steps * (steps - 1) / 2)]),
            }
            for cost, law in laws.items():
                flops, ends = spent[cost]
                low, high = (float(np.dot(end, law)) for end in ends)
                if not (1 - ROUGH) * low <= flops <= (1 + ROUGH) * high:
                    yield (
                        f"{name}: {cost}_flops {flops} for {n} calls, {prompt} tokens of prompts"
                        f" and {written} written",
                        f"from {low:.4g} to {high:.4g}, as one student spends",
                    )
                    return


def _of_training(
    record: Record, usual: Mapping[Lengths, int], laws: Mapping[str, NDArray[np.float64]]
) -> Iterator[tuple[str, str]]:
    """Training that costs what its tokens could not, however they lie in sequences: forward and
    backward through the linear layers at least, and at most with attention over the longest
    sequences. What the student wrote to learn on, it read once more than it learned on it.
    """
    spent, law = record.training, laws.get("prefill")
    each = [flops / key[1] for key, flops in usual.items() if key[0] == "prompt_only" and key[1]]
    longest = whole(told(record, "track", "training", "max_tokens"))
    if not (spent.tokens and each and law is not None and longest):
        return
    low = BACKWARD_AND_FORWARD * median(each) * spent.tokens
    passes = BACKWARD_AND_FORWARD + (spent.written_tokens > 0)
    high = passes * float(np.dot(law, (1, 1, longest))) * spent.tokens
    if not (1 - ROUGH) * low <= spent.flops <= (1 + ROUGH) * high:
        yield (
            f"training.flops {spent.flops:.4g} for training.tokens {spent.tokens}",
            f"from {low:.4g} to {high:.4g}, as one student spends on so many",
        )


def _is_lawful(cost: str, points: Mapping[Lengths, int]) -> bool:
    """Whether some law of that cost goes through all points."""
    if not points:
        return True
    design, law = _law(cost, points)
    flops = np.array(list(points.values()), dtype=np.float64)
    return bool(np.allclose(design @ law, flops, rtol=EXACT, atol=1.0))


def _law(
    cost: str, points: Mapping[Lengths, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The terms of that cost at each point, and the factors of the law that fits best."""
    prompt = np.array([key[1] for key in points], dtype=np.float64)
    steps = np.array([key[2] - 1 for key in points], dtype=np.float64)
    terms: dict[str, list[NDArray[np.float64]]] = {
        "prefill": [np.ones_like(prompt), prompt, prompt**2],
        "decode": [steps, steps * prompt + steps * (steps - 1) / 2],
        "prompt_only": [prompt],
    }
    design = np.stack(terms[cost], axis=1)
    scale = np.maximum(np.abs(design).max(axis=0), 1.0)
    flops = np.array(list(points.values()), dtype=np.float64)
    law = np.asarray(np.linalg.lstsq(design / scale, flops, rcond=None)[0], dtype=np.float64)
    return design, law / scale
