"""A cell: one method with one seed on one track; where it lives and what it depends on."""

import inspect
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import provenance
from bench.corpus import Corpus
from bench.method import Method
from bench.track import Track
from leaderboard.record import Record, Scope

CORE = [
    f"bench/{m}.py"
    for m in ("types", "curriculum", "method", "batch", "losses", "schedule", "train")
]
CORE += [f"bench/{m}.py" for m in ("attach", "corpus", "importance", "retrieve", "student")]
JUDGE = [f"bench/{m}.py" for m in ("generate", "solve", "student_lm", "evaluate", "flops")]
JUDGE += ["bench/latency.py", "bench/measure.py", "leaderboard/record.py", "tasks"]


def home() -> Path:
    """Where everything that a run makes lives: $SKBENCH_HOME, by default .bench."""
    return Path(os.environ.get("SKBENCH_HOME", ".bench"))


def data_dir(argument: str | None) -> Path | None:
    """The folder of published data: the argument, else $SKBENCH_DATA."""
    found = argument or os.environ.get("SKBENCH_DATA")
    return Path(found) if found else None


@dataclass(frozen=True, slots=True)
class Cell:
    """One method with one seed on one track: what a record is made of."""

    track: Track
    method: Method
    seed: int
    scope: Scope
    corpus: Corpus
    data_dir: Path | None

    @property
    def train_key(self) -> str:
        """Changes with everything that may change the trained weights, and with nothing else."""
        from bench import student

        track, spec = self.track, self.track.student
        folder = Path(student.checkpoint_path(spec)) if spec.path is not None else Path("none")
        weights = [provenance.file_sha256(path) for path in sorted(folder.glob("*.safetensors"))]
        return provenance.digest(
            {
                "student": asdict(spec),
                "weights": weights,
                "training": asdict(track.training),
                "overflow": track.decoding.overflow,
                "method": [self.method.name(), asdict(self.method)],
                "seed": self.seed,
                "corpus": self.corpus.sha256,
                "passages": provenance.digest(list(self.corpus.passages)),
                "limit": self.scope.limit,
                "sources": provenance.sources_sha256([*CORE, "baselines/_phrases.py"]),
                "method_source": provenance.file_sha256(Path(inspect.getfile(type(self.method)))),
                "versions": provenance.versions(),
                "device": student.device().type,
            }
        )

    @property
    def key(self) -> str:
        """The train key plus everything that may change an outcome or a cost.

        The items of published data are pinned by hash in `tasks`, so their folder does not count.
        """
        track = self.track
        return provenance.digest(
            {
                "train": self.train_key,
                "tasks": asdict(track.tasks),
                "decoding": asdict(track.decoding),
                "scope": asdict(self.scope),
                "sources": provenance.sources_sha256(JUDGE),
            }
        )

    @property
    def folder(self) -> Path:
        name = f"seed{self.seed}-{self.train_key[:12]}"
        return home() / "runs" / self.track.name / self.method.label / name

    @property
    def record_path(self) -> Path:
        return home() / "records" / "v1" / self.track.name / self.method.label / self._file_name()

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
