"""One line of the board, as data."""

from dataclasses import asdict, dataclass, field
from typing import Any

from leaderboard.rows.loglikelihood import LogLikelihood
from leaderboard.rows.overlap import Overlap
from leaderboard.stats.intervals import Estimate
from leaderboard.stats.rank_intervals import Rank


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board.

    Accuracies are fractions: headline = unweighted mean over data sets, strict extractor
    unless named otherwise. `tasks` holds the micro average of each data set, the mean over its
    items; `tasks_macro` the unweighted mean over its sub-tasks, where that is another number.
    `id_micro` and `ood_micro` are means over all items of a group. Tokens, calls and FLOPs are
    means per question, over all questions of all data sets alike; FLOPs are rounded to integers.
    `failed` is a share of those questions, `overflow` a count over all seeds. Latencies are
    medians over seeds, training costs means over seeds, peak memory the largest. `relative_`
    FLOPs are to the track's reference label, None where it has no row, or where a prompt of either
    row did not fit: their means are then over different questions. Times to the first token
    include the time to retrieve. `train_flops` are those of full fine-tuning, 3 x forward; LoRA
    spends up to a third less. `teacher_tokens` are what the method was given of the teacher's
    writing: rationales, and knowledge where it needs it.
    """

    method: str
    reference: str
    n_seeds: int
    id: Estimate
    ood: Estimate | None
    tasks: dict[str, float]
    tasks_macro: dict[str, float]
    id_micro: float
    ood_micro: float | None
    id_author: float
    ood_author: float | None
    id_flexible: float
    ood_flexible: float | None
    failed: float
    overflow: int
    prompt_tokens: float
    generated_tokens: float
    n_calls: float
    prefill_flops: int
    decode_flops: int
    helper_flops: int
    """Of a reranker, or of a critic of drafts."""
    total_flops: int
    prompt_only_flops: int
    relative_flops: float | None
    relative_prompt_only_flops: float | None
    ttft_s: float | None
    """None, as all that is measured of a student, where none ran."""
    ttft_s_p95: float | None
    tpot_s: float | None
    tpot_s_p95: float | None
    questions_per_s: float | None
    timed_on: list[str]
    """Devices on which its latencies were taken; times of two cannot be compared."""
    peak_memory_bytes: int | None
    train_tokens: int
    train_s: float
    train_flops: int
    teacher_tokens: int
    teacher_flops: int
    train_helper_flops: int
    train_written_tokens: int
    """That the student itself wrote to learn on; `train_flops` hold the writing."""
    tuning_trials: int
    kept_ratio: list[float]
    """Share of the knowledge's words that prompts showed, in each run between restarts."""
    retrieval_recall: float | None
    dirty: bool
    """Whether any of its runs came from an uncommitted working tree."""
    skewed: bool
    """Whether the test prompt differs on purpose from the one that was trained."""
    unequal: list[str] = field(default_factory=list[str])
    """What training and decoding had that the reference's had not, in words."""
    outside: list[str] = field(default_factory=list[str])
    """Where a training loss leaves the band of the published runs, in words."""
    upper_bound: bool = False
    """Whether its prompts show at test time what only the suite knows of a question."""
    knowledge: str | None = None
    """"per task" or "per question": how what its prompts show was written; None if not known."""
    suite: str = "v1"
    """Version of the track."""
    superseded_by: str | None = None
    """The newest suite of the track, where that is another."""
    contamination: dict[str, Overlap] = field(default_factory=dict[str, Overlap])
    """What a data set shares with the corpus; of the data sets that were searched."""
    loglikelihood: dict[str, LogLikelihood] = field(default_factory=dict[str, LogLikelihood])
    """What lm-eval scores on a data set by log-likelihood; of rows that do not train."""
    id_rank: Rank | None = None
    """Places among the rows of the table that its pairs leave open; None of an upper bound, and
    where most of the others answered other questions."""
    ood_rank: Rank | None = None
    n_texts: int | None = None
    """Of its runs, those whose texts are kept, so that anyone can score them again; None where
    nobody looked."""
    signatures: dict[str, str] = field(default_factory=dict[str, str])
    """`id`, `ood` or a data set -> the line that names what is behind that accuracy, where it is
    asked for."""

    @property
    def is_unkept(self) -> bool:
        """Whether what a run of it answered is lost, and its outcomes are to be believed."""
        return self.n_texts is not None and self.n_texts < self.n_seeds

    @property
    def is_comparable(self) -> bool:
        """Whether what a question costs it is that of all questions: a student ran on each."""
        return not self.overflow and self.ttft_s is not None

    @property
    def overall(self) -> float:
        """Mean of ID and OOD; what rows are sorted by."""
        return self.id.value if self.ood is None else (self.id.value + self.ood.value) / 2


def row_json(row: Row) -> dict[str, Any]:
    """A row as plain data, accuracies as fractions."""
    return asdict(row)
