"""The journal of a teacher: every finished request is a line on disk before the next is asked."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, Protocol

from bench.corpora.rows import CorpusError

HEAD = b'{"settings": '
"""How every journal begins."""

Part = Literal["rationale", "knowledge", "event", "tail"]
Finish = Literal["stop", "length", "refused"]
"""length: cut at the most tokens allowed; refused: the server would not answer this prompt."""


class Request(NamedTuple):
    """The `n`-th time that a part was asked for a question."""

    id: str
    part: Part
    n: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the teacher wrote and what it cost."""

    text: str
    finish: Finish
    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    """Whether the tokens were counted here, as the server did not say."""
    logprob: float | None = None
    """Natural logarithm of the text's probability, where it is known."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the teacher writes."""

    temperature: float
    max_tokens: int
    top_p: float = 1.0
    stop: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """What tells it from others; a part that is as it always was is not named."""
        found = {**asdict(self), "stop": list(self.stop)}  # as a journal gives it back
        usual = {"top_p": 1.0, "stop": []}
        return {key: value for key, value in found.items() if usual.get(key) != value}


class UnansweredError(Exception):
    """One request failed for good in this run; a later run asks again."""


class StoppedError(Exception):
    """No request can be answered at present; the message says why and what to do."""


class Teacher(Protocol):
    """Who is asked: an endpoint or a local model."""

    sampling: Sampling
    """How it writes from now on."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What identifies it: another value, another corpus."""
        ...

    @property
    def origin(self) -> str:
        """Where it is, without credentials."""
        ...

    async def greet(self) -> None:
        """Make ready; StoppedError if it cannot be reached."""
        ...

    async def ask(self, prompt: str, seed: int) -> Reply:
        """One sampled reply; UnansweredError or StoppedError, never an empty reply for a fault."""
        ...

    async def aclose(self) -> None: ...


class Journal:
    """An append-only file of replies: a header with the settings, then one line a request.

    Use it under a lock. A last line that was cut off by a kill is dropped; CorpusError if the file
    was made with other settings or is damaged elsewhere.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self._path = path
        self.replies: dict[Request, Reply] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("a+b")
        lines = _whole_lines(path, self._file)
        if len(lines) > 1:
            _compare(path, lines[0], settings)
            self._read(lines[1:])
        else:  # nothing was answered, so that no settings bind
            self._file.truncate(0)
            self._write({"settings": dict(settings)})

    def add(self, request: Request, reply: Reply) -> None:
        """Keep a reply: on disk when this returns."""
        assert request not in self.replies, f"{request} was asked twice"
        told = {key: value for key, value in asdict(reply).items() if value is not None}
        self._write({**request._asdict(), **told})
        self.replies[request] = reply

    def close(self) -> None:
        self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise CorpusError(
                f"{self._path}: cannot be written ({error}); the same command goes on from here"
            ) from error

    def _read(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, 2):
            try:
                found = json.loads(line)
                request = Request(found.pop("id"), found.pop("part"), found.pop("n"))
                reply = Reply(**found)
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                raise CorpusError(
                    f"{self._path}:{number}: not a line of a journal ({error}): delete the line"
                    " to have it asked again"
                ) from error
            if request in self.replies:
                raise CorpusError(f"{self._path}:{number}: {request} occurs twice: delete the line")
            self.replies[request] = reply


def settings_of(path: Path) -> Mapping[str, Any]:
    """The settings a journal was made with; {} if there is none."""
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        first = file.readline()
    return _settings(path, first) if first.endswith(b"\n") else {}


def _whole_lines(path: Path, file: IO[bytes]) -> list[bytes]:
    """Cut a torn last line off, and return the others; CorpusError if this is another file."""
    file.seek(0)
    content = file.read()
    whole, newline, _torn = content.rpartition(b"\n")
    lines = whole.split(b"\n") if newline else []
    if lines:
        _settings(path, lines[0])
    elif not HEAD.startswith(content[: len(HEAD)]):
        raise CorpusError(f"{path}:1: not the head of a journal: give another --out")
    file.truncate(len(whole) + len(newline))
    return lines


def _settings(path: Path, line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)["settings"]
    except (ValueError, TypeError, KeyError):
        found = None
    if not isinstance(found, dict):
        raise CorpusError(f"{path}:1: not the head of a journal: give another --out")
    return found


def _compare(path: Path, line: bytes, settings: Mapping[str, Any]) -> None:
    before = _settings(path, line)
    changed = [
        f"{key} was {before.get(key)}, now {settings.get(key)}"
        for key in sorted({*before, *settings})
        if before.get(key) != settings.get(key)
    ]
    if changed:
        raise CorpusError(
            f"{path} was made with other settings: {'; '.join(changed)}. Give the same settings"
            " to go on, another --out to start afresh, or delete the journal"
        )
