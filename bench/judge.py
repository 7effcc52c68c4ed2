"""Judge a checkpoint that was trained elsewhere: the evaluation of a run, without its training.

Its record stands in a track of its own, TRACK.own, under METHOD@CHECKPOINT: questions, decoding
and costs are the track's, and no row of it is ever ranked with a row that was trained here.
"""

import json
import re
import shlex
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import provenance, run
from bench.cell import CHECKPOINT_FILES, Cell, checkpoint_sha256, home
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.costs import latency
from bench.costs.flops import fit_flops
from bench.files import locked
from bench.method import Method
from bench.quiet import quiet_libraries
from bench.students import checkpoint as checkpoints
from bench.students import student as students
from bench.students.student import Student
from bench.track import ConfigError, Track
from bench.track import Student as Spec
from leaderboard.record import Record, Scope, Training

NO_TRAINING = Training(
    n_examples=0,
    n_steps=0,
    tokens=0,
    seconds=0.0,
    flops=0,
    dropped_demos=0,
    skipped_examples=0,
    teacher_tokens=0,
    final_loss=None,
)
"""What was spent here; what was spent elsewhere is not known."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Full weights, or an adapter, that lie in a folder."""

    source: str
    """As the user named it: a folder or a hub id."""
    folder: Path
    sha256: str
    revision: str | None
    """The commit, where it is a hub id."""

    @property
    def is_adapter(self) -> bool:
        return (self.folder / "adapter_config.json").is_file()

    @property
    def name(self) -> str:
        """Short and unique, fit for a file name."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(self.source).resolve().name)
        return f"{plain}-{self.sha256[:8]}"


def find(source: str) -> Checkpoint:
    """The checkpoint in a folder or at a hub id; ConfigError where it cannot be judged."""
    folder = Path(students.checkpoint_path(Spec(path=source)))
    revision = None
    if not folder.is_dir():
        folder = _downloaded(source)
        revision = folder.name  # the hub's cache names snapshots by their commit
    if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        raise ConfigError(f"{source}: neither config.json nor adapter_config.json: no checkpoint")
    if not any(folder.glob("*.safetensors")):
        raise ConfigError(
            f"{source}: no safetensors; pickled weights are not read, since they can run code:"
            " save them again with save_pretrained"
        )
    sha256 = checkpoint_sha256(str(folder))
    assert sha256 is not None
    return Checkpoint(source, folder, sha256, revision)


def _downloaded(source: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(source, allow_patterns=list(CHECKPOINT_FILES)))
    except (OSError, HFValidationError) as error:
        raise ConfigError(
            f"student '{source}' is no folder here, and the hub does not give it:"
            f" {str(error).splitlines()[0]} A gated model needs `hf auth login`"
        ) from error


def judge(
    source: str,
    track: Track,
    method: Method,
    *,
    seed: int,
    limit: int | None,
    data: Path | None,
    origin: tuple[str, ...],
) -> Record:
    """The record of the checkpoint under the method's test prompts, found or made.

    `origin` are the words of the command that chose track and method file.
    """
    checkpoint = find(source)
    corpus = corpora.obtain(track.corpus, home(), world=0, data_dir=data)
    reason = unmet(corpus, method)
    if reason:
        raise ConfigError(f"{method.label} cannot be asked on track '{track.name}': it {reason}")
    own = replace(track, name=f"{track.name}.own")
    cell = Cell(own, method, seed, Scope(limit=limit), corpus, data, origin)
    label = f"{method.label}@{checkpoint.name}"
    path = cell.record_path.parents[1] / label / cell.record_path.name
    with locked(path):
        key = _key(cell, checkpoint)
        if path.is_file():
            record = Record.load(path)
            if record.provenance.get("key") == key:
                print(f"{label}: found", file=sys.stderr)
                return record
        made = _made(cell, track, checkpoint, label)
        record = _own(made, cell, checkpoint, label, key)
        path.unlink(missing_ok=True)
        record.save(path)
    return record


def unmet(corpus: Corpus, method: Method) -> str | None:
    """What the method's test prompts show and the corpus does not have; training asks no more."""
    needs = method.needs
    shown = replace(
        needs,
        train_knowledge=False,
        rationales=min(1, needs.test_demos),
        decoy=needs.decoy and needs.passages > 0,
    )
    return corpora.check_needs(corpus, shown)


def _key(cell: Cell, checkpoint: Checkpoint) -> str:
    sources = provenance.sources_sha256(["bench/judge.py"])
    return provenance.digest([cell.key, checkpoint.sha256, sources])


