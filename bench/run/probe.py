"""Does knowledge enter the weights? A student asked again and again while it is trained.

At the start and at every quarter of training: the accuracy on items that nobody trains on, with
all, some and none of their knowledge in view, and the facts of the corpus as statements to finish.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import registry
from bench.corpora import attach
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.ground import bars, provenance, sources
from bench.ground.files import locked
from bench.ground.places import home
from bench.ground.quiet import quiet_libraries
from bench.method import Method
from bench.run import precision
from bench.run.cell import Cell, identity
from bench.run.fit import fit, fresh
from bench.run.origin import provenance_of
from bench.students import student as students
from bench.students.generate import Generator
from bench.students.student import Student
from bench.track import ConfigError, Decoding, Probe
from bench.training.schedule import step_at
from bench.types import Example
from leaderboard.store.probes import SCHEMA, ProbePoint, ProbeRecord
from leaderboard.store.record import Scope
from tasks.scoring import matches, strict

QUARTERS = (0.25, 0.5, 0.75, 1.0)
FACT_TOKENS = 8
"""Room for the first word of a completion in any tokenizer."""


def run_probe(cell: Cell) -> ProbeRecord:
    """Train the cell's student with snapshots, ask it at each, and leave the record."""
    spec = cell.track.probe
    if spec is None:
        raise ConfigError(f"track '{cell.track.name}' has no [probe]: add corpus and asks to it")
    items = corpora.obtain(spec.corpus, home(), world=cell.scope.world, data_dir=cell.data_dir)
    path, key = _path(cell), _key(cell, spec, items)
    with locked(path):
        if path.is_file():
            found = ProbeRecord.load(path)
            if found.provenance.get("key") == key:
                return found
            path.unlink()
        found = _made(cell, spec, items, key)
        found.save(path)
        return found


def _path(cell: Cell) -> Path:
    track, label = cell.track, cell.method.label
    return home() / "probes" / Scope().place(track.name, track.version, label, cell.seed)


def _key(cell: Cell, spec: Probe, items: Corpus) -> str:
    """Changes with everything that may change what the probe finds."""
    asks = identity(registry.configure_named(spec.asks))
    made_by = sources.sha256("bench.run.probe", also=("tasks",))
    decoding = asdict(cell.track.decoding)
    return provenance.digest([cell.train_key, asdict(spec), items.sha256, asks, decoding, made_by])


def _made(cell: Cell, spec: Probe, items: Corpus, key: str) -> ProbeRecord:
    quiet_libraries()
    asks = registry.configure_named(spec.asks)
    examples = attach.examples(items, asks.needs, seed=0)
    steps = _steps(examples, asks)
    facts = sorted({fact for row in cell.corpus.rows for fact in row.get("facts") or ()})
    folder = cell.folder.with_name(f"{cell.folder.name}-probed")
    precision.warn([cell])
    with locked(folder):
        spent = fit(cell, fresh(cell), folder, QUARTERS)
    points = list[ProbePoint]()
    for progress in bars.Bar((0.0, *QUARTERS), what="asking", unit="point"):
        student = fresh(cell)
        if progress:
            student = students.restore(student, folder / f"weights-{progress:g}")
        accuracy = [_accuracy(student, prompts, examples, cell) for _, prompts in steps]
        step = step_at(progress, spent.step)
        points.append(ProbePoint(progress, step, accuracy, _cloze(student, facts)))
    return ProbeRecord(
        schema=SCHEMA,
        track=cell.track.name,
        version=cell.track.version,
        method=cell.method.name(),
        label=cell.method.label,
        seed=cell.seed,
        items=[example.id for example in examples],
        shares=[share for share, _ in steps],
        points=points,
        facts=facts,
        provenance=provenance_of(cell, fresh(cell), "probe") | {"key": key},
    )


def _steps(examples: Sequence[Example], asks: Method) -> list[tuple[float, list[str]]]:
    """For each step of `asks`: the share of knowledge that its prompts show, and the prompts."""
    bounds = (0.0, *asks.restart_points)
    found = list[tuple[float, list[str]]]()
    n_known = sum(len(e.knowledge.text.split()) for e in examples if e.knowledge)
    for progress in bounds:
        pairs = [asks.pairs(example, progress)[0] for example in examples]
        share = sum(pair.n_shown for pair in pairs) / n_known
        found.append((round(share, 2), [pair.prompt for pair in pairs]))
    return found


def _accuracy(
    student: Student, prompts: Sequence[str], examples: Sequence[Example], cell: Cell
) -> list[int]:
    written = Generator(student, cell.track.decoding).complete(prompts)
    answers = [strict(completion.text) for completion in written]
    return [
        int(answer is not None and matches(answer, example.answer))
        for answer, example in zip(answers, examples, strict=True)
    ]


def _cloze(student: Student, facts: Sequence[str]) -> list[int]:
    """Whether the student, shown all but the last word of a fact, goes on with that word."""
    decoding = Decoding(max_new_tokens=FACT_TOKENS, batch_size=128)
    begun = [" " + fact.rpartition(" ")[0] for fact in facts]
    written = Generator(student, decoding).complete(begun)
    wanted = [fact.rpartition(" ")[2].rstrip(".") for fact in facts]
    said = [(completion.text.replace(".", " ").split() or [""])[0] for completion in written]
    return [int(a == b) for a, b in zip(said, wanted, strict=True)]
