"""Hugging Face `.eval_results`: a file per row, for the repository of that row's model.

The format (hub documentation, "Evaluation Results") names the questions as a benchmark on the Hub.
A record does not know of one, so it is asked for, and a data set's name is its task there. The
signature of a number ends its notes.
"""

import re
from collections.abc import Iterator

from leaderboard.rows.row import Row
from leaderboard.show.exporting import ExportError, Shown
from leaderboard.stats.formats import interval
from leaderboard.stats.intervals import Estimate

_WIDTH = 2**16
"""Of a line: more than any, so that a signature stays on one."""


def export(shown: Shown) -> Iterator[tuple[str, str]]:
    """Paths LABEL/.eval_results/TRACK.yaml, accuracies as fractions; ExportError without a
    benchmark."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", shown.hub_dataset or ""):
        raise ExportError(
            "hf names the questions as a data set of the Hub: pass --hub-dataset OWNER/NAME"
        )
    dataset = str(shown.hub_dataset)
    return (
        (
            f"{row.method}/.eval_results/{shown.track}.yaml",
            _yaml(row, dataset, shown.date(row)),
        )
        for row in shown.rows
    )


def _yaml(row: Row, dataset: str, date: str) -> str:
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = [
        EvalResultEntry(dataset, task_id, value, date=date or None, notes=_notes(row, task_id, how))
        for task_id, value, how in _scores(row)
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, width=_WIDTH)


def _notes(row: Row, task_id: str, how: str) -> str:
    signature = row.signatures.get(task_id)
    return f"{how}; {signature}" if signature else how


def _scores(row: Row) -> Iterator[tuple[str, float, str]]:
    """Task, accuracy as a fraction, and how it was come by."""
    runs = f"mean of {row.n_seeds} run{'s' if row.n_seeds > 1 else ''}, greedy, strict extractor"
    for name, value in sorted(row.tasks.items()):
        yield name, value, runs
    groups: tuple[tuple[str, Estimate | None], ...] = (("id", row.id), ("ood", row.ood))
    for name, found in groups:
        if found is not None:
            limits = f"{interval(found)} %, 95 % interval over items and runs"
            yield name, found.value, f"{limits}; unweighted mean over data sets; {runs}"
