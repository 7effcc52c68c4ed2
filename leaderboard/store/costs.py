"""The stored cost of a real student: facts per method, counted without its weights.

One JSON per track in `cost/TRACK.json`, written again whenever it is counted again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import PositiveInt

from leaderboard.store.files import replace_text
from leaderboard.store.reading import STRICT, First, RecordError, stored

SCHEMA = 1
COSTS = Path(__file__).parent.parent / "cost"


@dataclass(frozen=True, slots=True)
class Timing:
    """What a model of the student's shape with random weights needs, at batch 1.

    Over `n` questions of the method: medians, and the tokens written per second of all of them.
    """

    n: int
    ttft_s_p50: float
    tpot_s_p50: float | None
    """Null where no question needs a second token."""
    tokens_per_s: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class MethodCost:
    """Sums over all `n` questions of the record; means are for the reader to take."""

    label: str
    n_calls: int
    prompt_tokens: int
    generated_tokens: int
    prefill_flops: int
    decode_flops: int
    prompt_only_flops: int
    """The paper's measure: linear layers over the prompt."""
    overflow: int
    """Questions with a prompt that leaves no room in the context; counted all the same."""
    timing: Timing | None = None

    @property
    def total_flops(self) -> int:
        return self.prefill_flops + self.decode_flops


@dataclass(frozen=True, slots=True)
class CostRecord:
    """What each method of a track spends on a solved question of one data set."""

    __pydantic_config__ = STRICT

    schema: First
    track: str
    student: str
    n_parameters: int
    reference: str
    """Label that relative numbers divide by."""
    data_set: str
    n: PositiveInt
    tokenizer: Literal["student", "stand-in"]
    """Whose tokens were counted: the student's, or those of a BPE of the track's corpus."""
    methods: list[MethodCost]
    provenance: Mapping[str, Any]
    """command, date, versions, hashes; and of timings the device and `weights`."""

    def save(self, root: Path | None = None) -> Path:
        """Write ROOT/TRACK.json, by default in COSTS, over an older one unless that knows more.

        Raises RecordError where the stored one counted the student's own tokens, or more
        questions or methods, or timed them, and this one does not.
        """
        path = (root or COSTS) / f"{self.track}.json"
        if path.exists():
            self._check_no_poorer(CostRecord.load(path), path)
        replace_text(path, json.dumps(asdict(self), indent=1) + "\n")
        return path

    def _check_no_poorer(self, stored: "CostRecord", path: Path) -> None:
        lost = {each.label for each in stored.methods} - {each.label for each in self.methods}
        poorer = {
            "counts the student's own tokens": (stored.tokenizer, self.tokenizer)
            == ("student", "stand-in"),
            f"counts {stored.n} questions, not {self.n}": stored.n > self.n,
            f"has {', '.join(sorted(lost))} as well": bool(lost),
            "has timings": "device" in stored.provenance and "device" not in self.provenance,
        }
        for what, applies in poorer.items():
            if applies:
                raise RecordError(f"{path}: {what}; count as much, or delete the file on purpose")

    @classmethod
    def load(cls, path: Path) -> "CostRecord":
        """Read and check a stored cost; RecordError names the file and the field."""
        record = stored(cls, path)
        if record.track != path.stem:
            raise RecordError(f"{path}: is of track {record.track!r}; rename the file")
        if record.reference not in {each.label for each in record.methods}:
            raise RecordError(f"{path}: no row of {record.reference!r}")
        return record

    @property
    def of_reference(self) -> MethodCost:
        return next(each for each in self.methods if each.label == self.reference)


def stored_costs(root: Path) -> list[CostRecord]:
    """All stored costs, the smallest student first."""
    found = [CostRecord.load(path) for path in sorted(root.glob("*.json"))]
    return sorted(found, key=lambda record: (record.n_parameters, record.track))
