"""What lm-eval scores where it ranks the options by log-likelihood: a floor beside the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from leaderboard.stats.formats import TableFormat, interval, percent, tabulated
from leaderboard.stats.intervals import Estimate, single
from leaderboard.store.record import DataSet, Record

_HEADERS = ("by log-likelihood", "n", "acc", "acc_norm", "chance", "rows")


@dataclass(frozen=True, slots=True)
class LogLikelihood:
    """Of one data set, over the `n` items whose options were ranked."""

    n: int
    acc: Estimate
    acc_norm: Estimate
    chance: float
    """What guessing scores: the mean of 1 / options."""


def loglikelihoods(records: Sequence[Record]) -> dict[str, LogLikelihood]:
    """Data set -> its scores, of the first of a label's records that holds any.

    Other seeds repeat it, but for students from random weights: neither training nor a method's
    prompt goes into it.
    """
    for record in records:
        if found := _of_record(record):
            return found
    return {}


def _of_record(record: Record) -> dict[str, LogLikelihood]:
    sets = record.data_sets.items()
    return {name: _of_data_set(each) for name, each in sets if any(each.n_options)}


def _of_data_set(data_set: DataSet) -> LogLikelihood:
    known = [i for i, n in enumerate(data_set.n_options) if n]
    clusters = [data_set.clusters[i] for i in known] if data_set.clusters else []

    def estimate(column: Sequence[int | None]) -> Estimate:
        return single([bit for bit in column if bit is not None], clusters)

    return LogLikelihood(
        n=len(known),
        acc=estimate(data_set.loglikelihood_acc),
        acc_norm=estimate(data_set.loglikelihood_acc_norm),
        chance=fmean(1 / data_set.n_options[i] for i in known),
    )


def loglikelihood_table(rows: Mapping[str, Mapping[str, LogLikelihood]], form: TableFormat) -> str:
    """A line per data set for all labels that share its scores; "" where no row has any."""
    lines: dict[tuple[str, LogLikelihood], list[str]] = {}
    for label, found in rows.items():
        for name, each in found.items():
            lines.setdefault((name, each), []).append(label)
    body = [
        [
            name,
            str(each.n),
            interval(each.acc),
            interval(each.acc_norm),
            percent(each.chance),
            ", ".join(sorted(labels)),
        ]
        for (name, each), labels in sorted(lines.items(), key=lambda line: line[0][0])
    ]
    return tabulated(_HEADERS, body, form) if body else ""


LOGLIKELIHOOD_NOTE = (
    " By log-likelihood: what lm-eval scores where the student does not write, but the option is"
    " taken that is the likeliest text after the bare question (acc), or the likeliest per"
    " character (acc_norm), in %, over the n items with options; chance is what guessing scores."
)
