"""A checkpoint that was trained elsewhere: found, checked, and loaded as a student.

It is a stranger's: no pickle is read, no code of it is run, and its descriptions are checked.
"""

import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.ground.places import home
from bench.students import checkpoint as checkpoints
from bench.students import student as students
from bench.students.hashes import CHECKPOINT_FILES, checkpoint_sha256
from bench.students.student import Student
from bench.track import ConfigError, Track
from bench.track import Student as Spec


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


def load(checkpoint: Checkpoint, track: Track, texts: Sequence[str], seed: int) -> Student:
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
    student = students.load(base, texts=texts if base.scratch else (), home=home(), seed=seed)
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
