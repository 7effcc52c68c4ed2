"""What a command asks for, as cells; nothing heavy has started yet."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench import registry
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.ground.places import home
from bench.method import Method
from bench.questions import obtain as questions
from bench.run.cell import Cell
from bench.run.sweep import Sweep, variations
from bench.track import ConfigError, Track
from leaderboard.store.ranges import LABEL, MOST_OF_LABEL, MOST_OF_NAME, NAME, TITLE, labels_in
from leaderboard.store.reading import nearest
from leaderboard.store.record import Scope


def select(
    track: Track, names: str | None, settings: Sequence[str], method_file: Path | None
) -> tuple[list[Method], bool]:
    """The methods to run, and whether they were merely "all" (then unmet needs only skip)."""
    known = registry.discover(method_file)
    if names == "all":
        wanted = sorted(known)
    else:
        own = method_file is not None and method_file.stem not in track.methods
        usual = [method_file.stem] if method_file and own else list(track.methods)
        wanted = usual if names is None else labels_in(names)
    methods = [registry.configure(known, spec, list(settings)) for spec in wanted]
    if not methods:
        raise ConfigError(f"--methods {names}: names no method")
    chosen = {method.name() for method in methods}
    for setting in settings:
        owner = setting.partition(".")[0]
        if owner not in chosen:
            hint = nearest(owner, sorted(chosen))
            raise ConfigError(f"--set {setting}: '{owner}' is none of the methods to run; {hint}")
    return list({method.label: method for method in methods}.values()), names == "all"


def plan_sweep(
    sweep: Sweep,
    track: Track,
    points: list[str] | None,
    names: str | None,
    seeds: Sequence[int],
    scope: Scope,
    *,
    data: Path | None,
    origin: tuple[str, ...],
) -> list[Cell]:
    """The cells of a sweep; `names` keeps only those of its methods."""
    cells, known = list[Cell](), registry.discover()
    for variation in variations(sweep, track, points):
        methods = [registry.configure(known, spec, []) for spec in variation.methods]
        if names is not None:
            wanted = {registry.configure(known, s, []).label for s in labels_in(names)}
            methods = [method for method in methods if method.label in wanted]
        at = ("--points", str(variation.track.name.rpartition(".")[2])) if variation.point else ()
        way = (*origin, "--sweep", sweep.name, *at) if variation.point else origin
        for seed in sorted(set(seeds)):
            cells += plan(
                variation.track,
                methods,
                [seed],
                replace(scope, world=seed) if sweep.own_worlds else scope,
                skip_unmet=False,
                data=data,
                origin=way,
                point=variation.point,
            )
    if not cells:
        raise ConfigError(f"--methods {names}: none of them is in sweep '{sweep.name}'")
    at = {(cell.track.name, cell.method.label, cell.seed, cell.scope): cell for cell in cells}
    return list(at.values())


def seeds_of(track: Track, method: Method, seeds: Sequence[int]) -> Sequence[int]:
    """A method that draws nothing by the seed is the same for every seed: one run of it."""
    needs = method.needs
    drawn = method.trains or needs.test_demos or needs.critic != "none"
    drawn = drawn or (method.runs_student and track.student.scratch is not None)
    return sorted(set(seeds)) if drawn else [0]


def plan(
    track: Track,
    methods: Sequence[Method],
    seeds: Sequence[int],
    scope: Scope,
    *,
    skip_unmet: bool,
    data: Path | None,
    origin: tuple[str, ...],
    point: Mapping[str, str | int] | None = None,
) -> list[Cell]:
    """All cells, after every need is checked: nothing heavy has started yet."""
    questions.check(track, split=scope.split, world=scope.world)
    corpus = corpora.obtain(track.corpus_source, home(), world=scope.world, data_dir=data)
    if (limit := scope.limit) is not None:
        # Of each split half are true: a split has as many labels as a data set has items.
        n_labels = max(1, limit // 2)
        corpus = corpus.cut(labels=n_labels, triples=limit * track.training.batch_size)
    cells = list[Cell]()
    for method in methods:
        reason = unnameable(track, method) or corpora.check_needs(corpus, method.needs)
        reason = reason or _unmet(track, method, corpus)
        if reason and not skip_unmet:
            raise ConfigError(f"{method.label} cannot run on track '{track.name}': it {reason}")
        if reason:
            print(f"skipping {method.label}: {reason}", file=sys.stderr)
            continue
        cells += [
            Cell(track, method, seed, scope, corpus, data, origin, point)
            for seed in seeds_of(track, method, seeds)
        ]
    return cells


def unnameable(track: Track, method: Method) -> str | None:
    """Why a record of the cell could not be filed under its names; None where it could."""
    for what, pattern, most, name in (
        ("label", LABEL, MOST_OF_LABEL, method.label),
        ("track's name", NAME, MOST_OF_NAME, track.name),
        *(
            ("data set's name", TITLE, MOST_OF_NAME, each)
            for each in (*track.tasks.id, *track.tasks.ood)
        ),
    ):
        if not re.fullmatch(pattern, name) or len(name) > most:
            wanted = f"at most {most} characters that match {pattern}"
            return f"has the {what} {name!r}, which no record can hold: it must be {wanted}"
    return None


def unasked(track: Track, method: Method, corpus: Corpus) -> str | None:
    """What the method's test prompts show and neither track nor corpus has; training needs more."""
    needs = method.needs
    shown = replace(
        needs,
        train_knowledge=False,
        rationales=min(1, needs.test_demos),
        decoy=needs.decoy and needs.passages > 0,
    )
    return corpora.check_needs(corpus, shown) or _unordered(track, method)


