"""A cell: one method with one seed on one track; where it lives and what it depends on."""

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path

from bench import registry
from bench.corpora.corpus import Corpus
from bench.ground import provenance, sources
from bench.ground.places import home
from bench.method import Method
from bench.questions.obtain import brought
from bench.students.hashes import checkpoint_sha256
from bench.track import Critic, Reranker, Student, Track, Training, told
from leaderboard.store.reading import RecordError
from leaderboard.store.record import FOR_SOME, WHAT_TO_RUN, Record, Scope

RUN = re.compile(r"seed([0-9]+)-([0-9a-f]{12})")
"""The folder of a trained student: its seed, and the beginning of its train key."""
TRAINED = "trained.json"
"""In it: what training spent, written when the weights are there."""


def identity(method: Method) -> list[object]:
    """Name, fields, and hashes of the files of the method's class, what it inherits and imports."""
    bases = [c for c in type(method).__mro__ if issubclass(c, Method)]
    files = tuple(Path(inspect.getfile(base)) for base in bases)
    hashes = [*map(provenance.file_sha256, files), sources.sha256(of=files)]
    return [method.name(), asdict(method), hashes]


OF_TRAINING = frozenset(each.name for each in fields(Training))


@dataclass(frozen=True)
class Own:
    """Settings in which a row differs from its track: those of a trial, or what trials chose."""

    name: str
    """After the label of the method: `std_cot+tuned`."""
    of: str
    """The label of the method before."""
    settings: Mapping[str, float]
    """Fields of the track's training, or of the method."""
    trials_sha256: str | None = None
    """Of the file of the trials that chose them; None for a trial."""

    def method(self, method: Method) -> Method:
        """With the settings that are fields of the method."""
        return replace(method, **{k: v for k, v in self.settings.items() if k not in OF_TRAINING})

    def training(self, training: Training) -> Training:
        """With the settings that are fields of the training."""
        return replace(training, **{k: v for k, v in self.settings.items() if k in OF_TRAINING})


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
    own: Own | None = None
    """Settings that are not the track's; `method` has its part of them already."""
    n_processes: int = 1
    """That train it together; in no key, since it changes the order of float sums alone."""

    @property
    def label(self) -> str:
        """The method's, and the name of settings that are its own."""
        return self.method.label if self.own is None else f"{self.own.of}+{self.own.name}"

    @property
    def training(self) -> Training:
        """The track's, or with what is the cell's own."""
        return self.track.training if self.own is None else self.own.training(self.track.training)

    @cached_property
    def student_sha256(self) -> str | None:
        """Of the student's files, where they lie in a folder; a hub id has its revision instead."""
        from bench.students import student

        spec = self.track.student
        if spec.path is None:
            return None
        path = student.checkpoint_path(spec)
        return checkpoint_sha256(path, spec.gguf_file, code=spec.trust_remote_code)

    @cached_property
    def teacher(self) -> "Cell | None":
        """The larger teacher of logits as a cell of its own, where the method needs one."""
        spec = self.track.logit_teacher
        if spec is None or self.method.needs.logits != "larger":
            return None
        larger = Student(path=spec.path, chat_template=self.track.student.chat_template)
        track = replace(self.track, student=larger, logit_teacher=None)
        return replace(self, track=track, method=registry.configure_named(spec.method), own=None)

    @cached_property
    def reader(self) -> "Cell | None":
        """The cell whose student the critic begins with; None begins with the untrained one."""
        spec = self.track.critic
        if spec is None or spec.reader is None:
            return None
        return replace(self, method=registry.configure_named(spec.reader), own=None)

    @cached_property
    def acceptor(self) -> "Cell | None":
        """The cell whose judge estimates the acceptance of what is written; None without one."""
        spec = self.track.critic
        if spec is None or spec.acceptance is None:
            return None
        return replace(self, method=registry.configure_named(spec.acceptance), own=None)

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
                "training": asdict(self.training),
                "overflow": track.decoding.overflow,
                "method": identity(self.method.trained_as),
                "matched": self.matched and self._matched_identity(self.matched),
                "written": self.method.on_policy
                and [track.decoding.max_new_tokens, track.decoding.stop],
                "teacher": self.teacher and self.teacher.train_key,
                "critic": self.method.needs.critic != "none" and self.critic_key,
                "importance": [track.importance, checkpoint_sha256(track.importance)],
                "seed": self.seed,
                "corpus": self.corpus.sha256,
                "passages": provenance.digest(list(self.corpus.passages)),
                "limit": self.scope.limit,
                "sources": sources.sha256("bench.run.fit"),
                "versions": provenance.versions(),
                "device": student.device_type(),
            }
        )

    def _matched_identity(self, matched: Method) -> list[object]:
        """Also of the critic that chooses the rows whose tokens are the budget."""
        asks = matched.needs.critic != "none"
        return [identity(matched), asks and replace(self, method=matched).critic_key]

    @cached_property
    def critic_key(self) -> str:
        """Changes with everything that may change what the critic of the cell's method says."""
        spec, student = self.track.critic, [asdict(self.track.student), self.student_sha256]
        return provenance.digest(
            {
                "judge": self.method.needs.critic,
                "critic": spec and [asdict(spec), self._encoder_sha256(spec)],
                "reader": self.reader.train_key if self.reader else student,
                # Where the student's tokenizer is made of them.
                "texts": self.track.student.scratch and self.corpus.sha256,
                "labels": [list(row.items()) for row in self.corpus.labels],
                "seed": self.seed,
                "sources": sources.sha256("bench.run.critic"),
                "versions": provenance.versions(),
            }
        )

    @cached_property
    def reranker_key(self) -> str:
        """Changes with everything that may change what the reranker of the cell's method finds."""
        spec = self.track.reranker
        return provenance.digest(
            {
                "reranker": spec and [asdict(spec), self._encoder_sha256(spec)],
                "student": [asdict(self.track.student), self.student_sha256],
                "corpus": self.corpus.sha256,
                "passages": provenance.digest(list(self.corpus.passages)),
                "seed": self.seed,
                "sources": sources.sha256("bench.run.reranker"),
                "versions": provenance.versions(),
            }
        )

    def _encoder_sha256(self, spec: Critic | Reranker) -> str | None:
        from bench.students import student

        if spec.path is None:
            return None
        return checkpoint_sha256(student.checkpoint_path(Student(path=spec.path)))

    @cached_property
    def git_state(self) -> tuple[str | None, bool | None]:
        """Commit, and whether the tree differed from it."""
        return provenance.git_state()

    @cached_property
    def key(self) -> str:
        """The train key plus everything that may change an outcome or a cost, or the table in which
        they may stand.

        The items of published data are pinned by hash in `tasks`, so their folder does not count.
        """
        track, apart = self.track, WHAT_TO_RUN | FOR_SOME
        return provenance.digest(
            {
                "train": self.train_key,
                "track": {key: value for key, value in told(track).items() if key not in apart},
                "point": self.point and dict(self.point),
                "method": asdict(self.method),
                "own": self.own and asdict(self.own),
                "drafts": provenance.digest([dict(each) for each in self.corpus.drafts]),
                "acceptance": self.acceptor and self.acceptor.critic_key,
                "reranker": self.method.needs.rerank and self.reranker_key,
                "questions": {
                    name: [each.sha256, repr(each.scoring)] for name, each in brought(track).items()
                },
                "scope": asdict(self.scope),
                "sources": sources.sha256("bench.run.stages", also=("tasks",)),
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
    def title(self) -> str:
        """What tells the cell from the others of a run."""
        where = f"{self.point['axis']} {self.point['value']}: " if self.point else ""
        return f"{where}{self.label} seed {self.seed}"

    @property
    def place(self) -> str:
        """Of its record, below those of the home or of a board."""
        return self.scope.place(self.track.name, self.track.version, self.label, self.seed)

    @property
    def record_path(self) -> Path:
        return home() / "records" / self.place

    def found(self, *, tell: bool = False) -> Record | None:
        """The cell's record if it is whole and was made from the very same inputs.

        `tell`: say of a damaged one that it is made again, for who is about to do so.
        """
        if not self.record_path.is_file():
            return None
        try:
            record = Record.load(self.record_path)
        except RecordError as error:
            if tell:
                print(f"{error}: made again", file=sys.stderr, flush=True)
            return None
        return record if record.provenance.get("key") == self.key else None
