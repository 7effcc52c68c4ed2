"""The same trials for every trained row: learning rates first, then a knob of the method's own.

One seed, judged on the dev part of the data sets in domain alone. What is chosen follows from the
trials by the rule of `leaderboard.store.trials`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from bench.ground.files import locked
from bench.ground.places import home
from bench.run.cell import Cell, Own
from bench.track import ConfigError
from leaderboard.store import board
from leaderboard.store.files import file_sha256
from leaderboard.store.record import Record, Scope
from leaderboard.store.trials import RATE, SCHEMA, TUNED, Trial, Trials, fields_of, place


def tuned(cell: Cell) -> Cell:
    """The cell at the settings that its trials chose; as it is where nothing is trained.

    ConfigError where it has no trials, or the home's would be others today.
    """
    if not cell.method.trains:
        return cell
    path = _found_in(cell)
    command = f"`skbench tune {' '.join(cell.origin)} --methods '{cell.label}'`"
    if not path.is_file():
        raise ConfigError(
            f"{cell.label} on track '{cell.track.name}' has no trials: make them with {command}"
        )
    found = Trials.load(path)
    corpora = {trial.provenance.get("corpus_sha256") for trial in found.trials}
    if corpora != {cell.corpus.sha256}:
        raise ConfigError(f"{path}: trials on another corpus than the track's; again: {command}")
    if n := len(_stale(cell, found)):
        raise ConfigError(
            f"{path}: {n} of its {len(found.trials)} trials are of code or settings that are others"
            f" now; again: {command}"
        )
    return _with(cell, TUNED, found.chosen, file_sha256(path))


def by_rate(cell: Cell, rates: Sequence[float]) -> list[Cell]:
    """The trials of `rates` times the track's learning rate that the cell's label lacks."""
    usual = cell.track.training.learning_rate
    return _lacking(cell, [{RATE: float(f"{usual * rate:.3g}")} for rate in rates])


def by_knob(cell: Cell) -> list[Cell]:
    """The trials of the method's own knob, unless the label names its value, at the learning rate
    that is the best so far."""
    name, values = cell.method.knob or ("", ())
    if not values or name in fields_of(cell.label):
        return []
    rate = trials_of(cell).chosen[RATE]
    usual = getattr(cell.method, name)  # which the trials of learning rates had
    return _lacking(cell, [{RATE: rate, name: value} for value in values if value != usual])


def renew(cell: Cell) -> int:
    """Drop the home's trials of the cell's label that would be others today, of other code, corpus
    or settings, but those that are published; how many that were."""
    own, _ = _files(cell)
    if not own.is_file():
        return 0
    with locked(own):
        found = Trials.load(own)
        stale = _stale(cell, found)
        kept = [trial for trial in found.trials if trial not in stale]
        if not kept:
            own.unlink()
        elif len(kept) < len(found.trials):
            replace(found, trials=kept).save(own)
    return len(stale)


def _stale(cell: Cell, found: Trials) -> list[Trial]:
    """Those that would be others today, and are not published."""
    _, published = _files(cell)
    fixed = Trials.load(published).trials if published.is_file() else []
    own = replace(cell, seed=found.seed)
    return [
        trial
        for trial in found.trials
        if trial not in fixed and trial.provenance.get("key") != _trial(own, trial.settings).key
    ]


def keep(trial: Cell, record: Record) -> None:
    """Add what a trial came to to the file of its label in the home, unless another process did."""
    assert trial.own is not None
    track, label, settings = trial.track, trial.own.of, dict(trial.own.settings)
    path = place(home() / "trials", track.name, track.version, label)
    with locked(path):
        known = _known(trial)
        if settings in (dict(each.settings) for each in known):
            return
        made = Trial(
            settings=settings,
            outcomes={name: list(of.outcomes) for name, of in record.data_sets.items()},
            items_sha256={name: of.items_sha256 for name, of in record.data_sets.items()},
            provenance=record.provenance,
        )
        trials = in_order([*known, made])
        Trials(SCHEMA, track.name, track.version, label, trial.seed, trials).save(path)


def in_order(trials: Sequence[Trial]) -> list[Trial]:
    """As a file holds them, whichever process was faster."""
    return sorted(trials, key=lambda each: (len(each.settings), sorted(each.settings.items())))


def trials_of(cell: Cell) -> Trials:
    """All trials of the cell's method; RecordError where there are none."""
    return Trials.load(_found_in(cell))


def _lacking(cell: Cell, wanted: Sequence[Mapping[str, float]]) -> list[Cell]:
    tried = [dict(trial.settings) for trial in _known(cell)]
    return [_trial(cell, settings) for settings in wanted if settings not in tried]


def _trial(cell: Cell, settings: Mapping[str, float]) -> Cell:
    """The cell at these settings, asked on dev in domain."""
    asked = cell.track.tasks
    pins = {name: pin for name, pin in asked.items_sha256.items() if name in asked.id}
    tasks = replace(asked, ood=[], items_sha256=pins)
    # At another value of a knob it is made if the rate was the best that was tried.
    times = Fraction(settings[RATE] / cell.training.learning_rate).limit_denominator(100)
    dev = replace(
        cell,
        track=replace(cell.track, tasks=tasks),
        origin=(*cell.origin, "--rates", str(times)),
        scope=Scope(world=cell.scope.world, split="dev"),
    )
    return _with(dev, ",".join(f"{key}={value:g}" for key, value in settings.items()), settings)


def _known(cell: Cell) -> list[Trial]:
    path = _found_in(cell)
    return Trials.load(path).trials if path.is_file() else []


def _found_in(cell: Cell) -> Path:
    """Where the trials of the cell's method lie: the home's own if there are, else those that are
    published."""
    own, published = _files(cell)
    return own if own.is_file() else published


def _files(cell: Cell) -> tuple[Path, Path]:
    """The home's and the published one, which need not be there."""
    of, track = cell.own.of if cell.own else cell.label, cell.track
    roots = (home() / "trials", board.beside(board.PUBLISHED, "trials"))
    own, published = (place(root, track.name, track.version, of) for root in roots)
    return own, published


def _with(
    cell: Cell, name: str, settings: Mapping[str, float], trials_sha256: str | None = None
) -> Cell:
    own = Own(name, cell.label, settings, trials_sha256)
    return replace(cell, method=own.method(cell.method), own=own)