def _unordered(track: Track, method: Method) -> str | None:
    """Why nobody orders the method's passages; None where somebody does, or need not."""
    missing = method.needs.rerank and track.reranker is None
    return "needs a reranker: add [reranker] to the track" if missing else None


def _unjudged(track: Track, method: Method) -> str | None:
    """Why nobody judges for the method; None where somebody does, or need not."""
    missing = method.needs.critic != "none" and track.critic is None
    return "needs a critic: add [critic] to the track" if missing else None


def _unmet(track: Track, method: Method, corpus: Corpus) -> str | None:
    """What the method needs of the track and the track does not have."""
    larger = track.logit_teacher
    if method.needs.logits == "larger":
        if larger is None:
            return (
                "needs a larger teacher of logits: add [logit_teacher] path and method to the track"
            )
        reason = _unmet_by(larger.method, track, corpus)
        if registry.configure_named(larger.method).needs.logits == "larger":
            reason = "needs a larger teacher itself"
        if reason:
            return f"learns from {larger.method}, which {reason}"
    estimate = track.critic and track.critic.acceptance
    if estimate and registry.configure_named(estimate).needs.critic == "none":
        return f"is judged by {estimate}, which has no judge: correct critic.acceptance"
    if estimate and track.critic and track.critic.reader:
        return (
            "is judged by what begins with a row of this run, which would wait for itself: leave"
            " out critic.reader or critic.acceptance"
        )
    if reason := _unordered(track, method) or _unjudged(track, method):
        return reason
    if method.needs.critic != "none":
        first = track.critic and track.critic.reader
        if first and registry.configure_named(first).needs.critic != "none":
            return f"needs a critic, whose reader {first} needs one itself"
        if first and (reason := _unmet_by(first, track, corpus)):
            return f"needs a critic, whose reader {first} {reason}"
    match = track.training.match
    if match is None:
        return None
    if method.on_policy or registry.configure_named(match).on_policy:
        return f"is to spend the tokens of {match}, and nobody knows how many of them are written"
    reason = _unmet_by(match, track, corpus)
    return f"is to spend the tokens of {match}, which {reason}" if reason else None


def _unmet_by(name: str, track: Track, corpus: Corpus) -> str | None:
    """Why the method, which another row asks for, could not be trained."""
    method = registry.configure_named(name)
    if not method.trains:
        return "trains nothing"
    return corpora.check_needs(corpus, method.needs) or _unjudged(track, method)
