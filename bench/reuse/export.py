"""Take the student of a finished run out of the home: weights, tokenizer and a model card."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any

from bench import registry, track
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.ground.bars import stage
from bench.reuse.reproduce import track_of
from bench.run.cell import RUN, TRAINED, Cell, Own
from bench.run.fit import reported
from bench.students.hashes import checkpoint_sha256
from bench.track import ConfigError, Student, Track, Training
from bench.training.progress import Spent
from leaderboard.store.record import Record, Scope


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose training is done, with what is known of it."""

    folder: Path
    home: Path
    track: Track
    label: str
    seed: int
    fields: Mapping[str, Any]
    """Of the method."""
    records: Sequence[Record]
    """Of these weights, the public one first; [] where none was made or kept."""
    spent: Spent
    """What training reported."""
    data: Path | None

    @property
    def training(self) -> Training:
        """The budget, with settings that were not the track's."""
        own = self.records[0].own if self.records else None
        return self.track.training if own is None else Own(**own).training(self.track.training)

    @property
    def weights(self) -> Path:
        return self.folder / "weights"

    @property
    def is_adapter(self) -> bool:
        return (self.weights / "adapter_config.json").is_file()

    def corpus(self) -> Corpus:
        """What it was trained on; ConfigError where that is another by now."""
        world = self.records[0].scope.world if self.records else 0
        found = corpora.obtain(self.track.corpus_source, self.home, world=world, data_dir=self.data)
        told = self.told("corpus_sha256")
        if told not in (None, found.sha256):
            raise ConfigError(
                f"corpus '{self.track.corpus}' is not the one that {self.folder} was trained on:"
                " check out the commit that its record names"
            )
        return found

    def told(self, name: str) -> Any:
        """What the records' provenance says, None without records."""
        return self.records[0].provenance.get(name) if self.records else None

    @property
    def student(self) -> Student:
        """The student at the revision that the run was trained on, where it noted one."""
        spec, noted = self.track.student, self.spent.student_revision
        return replace(spec, revision=noted or spec.revision or self.told("student_revision"))


def find(folder: Path, data: Path | None) -> Run:
    """The run in that folder of a home; ConfigError where there is none, or it is not finished."""
    folder = folder.resolve()
    match, above = RUN.fullmatch(folder.name), folder.parents
    if match is None or len(above) < 4 or above[2].name != "runs":
        raise ConfigError(
            f"{folder}: not the folder of a run; these are"
            " $SKBENCH_HOME/runs/TRACK/METHOD/seedN-KEY"
        )
    if not (folder / TRAINED).is_file() or not (folder / "weights").is_dir():
        raise ConfigError(
            f"{folder}: has no trained weights: finish it with the same `skbench run` again"
        )
    seed, key, label, home = int(match[1]), match[2], above[0].name, above[3]
    records = _records(home / "records", above[1].name, label, key)
    if records:
        label = (records[0].own or {}).get("of", records[0].label)
        chosen, fields = track_of(records[0]), records[0].snapshot.get("method") or {}
    else:
        chosen, fields = _rebuilt(folder, home, key, seed, data)
    spent = reported(folder)
    return Run(folder, home, chosen, label, seed, fields, records, spent, data)


def _records(root: Path, name: str, label: str, key: str) -> list[Record]:
    """Those of the weights: the label's own if it has any, else of a row that was trained alike."""
    found = [Record.load(path) for path in sorted(root.glob(f"v*/{escape(name)}/*/seed*.json"))]
    own = [r for r in found if str(r.provenance.get("train_key")).startswith(key)]
    own.sort(key=lambda r: (r.label != label, r.label, not r.scope.is_public, -r.version))
    return [record for record in own if record.label == own[0].label]


def _rebuilt(
    folder: Path, home: Path, key: str, seed: int, data: Path | None
) -> tuple[Track, Mapping[str, Any]]:
    """Track and method fields without a record: only if they still give the folder's key."""
    name, label = folder.parents[1].name, folder.parent.name
    if name in track.names():
        chosen, method = track.load(name), registry.configure_named(label)
        corpus = corpora.obtain(chosen.corpus_source, home, world=0, data_dir=data)
        if Cell(chosen, method, seed, Scope(), corpus, data, ()).train_key.startswith(key):
            return chosen, asdict(method)
    raise ConfigError(
        f"{folder}: no record says what it was trained on, and track '{name}' as it is now does"
        " not: let the same `skbench run` make the record first"
    )


def export(run: Run, out: Path, card: str, *, merge: bool) -> None:
    """Write weights, tokenizer and `card` to `out`, whole or not at all, and never over anything.

    An adapter stays one unless it is to be merged into its base. ConfigError if `out` exists, or
    where the base is not what the run was trained on.
    """
    _check(run, out, merge)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        part = Path(folder) / out.name
        part.mkdir()
        if run.is_adapter and merge:
            _write_merged(run, part)
        else:
            for path in [*run.weights.glob("*.json"), *run.weights.glob("*.safetensors")]:
                shutil.copyfile(path, part / path.name)
            _tokenizer(run).save_pretrained(part)
        if run.is_adapter and not merge:
            _name_base(part / "adapter_config.json", run.student)
        (part / "README.md").write_text(card, encoding="utf-8")
        for path in part.iterdir():
            path.chmod(0o644)
        part.rename(out)


def _check(run: Run, out: Path, merge: bool) -> None:
    from safetensors import safe_open

    from bench.students import checkpoint
    from bench.students import student as students

    if out.exists():
        raise ConfigError(f"{out}: exists; an export never overwrites, name another folder")
    files = sorted(run.weights.glob("*.safetensors"))
    if not files:
        raise ConfigError(f"{run.weights}: holds no weights; delete {run.folder} and train again")
    with checkpoint.told(str(run.weights)):
        for path in files:
            with safe_open(path, framework="pt"):
                pass  # its header speaks for all of the file
    spec, told = run.track.student, run.told("student_sha256")
    if run.is_adapter and not merge and spec.scratch is not None:
        raise ConfigError("the adapter's base has random weights that nobody else has: add --merge")
    here = None
    if spec.path is not None:
        here = checkpoint_sha256(students.checkpoint_path(spec), spec.gguf_file)
    if told is not None and here != told:
        raise ConfigError(f"student '{spec.path}' is not the one that the run was trained on")


def _write_merged(run: Run, folder: Path) -> None:
    from bench.students import student as students

    with stage("merging"):
        student = students.restore(_base(run), run.weights)
        student.model.save_pretrained(folder)
        student.tokenizer.save_pretrained(folder)


def _base(run: Run) -> Any:
    """The student as it was before training."""
    from bench.students import student as students

    spec = run.student
    texts = run.corpus().texts if spec.scratch is not None else ()
    return students.load(spec, texts=texts, home=run.home, seed=run.seed)


def _tokenizer(run: Run) -> Any:
    from bench.students import checkpoint
    from bench.students import student as students

    spec = run.student
    if spec.scratch is not None:
        return _base(run).tokenizer
    return checkpoint.tokenizer(spec, students.checkpoint_path(spec))


def _name_base(path: Path, base: Student) -> None:
    """Let the adapter name its base as the track does, not as it lay on this machine."""
    try:
        config: dict[str, Any] = dict(json.loads(path.read_text()))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: damaged ({error}); train again") from error
    config["base_model_name_or_path"] = base.path
    config["revision"] = base.revision
    path.write_text(json.dumps(config, indent=2) + "\n")
