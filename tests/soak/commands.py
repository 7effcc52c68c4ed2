"""Commands as processes of their own, and what they leave behind that has to be the same."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from tests.soak import moments

ROOT = Path(__file__).parents[2]
PATIENCE_S = 600


class Nursery:
    """The process whose children the commands are."""

    def __init__(self, environment: Mapping[str, str], clock: Path | None) -> None:
        self.has_clock = clock is not None
        """Whether its children can have a clock that goes backwards."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.nursery"],
            cwd=ROOT,
            env={**environment, **({"LD_PRELOAD": str(clock)} if clock else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._born, self._ended = Queue[int](), dict[int, int]()
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "born" in told:
                self._born.put(told["born"])
            elif "ended" in told:
                self._ended[told["ended"]] = told["code"]

    def bear(self, order: Mapping[str, Any]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._born.get(timeout=PATIENCE_S)

    def code_of(self, child: int) -> int:
        """How the child ended; below 0 is the signal that ended it."""
        until = time.monotonic() + PATIENCE_S
        while child not in self._ended:
            assert time.monotonic() < until, "the command does not end"
            time.sleep(0.01)
        return self._ended[child]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A command under way."""

    nursery: Nursery
    child: int
    out: Path
    err: Path

    def end(self) -> Ended:
        """Wait for it."""
        code = self.nursery.code_of(self.child)
        return Ended(code, self.out.read_text(), self.err.read_text())


@dataclass(frozen=True, slots=True)
class Shell:
    """Where commands are given: a folder with the track, and what they inherit."""

    nursery: Nursery
    folder: Path

    def begin(self, *words: str, home: Path, **environment: str) -> Begun:
        """Start `skbench WORDS`."""
        number = len(list(self.folder.glob("out-*")))
        out, err = (self.folder / f"{name}-{number}" for name in ("out", "err"))
        out.touch()  # the next command counts it
        child = self.nursery.bear(
            {
                "words": words,
                "environment": os.environ | {"SKBENCH_HOME": str(home)} | environment,
                "folder": str(self.folder),
                "stdin": os.devnull,
                "stdout": str(out),
                "stderr": str(err),
            }
        )
        return Begun(self.nursery, child, out, err)

    def run(self, *words: str, home: Path, **environment: str) -> Ended:
        """Start it and wait for it."""
        return self.begin(*words, home=home, **environment).end()

    def fine(self, *words: str, home: Path, **environment: str) -> Ended:
        """The same, and it has to succeed."""
        done = self.run(*words, home=home, **environment)
        assert done.code == 0, done.err
        return done


FREE = ("date", "command", "dirty")
MEASURED = ("seconds", "peak_memory_bytes")
"""What a record tells of its making, and may be otherwise in the same run made again."""


def facts(home: Path) -> dict[str, object]:
    """Path below the home -> all of a file that does not tell of time or place."""
    return {
        str(path.relative_to(home)): _facts_of(path)
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and "index" not in path.parts
    }


def _facts_of(path: Path) -> object:
    if "records" in path.parts:
        return _record(json.loads(path.read_bytes()))
    if path.name == "trained.json":
        spent = json.loads(path.read_bytes())
        return {k: v for k, v in spent.items() if k not in MEASURED}
    return path.read_bytes()


def _record(body: dict[str, Any]) -> dict[str, Any]:
    body["training"] = {k: v for k, v in body["training"].items() if k not in MEASURED}
    body["provenance"] = {k: v for k, v in body["provenance"].items() if k not in FREE}
    return {key: value for key, value in body.items() if key != "latency"}


def whole(found: Mapping[str, object]) -> dict[str, object]:
    """Without what a process had not finished, which nobody reads."""
    return {path: each for path, each in found.items() if ".part" not in path}


def half_written(
    found: Mapping[str, object], end: Mapping[str, object], before: Mapping[str, object] = {}
) -> list[str]:
    """Files that are neither what they are in the end, nor as `before`, nor a log that grows."""
    return [
        path
        for path, each in whole(found).items()
        if each not in (end.get(path), before.get(path))
        and "/checkpoint/" not in path
        and not (path.endswith("/train.jsonl") and _begins(end[path], each))
    ]


def _begins(whole: object, part: object) -> bool:
    return isinstance(whole, bytes) and isinstance(part, bytes) and whole.startswith(part)


def trace(path: Path) -> list[tuple[float, str]]:
    """The changes of a command that told them to `path`: seconds since its begin, and what."""
    lines = [line.partition(" ") for line in path.read_text().splitlines()]
    return [(float(at), what) for at, _, what in lines]


TOLD, KILL = moments.TOLD, moments.KILL
