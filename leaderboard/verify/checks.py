"""All checks of a board, in the order in which their faults are told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from leaderboard.stats.formats import escaped
from leaderboard.verify.base import check_base
from leaderboard.verify.chain import check_ledger
from leaderboard.verify.copies import check_copies
from leaderboard.verify.costs import check_costs
from leaderboard.verify.coverage import check_coverage
from leaderboard.verify.flops import check_flops
from leaderboard.verify.labels import check_labels
from leaderboard.verify.maps import check_maps
from leaderboard.verify.notes import notes
from leaderboard.verify.outcomes import check_outcomes
from leaderboard.verify.place import check_place
from leaderboard.verify.probes import check_probes
from leaderboard.verify.provenance import check_provenance
from leaderboard.verify.rates import check_rates
from leaderboard.verify.reruns import check_reruns
from leaderboard.verify.rescored import check_generations
from leaderboard.verify.studies import check_studies
from leaderboard.verify.training import check_training
from leaderboard.verify.tree import Fault, Tree, Unscored
from leaderboard.verify.trials import check_trials
from leaderboard.verify.tried import check_tried
from leaderboard.verify.twins import check_twins

Check: TypeAlias = Callable[[Tree], Iterable[Fault | Unscored]]
OF_RUNS: Mapping[str, Check] = {
    "outcomes": check_outcomes,
    "flops": check_flops,
    "training": check_training,
    "provenance": check_provenance,
    "coverage": check_coverage,
    "labels": check_labels,
    "twins": check_twins,
    "copies": check_copies,
    "trials": check_trials,
    "rates": check_rates,
}
"""Of what records hold, wherever they lie."""
CHECKS: Mapping[str, Check] = {
    "form": lambda tree: tree.faults,
    "place": check_place,
    "ledger": check_ledger,
    "base": check_base,
    **OF_RUNS,
    "generations": check_generations,
    "reruns": check_reruns,
    "tried": check_tried,
    "studies": check_studies,
    "maps": check_maps,
    "probes": check_probes,
    "costs": check_costs,
}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found."""

    n_records: int
    n_rescored: int
    """Those whose kept texts were scored again."""
    faults: Sequence[tuple[str, Fault]]
    """Check -> fault."""
    notes: Sequence[str]


def verify(tree: Tree, checks: Mapping[str, Check] = CHECKS) -> Report:
    """All faults that the checks find, and what else is to be known."""
    found = [(name, each) for name, check in checks.items() for each in check(tree)]
    faults = [(name, each) for name, each in found if isinstance(each, Fault)]
    unscored = {each.place: each.why for _, each in found if isinstance(each, Unscored)}
    n_rescored = len(tree.records.keys() - unscored.keys()) if "generations" in checks else 0
    return Report(len(tree.files), n_rescored, faults, [*notes(tree, unscored)])


def report_json(report: Report) -> dict[str, Any]:
    """A report as plain data."""
    faults = [{"check": name, **asdict(fault)} for name, fault in report.faults]
    counts = {"n_records": report.n_records, "n_rescored": report.n_rescored}
    return counts | {"faults": faults, "notes": list(report.notes)}


def report_text(report: Report) -> str:
    """A line a fault, then what else is to be known, and a verdict."""
    lines = [str(fault) for _, fault in report.faults]
    lines += [escaped(f"note: {note}", "text") for note in report.notes]
    n, scored = len(report.faults), f"outcomes of {report.n_rescored} scored again"
    return "\n".join([*lines, f"{n or 'no'} faults in {report.n_records} records, {scored}"])
