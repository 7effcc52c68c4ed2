"""What a cell would spend, counted on a sample of its questions: nothing runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple

from bench.batch import Tokens
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.costs.flops import FlopModel
from bench.estimates.replies import reply
from bench.estimates.walk import Ruler
from bench.method import Method
from bench.run.cell import Cell
from bench.training import budget
from bench.training.schedule import n_steps
from bench.training.train import fitted
from bench.types import Example, Question

N_ROWS = 120
"""Training rows of the sample, each at its own point of the training."""
N_QUESTIONS = 24
"""Test questions of a data set that are put into words."""

Items = Mapping[str, Sequence[Mapping[str, Any]]]
"""Data set -> its test documents."""


@dataclass(frozen=True, slots=True)
class Meter:
    """What tokens and FLOPs of a track's student are counted with."""

    ruler: Ruler
    flops: FlopModel


@dataclass(frozen=True, slots=True)
class Spending:
    """Of one cell; the steps are exact where no other method sets the budget."""

    n_steps: int
    training_tokens: int
    training_flops: int
    evaluation_flops: int | None
    """None where the test questions could not be read."""


def spending(cell: Cell, meter: Meter, items: Items | None) -> Spending:
    """What the cell spends on training, and on judging `items`."""
    corpus = _sample(cell.corpus)
    examples = attach.examples(corpus, cell.method.needs, cell.seed)
    steps, tokens, flops = 0, 0, 0
    if cell.method.trains:
        own = _epochs(cell, cell.method, examples, meter)
        steps = own.n_steps
        if cell.matched is not None:
            others = attach.examples(corpus, cell.matched.needs, cell.seed)
            other = _epochs(cell, cell.matched, others, meter)
            steps = budget.steps_for(cell.method.label, other.spent, own.spent, steps)
        steps = min(steps, cell.scope.limit or steps)
        share = own.share * steps / own.n_steps
        lengths = [len(sequence) for sequences in own.read for sequence in sequences]
        tokens = round(share * sum(lengths))
        flops = round(share * meter.flops.training_flops(lengths))
    judging = None if items is None else _evaluation_flops(cell, corpus, examples, meter, items)
    return Spending(steps, tokens, flops, judging)


class _Epochs(NamedTuple):
    """A method's training by the epochs of the track."""

    n_steps: int
    read: list[Sequence[Tokens]]
    """The sequences of each example of the sample."""
    share: float
    """How often the sample goes into the whole."""
    spent: float
    """Of the budget that a match gives."""


def _epochs(cell: Cell, method: Method, made: Sequence[Example], meter: Meter) -> _Epochs:
    # A sample may have none of a small part: then it stands for that part, too.
    accepted = [example for example in made if method.accepts(example)] or made
    n_rows = max(1, round(len(cell.corpus.rows) * len(accepted) / len(made)))
    training = cell.track.training
    steps = n_steps(n_rows, training)
    share = steps * n_rows / math.ceil(n_rows / training.batch_size) / len(accepted)
    read = _read(cell, method, accepted, meter)
    spent = share * sum(budget.spent_on(sequences, training) for sequences in read)
    return _Epochs(steps, read, share, spent)


def _sample(corpus: Corpus) -> Corpus:
    """N_ROWS of the rows in random order, with all passages."""
    n = min(N_ROWS, len(corpus.rows))
    return replace(corpus, rows=Random("dry run").sample(list(corpus.rows), n), indices=None)


def _read(
    cell: Cell, method: Method, examples: Sequence[Example], meter: Meter
) -> list[Sequence[Tokens]]:
    """The sequences of each example, the examples spread evenly over the training."""
    room, n = cell.track.training.max_tokens, len(examples)
    made = (
        fitted(method, example, i / n, meter.ruler.tokenizer, room)
        for i, example in enumerate(examples)
    )
    return [sequences or () for sequences, _ in made]


def _evaluation_flops(
    cell: Cell, corpus: Corpus, examples: Sequence[Example], meter: Meter, items: Items
) -> int:
    """Every test question, answered as the training rows are; a prompt that is too long is free."""
    ask, total = attach.asker(corpus, cell.method.needs, cell.seed), 0.0
    rows = zip(examples, corpus.rows, strict=True)
    replies = [_replies(cell.method, example, ask(row), meter.ruler) for example, row in rows]
    for docs in items.values():
        n = min(len(docs), cell.scope.limit or len(docs))
        # Spread evenly: sub-tasks take turns, so the first ones would leave some out.
        n_asked = min(n, N_QUESTIONS)
        asked = [docs[i * n // n_asked] for i in range(n_asked)]
        spent = 0
        for i, doc in enumerate(asked):
            # An untrained student never stops by itself.
            written = _in_turn(replies[i % len(replies)] if cell.method.trains else ())
            for n_prompt, n_new in meter.ruler.walk(cell.method.solve(ask(doc)), written):
                spent += meter.flops.prefill_flops(n_prompt)
                spent += meter.flops.decode_flops(n_prompt, n_new)
        total += spent * n / len(asked)
    return round(total)


def _replies(method: Method, example: Example, question: Question, ruler: Ruler) -> list[str]:
    """What a student that has learned the example writes to each prompt of the method's program."""
    replies = list[str]()

    def written(prompt: str) -> str:
        replies.append(reply(prompt, example, [method]) or "")
        return replies[-1]

    ruler.walk(method.solve(question), written)
    return replies


def _in_turn(replies: Sequence[str]) -> Callable[[str], str | None]:
    """One reply after another, whatever the prompt; None when there are no more."""
    left = iter(replies)
    return lambda _: next(left, None)
