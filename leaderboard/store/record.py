"""The stored schema: one JSON file per (track, label, seed), facts only, written once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from leaderboard.store import ranges
from leaderboard.store.files import write_once
from leaderboard.store.ranges import MOST, Count, Flops, Mark, Positive, Tokens, Whole
from leaderboard.store.reading import STRICT, RecordError, stored

SCHEMA = 2
"""2: graded outcomes beside right and wrong; no latency where no student ran."""
N_POINTS = 10
"""Of a loss curve."""
Group = Literal["id", "ood"]
GROUPS: tuple[Group, ...] = ("id", "ood")

WHAT_TO_RUN = frozenset({"about", "methods", "seeds", "tuning"})
"""Fields of a track that say which runs it has, not how one goes: a track may gain a method, and
with it the trials that its hyper-parameters took, which each record holds for itself."""

FOR_SOME = frozenset({"reranker"})
"""Fields of a track that some methods alone ask for: where a track gains one, rows that ran before
stay what they are."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Per-question outcomes on one data set; all lists are parallel to `items`, or [] if optional.

    `strict`, `author` and `flexible` are 0 or 1 under that extractor; `failed` is 1 where the
    strict extractor found no answer. Token counts are summed over the calls of the question's
    program. `overflow` is 1 where the prompt did not fit and the answer was counted wrong.
    """

    group: Group
    items_sha256: str
    """Of what was asked and what was right: equal ids with another hash are other questions."""
    items: list[str]
    strict: list[Mark]
    author: list[Mark]
    flexible: list[Mark]
    failed: list[Mark]
    overflow: list[Mark]
    prompt_tokens: list[Tokens]
    generated_tokens: list[Tokens]
    n_calls: list[ranges.Calls]
    prefill_flops: list[Flops]
    decode_flops: list[Flops]
    prompt_only_flops: list[Flops]
    helper_flops: list[Flops] = field(default_factory=list[int])
    """Of a reranker, or of a critic that judges drafts; [] where none is asked."""
    tasks: list[str] = field(default_factory=list[str])
    """Sub-task of each item; [] where the mean over items is that over sub-tasks as well."""
    clusters: list[str] = field(default_factory=list[str])
    """What an item shares with others, such as the question it varies; [] where items share
    nothing."""
    n_options: list[ranges.Options] = field(default_factory=list[int])
    """Options of each item that lm-eval ranked, 0 where it ranked none; [] where it did not rank:
    in rows that train, and in sets without options."""
    loglikelihood_acc: list[Mark | None] = field(default_factory=list[int | None])
    """1 where the right option was the likeliest text after the question; null where not ranked."""
    loglikelihood_acc_norm: list[Mark | None] = field(default_factory=list[int | None])
    """The same by log-likelihood per character."""
    graded: Mapping[str, list[ranges.Grade | None]] = field(
        default_factory=dict[str, list[float | None]]
    )
    """Metric -> an outcome for each item that is no right or wrong, such as the rank of the target
    among candidates; null where an item has none."""
    metric: str = ""
    """Of `graded`, in [0, 1]: what a reader has averaged in the place of `strict`, which "" stands
    for. No file names one."""

    @property
    def outcomes(self) -> Sequence[float]:
        """What the headline averages, for each item; no reader chooses a metric with nulls."""
        return cast(Sequence[float], self.graded.get(self.metric, self.strict))

    def cluster_of(self) -> dict[str, str]:
        """Item -> its cluster; itself where the items share nothing."""
        return dict(zip(self.items, self.clusters or self.items, strict=True))

    def faults(self) -> Iterator[str]:
        """Columns that do not go with the others."""
        columns = {f.name: getattr(self, f.name) for f in fields(DataSet)[2:-2]}
        for name, column in [*columns.items(), *self.graded.items()]:
            n = len(column)
            if n != len(self.items) and (n or name not in _OPTIONAL):
                yield f"{name} has {n} entries, items has {len(self.items)}"
        for name in sorted(self.graded.keys() & columns.keys()):
            yield f"graded.{name} has the name of a column"
        if self.metric:
            yield "metric is for who reads to choose (`--metric`); leave it out"
        for name in _RANKED:
            if [v is not None for v in getattr(self, name)] != [n > 0 for n in self.n_options]:
                yield f"{name} must be null where n_options is 0, and nowhere else"


_RANKED = ("loglikelihood_acc", "loglikelihood_acc_norm")
_OPTIONAL = ("helper_flops", "tasks", "clusters", "n_options", *_RANKED, "graded", "metric")
"""Columns of a data set that a file has only where they are not empty."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Batch 1, warmed up, synchronised; seconds, over `n` questions.

    The time to the first token includes the time to retrieve what the prompt shows.
    """

    n: Positive
    ttft_s_p50: ranges.PromptSeconds
    ttft_s_p95: ranges.PromptSeconds
    tpot_s_p50: ranges.PromptSeconds | None
    """Null where no question needed a second token."""
    tpot_s_p95: ranges.PromptSeconds | None
    questions_per_s: ranges.Rate
    """Throughput of the batched evaluation."""
    peak_memory_bytes: ranges.Bytes
    calibration_s: ranges.PromptSeconds | None = None
    """Of a fixed loop of matrix products in the same process, timed right before each question;
    the mean. A latency over it can be held against one of another machine or hour. None in records
    from before it was timed, whose files lack it."""


@dataclass(frozen=True, slots=True)
class Training:
    """What the student's training spent; all zero for a method that only prompts.

    `flops` are those of full fine-tuning, 3 x forward; LoRA spends up to a third less.
    `teacher_tokens`, which prompting may need too, counts what the method was given of the
    teacher's writing: rationales, and knowledge where the method needs it. `teacher_flops` are
    those of a teacher of logits: its own training and its forward passes.
    """

    n_examples: Count
    n_steps: Count
    tokens: Tokens
    seconds: ranges.TrainingSeconds
    flops: ranges.TrainingFlops
    dropped_demos: Count
    skipped_examples: Count
    teacher_tokens: Tokens
    final_loss: ranges.Loss | None
    teacher_flops: ranges.TrainingFlops = 0
    helper_flops: ranges.TrainingFlops = 0
    """Of making a reranker or a critic, and of all that it reads but the questions; 0 in records
    from before it was counted, which have none for critics either."""
    written_tokens: Tokens = 0
    """What the student itself wrote to learn on; `flops` holds the writing."""
    tuning_trials: Count = 0
    """Runs on dev that this method's hyper-parameters were chosen from, as its track told; 0 in
    records since then: trials are files of their own."""
    kept_ratio: list[ranges.Share] = field(default_factory=list[float])
    """Share of the words of knowledge that the prompts showed, in each run between restarts; []
    for a method that is given no knowledge in training."""
    loss_curve: list[ranges.Loss] = field(default_factory=list[float])
    """Mean loss of each tenth of the optimizer steps."""
    peak_memory_bytes: ranges.Bytes | None = None
    """The most until the training's end, of the device; on a CPU of the process. None where nothing
    trained, and in records from before it was told apart, whose files lack it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What keeps a record out of the public table: other items than the published ones."""

    __pydantic_config__ = STRICT

    world: Count = 0
    split: Literal["test", "dev", "sealed"] = "test"
    sealed: Whole | None = None
    limit: Positive | None = None

    @property
    def is_public(self) -> bool:
        return self == Scope()

    def words(self) -> list[str]:
        """Those of a command that ask for it."""
        words = ["--world", str(self.world)] if self.world else []
        words += ["--sealed", str(self.sealed)] if self.sealed is not None else []
        words += ["--split", self.split] if self.split == "dev" else []
        return words + (["--limit", str(self.limit)] if self.limit is not None else [])

    def file_name(self, seed: int) -> str:
        """Of the record of that seed, in the folder of its label."""
        changed = {k: v for k, v in asdict(self).items() if v != getattr(Scope(), k)}
        suffix = "".join(f"-{name}{value}" for name, value in sorted(changed.items()))
        return f"seed{seed}{suffix}.json"

    def place(self, track: str, version: int, label: str, seed: int) -> str:
        """Of a record, below those of a board or a home."""
        return f"v{version}/{track}/{label}/{self.file_name(seed)}"


@dataclass(frozen=True, slots=True)
class Record:
    """One run: a method with its fields, trained and judged once with one seed on one track."""

    __pydantic_config__ = STRICT

    schema: Annotated[int, Field(ge=1, le=SCHEMA)]
    kind: Literal["student", "corpus"]
    track: ranges.Name
    method: ranges.Method
    label: ranges.Label
    """The method with the fields that are not its defaults, and what else tells rows apart."""
    seed: Count
    scope: Scope
    reference: ranges.Label
    """Label that relative numbers of the track divide by."""
    data_sets: Annotated[Mapping[ranges.Title, DataSet], Field(min_length=1)]
    latency: Latency | None
    """None where no student ran: a corpus answered."""
    training: Training
    retrieval_recall: ranges.Share | None
    """Recall@k of the passages over the test questions that have relevant ones, or null."""
    snapshot: Mapping[str, Any]
    """The track and the method's fields, as they were."""
    provenance: Mapping[str, Any]
    """commit, dirty, date, command, device, versions, hashes."""
    skewed: bool = False
    """Whether the test prompt differs on purpose from the one that was trained."""

    @property
    def version(self) -> int:
        """Of the track; records from before tracks had versions are of the first."""
        track = self.snapshot.get("track")
        if not isinstance(track, Mapping):
            return 1
        return cast(Mapping[str, Any], track).get("version", 1)

    @property
    def place(self) -> str:
        """Where it belongs, below a board's records, of the public scope."""
        return Scope().place(self.track, self.version, self.label, self.seed)

    @property
    def own(self) -> Mapping[str, Any] | None:
        """Settings that are not the track's, and what chose them; None where there are none."""
        found = self.snapshot.get("own")
        return cast(Mapping[str, Any], found) if isinstance(found, Mapping) else None

    @property
    def upper_bound(self) -> bool:
        """Whether the test prompt showed what only the suite knows. Records from before 2026-11-28
        say it by the method's own field alone."""
        if self.snapshot.get("upper_bound") is True:
            return True
        method = self.snapshot.get("method")
        return (
            isinstance(method, Mapping) and cast(Mapping[str, Any], method).get("query") == "oracle"
        )

    def save(self, path: Path) -> None:
        """Write atomically; an existing file is never overwritten (FileExistsError)."""
        body = asdict(self)
        for data_set in body["data_sets"].values():
            for name in _OPTIONAL:
                if not data_set[name]:
                    del data_set[name]
        if self.latency is not None and self.latency.calibration_s is None:
            del body["latency"]["calibration_s"]
        if self.training.peak_memory_bytes is None:
            del body["training"]["peak_memory_bytes"]
        write_once(path, body, "record")

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Read and check a record; RecordError names the file and the field."""
        record = stored(cls, path)
        for fault in record._faults():
            raise RecordError(f"{path}: {fault}")
        return record

    def _has_newer(self) -> bool:
        """Whether it holds what schema 2 brought."""
        is_graded = any(each.graded or each.metric for each in self.data_sets.values())
        return is_graded or self.latency is None or self.kind == "corpus"

    def _faults(self) -> Iterator[str]:
        """What the types of the fields do not say."""
        if self.schema < 2 and self._has_newer():
            yield "schema 1 knows no grades, and no run without a latency: this is of schema 2"
        if type(self.version) is not int or not 1 <= self.version <= MOST:
            yield f"snapshot.track.version must be a whole number from 1 to {MOST}"
        for name, data_set in self.data_sets.items():
            for fault in data_set.faults():
                yield f"{name}.{fault}"