def _made(cell: Cell, track: Track, checkpoint: Checkpoint, label: str) -> Record:
    quiet_libraries()
    latency.reset_peak_memory(students.device())
    loaded = run.items(cell)
    student = load(checkpoint, track, cell.corpus, cell.seed)
    flops = fit_flops(student.model)
    samples = home() / "runs" / cell.track.name / label / f"samples-{cell.key[:12]}.jsonl"
    return run.judged(cell, student, loaded, flops, {}, samples)


def load(checkpoint: Checkpoint, track: Track, corpus: Corpus, seed: int) -> Student:
    """The checkpoint as a student with its own tokenizer, an adapter merged into its base."""
    folder = checkpoint.folder
    has_tokenizer = (folder / "tokenizer_config.json").is_file()
    if not checkpoint.is_adapter:
        if not has_tokenizer:
            raise ConfigError(
                f"{checkpoint.source}: no tokenizer beside the weights: save it there, or take the"
                " weights of a run with `skbench export-student`"
            )
        return students.load(_instead(track, str(folder)), texts=(), home=home(), seed=seed)
    base = _base(checkpoint, track)
    texts = corpus.texts if base.scratch else ()
    student = students.load(base, texts=texts, home=home(), seed=seed)
    student = _adapted(student, checkpoint)
    return _reading(student, checkpoint, base) if has_tokenizer else student


def _adapted(student: Student, checkpoint: Checkpoint) -> Student:
    with warnings.catch_warnings():
        # Where weights are missing, the bare base would answer in the adapter's place.
        warnings.filterwarnings("error", message="Found missing adapter keys")
        try:
            return students.restore(student, checkpoint.folder)
        except (RuntimeError, UserWarning, ValueError) as error:
            fault = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ConfigError(
                f"{checkpoint.source}: the adapter does not fit its base: {fault}"
            ) from error


def _reading(student: Student, checkpoint: Checkpoint, spec: Spec) -> Student:
    """The student with the tokenizer that the adapter brings."""
    own = replace(spec, trust_remote_code=False, revision=None)
    tokenizer = checkpoints.tokenizer(own, str(checkpoint.folder))
    n_known = student.model.get_input_embeddings().num_embeddings
    if len(tokenizer) > n_known:
        raise ConfigError(
            f"{checkpoint.source}: its tokenizer has {len(tokenizer)} tokens, its base {n_known}:"
            " merge the adapter into the base that it was trained on, and judge that"
        )
    return replace(student, tokenizer=tokenizer)


def _base(checkpoint: Checkpoint, track: Track) -> Spec:
    """What the adapter was trained on: what it names, or the track's student if it names none."""
    config = _adapter_config(checkpoint)
    named, revision = config.get("base_model_name_or_path"), config.get("revision")
    if named in (None, "", track.student.path):
        return replace(track.student, revision=track.student.revision or revision)
    return _instead(track, named, revision)


def _adapter_config(checkpoint: Checkpoint) -> dict[str, Any]:
    """The adapter's own description, a stranger's file: checked before anything is made of it."""
    path = checkpoint.folder / "adapter_config.json"
    try:
        config: Any = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON ({error})") from error
    texts = ("base_model_name_or_path", "revision")
    if not isinstance(config, dict) or any(
        not isinstance(config.get(name), str | None) for name in texts
    ):
        raise ConfigError(f"{path}: expected an object with texts for {' and '.join(texts)}")
    if config.get("peft_type") != "LORA":
        raise ConfigError(f"{path}: peft_type {config.get('peft_type')!r}; only LORA can be merged")
    return config


def _instead(track: Track, path: str, revision: str | None = None) -> Spec:
    """Another checkpoint in the student's place: asked alike, but never trusted with code."""
    usual = track.student
    return Spec(
        path=path,
        revision=revision or None,
        chat_template=usual.chat_template,
        bf16_weights=usual.bf16_weights,
    )


def _own(record: Record, cell: Cell, checkpoint: Checkpoint, label: str, key: str) -> Record:
    """The record as one of a checkpoint whose training is not known."""
    command = ["skbench", "evaluate", "--student", checkpoint.source, *cell.origin]
    command += ["--method", cell.method.label, "--seed", str(cell.seed)]
    command += ["--limit", str(cell.scope.limit)] if cell.scope.limit is not None else []
    about = {
        "path": checkpoint.source,
        "sha256": checkpoint.sha256,
        "adapter": checkpoint.is_adapter,
        "trained_here": False,
    }
    own = {
        "key": key,
        "command": shlex.join(command),
        "student_sha256": checkpoint.sha256,
        "student_revision": checkpoint.revision,
        "train_key": None,
    }
    return replace(
        record,
        label=label,
        training=NO_TRAINING,
        snapshot={**record.snapshot, "checkpoint": about},
        provenance={**record.provenance, **own},
    )
