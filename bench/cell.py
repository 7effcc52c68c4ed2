"""A cell: one method with one seed on one track; where it lives and what it depends on."""

import glob
import inspect
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from bench import provenance, registry
from bench.corpora.corpus import Corpus
from bench.method import Method
from bench.track import Student, Track
from leaderboard.record import Record, Scope


def _files(folder: str, names: str) -> list[str]:
    return [f"{folder}/{name}.py" for name in names.split()]


CORE = [
    *_files("bench", "types curriculum percentile method batch losses"),
    *_files("bench/training", "train fit budget schedule logits"),
    *_files("bench/corpora", "corpus attach retrieve scorer scored importance"),
    *_files("bench/students", "student checkpoint"),
]
SHARED = sorted(f"baselines/{path.name}" for path in registry.FOLDER.glob("_*.py"))
JUDGE = [
    *_files("bench", "solve evaluate loglikelihood measure run"),
    *_files("bench/students", "generate lm"),
    *_files("bench/costs", "flops latency"),
    "leaderboard/record.py",
    "tasks",
]


def home() -> Path:
    """Where everything that a run makes lives: $SKBENCH_HOME, by default .bench."""
    return Path(os.environ.get("SKBENCH_HOME") or ".bench")


def data_dir(argument: str | None) -> Path | None:
    """The folder of published data: the argument, else $SKBENCH_DATA."""
    found = argument or os.environ.get("SKBENCH_DATA")
    return Path(found) if found else None


CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
"""What is read of a checkpoint: no pickles, no code."""


def checkpoint_sha256(checkpoint: str, gguf_file: str | None = None) -> str | None:
    """One hash of a checkpoint's files; None for what is no folder here.

    Of the GGUF files in a folder, which may be many, only the one that is loaded counts.
    """
    folder = Path(checkpoint)
    if not folder.is_dir():
        return None
    patterns = [*CHECKPOINT_FILES, *([glob.escape(gguf_file)] if gguf_file else [])]
    files = sorted(path for pattern in patterns for path in folder.glob(pattern))
    stats = [(path, path.stat()) for path in files]
    return provenance.digest([[p.name, _sha256(p, s.st_size, s.st_mtime_ns)] for p, s in stats])


@cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Of a file that every cell of a run asks for."""
    return provenance.file_sha256(path)


def _identity(method: Method) -> list[object]:
    """Name, fields, and hashes of the files of the method's class and what it inherits from."""
    bases = [c for c in type(method).__mro__ if issubclass(c, Method)]
    files = [provenance.file_sha256(Path(inspect.getfile(base))) for base in bases]
    return [method.name(), asdict(method), files]


@dataclass(frozen=True)
class Cell:
    """One method with one seed on one track: what a record is made of.

    Keys and commit are read once, by `identity` before anything is made: a source that is edited
    during the run does not change what it was.
    """

    track: Track
    method: Method
    seed: int
    scope: Scope
    corpus: Corpus
    data_dir: Path | None
    origin: tuple[str, ...]
    """The words of the command that chose the track, a point of a sweep and a method file."""
    point: Mapping[str, str | int] | None = None
    """What this point of a sweep is, where it is one."""

    @cached_property
    def student_sha256(self) -> str | None:
        """Of the student's files, where they lie in a folder; a hub id has its revision instead."""
        from bench.students import student

        spec = self.track.student
        if spec.path is None:
            return None
        return checkpoint_sha256(student.checkpoint_path(spec), spec.gguf_file)

    @cached_property
    def teacher(self) -> "Cell | None":
        """The larger teacher of logits as a cell of its own, where the method needs one."""
        spec = self.track.logit_teacher
        if spec is None or self.method.needs.logits != "larger":
            return None
        track = replace(self.track, student=Student(path=spec.path), logit_teacher=None)
        return replace(self, track=track, method=registry.configure_named(spec.method))

    @cached_property
    def matched(self) -> Method | None:
        """The method whose tokens are the budget, where the track has one."""
        match = self.track.training.match
        return None if match is None else registry.configure_named(match)

    @cached_property
    def train_key(self) -> str:
        """Changes with everything that may change the trained weights."""
        from bench.students import student

        track = self.track
        return provenance.digest(
            {
                "student": [asdict(track.student), self.student_sha256],
                "training": asdict(track.training),
                "overflow": track.decoding.overflow,
                "method": _identity(self.method.trained_as),
                "matched": self.matched and _identity(self.matched),
                "teacher": self.teacher and self.teacher.train_key,
                "importance": [track.importance, checkpoint_sha256(track.importance)],
                "seed": self.seed,
                "corpus": self.corpus.sha256,
                "passages": provenance.digest(list(self.corpus.passages)),
                "limit": self.scope.limit,
                "sources": provenance.sources_sha256([*CORE, *SHARED]),
                "versions": provenance.versions(),
                "device": student.device().type,
            }
        )

    @cached_property
    def git_state(self) -> tuple[str | None, bool | None]:
        """Commit, and whether the tree differed from it."""
        return provenance.git_state()

    @cached_property
    def key(self) -> str:
        """The train key plus everything that may change an outcome or a cost.

        The items of published data are pinned by hash in `tasks`, so their folder does not count.
        """
        track = self.track
        return provenance.digest(
            {
                "train": self.train_key,
                "method": asdict(self.method),
                "tasks": asdict(track.tasks),
                "decoding": asdict(track.decoding),
                "scope": asdict(self.scope),
                "sources": provenance.sources_sha256(JUDGE),
            }
        )

    @property
    def identity(self) -> list[object]:
        """What was made of what: key, commit, and whether the tree differed from it."""
        return [self.key, *self.git_state]

    @property
    def folder(self) -> Path:
        """Of the trained student, which rows that are trained alike share."""
        name = f"seed{self.seed}-{self.train_key[:12]}"
        return home() / "runs" / self.track.name / self.method.trained_as.label / name

    @property
    def record_path(self) -> Path:
        root = home() / "records" / f"v{self.track.version}"
        return root / self.track.name / self.method.label / self._file_name()

    def _file_name(self) -> str:
        changed = {k: v for k, v in asdict(self.scope).items() if v != getattr(Scope(), k)}
        suffix = "".join(f"-{name}{value}" for name, value in sorted(changed.items()))
        return f"seed{self.seed}{suffix}.json"

    def found(self) -> Record | None:
        """The cell's record if it was made from the very same inputs."""
        if not self.record_path.is_file():
            return None
        record = Record.load(self.record_path)
        return record if record.provenance.get("key") == self.key else None
