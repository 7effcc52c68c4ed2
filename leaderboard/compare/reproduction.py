"""A record beside one of the same cell run again: what was expected and what was obtained."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from leaderboard.stats.formats import NONE, escaped, percent, tabulated
from leaderboard.stats.intervals import single
from leaderboard.store.comparable import run_name
from leaderboard.store.record import DataSet, Record

_FLOPS = ("prefill_flops", "decode_flops", "helper_flops")
_ENVIRONMENT = ("device", "commit", "student_revision")


@dataclass(frozen=True, slots=True)
class Pair:
    """One number, as the record has it and as it came out again."""

    expected: float | None
    obtained: float | None


@dataclass(frozen=True, slots=True)
class Repeated:
    """One data set: accuracies are fractions, tokens and FLOPs means per question."""

    name: str
    n: int
    same_questions: bool
    accuracy: Pair
    low: float
    high: float
    """95 % limits of the accuracy that was expected, from its own items."""
    n_other: int | None
    """Questions with another outcome, right or wrong; None where they are other questions."""
    tokens: Pair
    """Prompt and completion."""
    flops: Pair

    @property
    def agrees(self) -> bool:
        """Whether the accuracy is the same, or inside the interval of the one expected."""
        found = self.accuracy.obtained
        if not self.same_questions or found is None:
            return False
        # The limits are rounded: at 0 and 1 they may miss the accuracy itself.
        return found == self.accuracy.expected or self.low <= found <= self.high


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run and its repetition."""

    run: str
    data_sets: list[Repeated]
    final_loss: Pair
    train_tokens: Pair
    train_flops: Pair
    versions: dict[str, tuple[str | None, str | None]]
    """Packages whose versions differ: expected, obtained."""
    environment: dict[str, tuple[str | None, str | None]]
    """Device, commit and revision of the student, where they differ."""

    @property
    def agrees(self) -> bool:
        return all(data_set.agrees for data_set in self.data_sets)


def reproduction(expected: Record, obtained: Record) -> Reproduction:
    """How the two compare; a data set that was not run again counts as not agreeing."""
    names = [*expected.data_sets, *(n for n in obtained.data_sets if n not in expected.data_sets)]
    told, found = expected.provenance, obtained.provenance
    return Reproduction(
        run=run_name(expected),
        data_sets=[
            _repeated(name, expected.data_sets.get(name), obtained.data_sets.get(name))
            for name in names
        ],
        final_loss=Pair(expected.training.final_loss, obtained.training.final_loss),
        train_tokens=Pair(expected.training.tokens, obtained.training.tokens),
        train_flops=Pair(expected.training.flops, obtained.training.flops),
        versions=_changed(_table(told.get("versions")), _table(found.get("versions"))),
        environment={
            name: change for name, change in _changed(told, found).items() if name in _ENVIRONMENT
        },
    )


def _repeated(name: str, old: DataSet | None, new: DataSet | None) -> Repeated:
    same = old is not None and new is not None and _questions(old) == _questions(new)
    accuracy, n = _mean(old, "strict"), len(old.items) if old else 0
    low, high = 0.0, 1.0
    if old is not None and accuracy is not None:
        found = single(old.strict, old.clusters)
        low, high = found.low, found.high
    n_other = None
    if old is not None and new is not None and same:
        n_other = sum(a != b for a, b in zip(old.strict, new.strict, strict=True))
    return Repeated(
        name=name,
        n=n,
        same_questions=same,
        accuracy=Pair(accuracy, _mean(new, "strict")),
        low=low,
        high=high,
        n_other=n_other,
        tokens=Pair(
            _mean(old, "prompt_tokens", "generated_tokens"),
            _mean(new, "prompt_tokens", "generated_tokens"),
        ),
        flops=Pair(_mean(old, *_FLOPS), _mean(new, *_FLOPS)),
    )


def _questions(data_set: DataSet) -> tuple[str, list[str]]:
    return data_set.items_sha256, data_set.items


def _mean(data_set: DataSet | None, *columns: str) -> float | None:
    """Mean per question of the columns' sum; None where there is no question."""
    if data_set is None or not data_set.items:
        return None
    return sum(sum(getattr(data_set, name)) for name in columns) / len(data_set.items)


def _table(value: object) -> Mapping[str, object]:
    return cast(Mapping[str, object], value) if isinstance(value, Mapping) else {}


def _changed(
    old: Mapping[str, object], new: Mapping[str, object]
) -> dict[str, tuple[str | None, str | None]]:
    def shown(value: object) -> str | None:
        return None if value is None else str(value)

    return {
        name: (shown(old.get(name)), shown(new.get(name)))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }


def reproduction_json(found: Reproduction) -> dict[str, Any]:
    """As plain data, with the verdict of each data set and of all."""
    data_sets = [asdict(each) | {"agrees": each.agrees} for each in found.data_sets]
    return asdict(found) | {"data_sets": data_sets, "agrees": found.agrees}


def reproduction_text(found: Reproduction) -> str:
    """A table of the data sets, the training below it, and what is not the same here."""
    headers = (
        *("data set", "n", "expected %", "95 %", "obtained %", "other outcomes"),
        *("tokens expected", "obtained", "GFLOPs expected", "obtained", "agrees"),
    )
    lines = [found.run, tabulated(headers, [_cells(each) for each in found.data_sets], "text"), ""]
    for name, pair, form in (
        ("final training loss", found.final_loss, ".4f"),
        ("training tokens", found.train_tokens, ",.0f"),
        ("training FLOPs", found.train_flops, ".4g"),
    ):
        old, new = _number(pair.expected, form), _number(pair.obtained, form)
        lines.append(f"{name}: {old} expected, {new} obtained")
    for name, (old, new) in (found.versions | found.environment).items():
        told = f"{name}: {old or 'none'} then, {new or 'none'} now"
        lines.append(escaped(told, "text"))
    n = sum(not each.agrees for each in found.data_sets)
    lines.append(
        f"not reproduced: {n} of {len(found.data_sets)} data sets are outside the record's own"
        " interval, or ask other questions"
        if n
        else "reproduced: every accuracy is equal, or inside the record's own interval"
    )
    return "\n".join(lines)


def _cells(each: Repeated) -> list[str]:
    return [
        each.name,
        str(each.n),
        percent(each.accuracy.expected),
        f"[{percent(each.low)}, {percent(each.high)}]",
        percent(each.accuracy.obtained),
        NONE if each.n_other is None else str(each.n_other),
        *_both(each.tokens, 1),
        *_both(each.flops, 10**9),
        "yes" if each.agrees else "no" if each.same_questions else "other questions",
    ]


def _both(pair: Pair, unit: int) -> list[str]:
    known = (pair.expected, pair.obtained)
    return [NONE if value is None else _number(value / unit, ",.3f") for value in known]


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else format(value, form)
