"""Whether the outcomes and costs of each question can be those of one run."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from leaderboard.store.record import DataSet, Record
from leaderboard.verify.snapshot import told
from leaderboard.verify.tree import Fault, Tree

Law: TypeAlias = tuple[str, str, NDArray[np.bool_]]
"""What is broken, what should hold, and where it is broken."""


def check_outcomes(tree: Tree) -> Iterator[Fault]:
    """The first item of each data set that breaks a law that the harness cannot break."""
    for place, record in tree.records.items():
        for name, data_set in record.data_sets.items():
            if len(set(data_set.items)) < len(data_set.items):
                yield Fault(tree.file(place), f"{name}: an item twice", "each item once")
            for what, expected, broken in _laws(record, data_set):
                if broken.any():
                    item = data_set.items[int(np.flatnonzero(broken)[0])]
                    more = f", and {n - 1} more" if (n := int(broken.sum())) > 1 else ""
                    yield Fault(tree.file(place), f"{name}, item {item}{more}: {what}", expected)


def _laws(record: Record, data_set: DataSet) -> Iterator[Law]:
    def column(name: str) -> NDArray[np.int64]:
        return np.array(getattr(data_set, name), dtype=np.int64)

    right, failed, overflow = column("strict"), column("failed"), column("overflow")
    calls, prompt, written = column("n_calls"), column("prompt_tokens"), column("generated_tokens")
    prefill, decode, only = (column(f"{x}_flops") for x in ("prefill", "decode", "prompt_only"))
    yield "right, and failed", "strict 0 where no answer was found", (right & failed) == 1
    yield (
        "right by strict, wrong by flexible",
        "flexible 1 where strict is: it forgives more",
        (right == 1) & (column("flexible") == 0),
    )
    yield (
        "answered though its prompt did not fit",
        "wrong and failed, at no cost of a last call",
        (overflow == 1) & ((right == 1) | (failed == 0) | (column("flexible") == 1)),
    )
    if told(record, "track", "decoding", "overflow") == "error":
        yield (
            "its prompt did not fit",
            "no such prompt: decoding.overflow is 'error', which ends a run",
            overflow == 1,
        )
    if record.training.n_steps:
        yield (
            "options were ranked by log-likelihood, in a row that trains",
            "no n_options: rows that train are not asked for it",
            column("n_options") > 0,
        )
    is_silent = calls == 0
    costs = (prompt, written, prefill, only)
    yield (
        "calls, tokens and FLOPs are not zero together",
        "all zero without a call, all above zero with one",
        np.any([(cost == 0) != is_silent for cost in costs], axis=0),
    )
    yield (
        "fewer tokens written than calls made",
        "one at least for each call",
        written < calls,
    )
    yield (
        "decode FLOPs do not go with the tokens written",
        "0 where each call wrote one token, above 0 otherwise",
        (decode == 0) != (written == calls),
    )
    if record.kind == "corpus":
        yield "a student was called, of kind 'corpus'", "0 calls: a corpus answered", calls > 0
    else:
        yield (
            "no call, and its prompt did fit",
            "a call for each question",
            is_silent & (overflow == 0),
        )
    most = told(record, "track", "decoding", "max_new_tokens")
    if isinstance(most, int):
        in_a_call = -(-written // np.maximum(calls, 1))  # calls * most may not fit 64 bits
        yield (
            f"more than {most} tokens written in a call",
            "decoding.max_new_tokens at most",
            in_a_call > most,
        )
