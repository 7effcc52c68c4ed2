"""Boards of any size for measurements, and their verbs as users wait for them."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from leaderboard.store.board import PUBLISHED

SHARE = 0.05
"""Of the outcomes that a copy has otherwise than what it is a copy of."""


def make(root: Path, numbers: Iterable[int]) -> int:
    """The published runs of pocket under other tracks' names, pocket-NUMBER, each with outcomes of
    its own, below `root`; how many."""
    bodies = [(p, json.loads(p.read_bytes())) for p in PUBLISHED.glob("v2/pocket/*/*.json")]
    n = 0
    for number in numbers:
        draw, track = random.Random(number), f"pocket-{number}"
        for path, body in bodies:
            body["track"] = body["snapshot"]["track"]["name"] = track
            for each in body["data_sets"].values():
                each["strict"] = [bit ^ (draw.random() < SHARE) for bit in each["strict"]]
            copy = root / "v2" / track / path.parent.name / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(json.dumps(body))
            n += 1
    return n


def board(*words: object, home: Path, codes: Sequence[int] = (0,)) -> int:
    """The words of a verb, which exits with one of `codes`; its peak memory in bytes, as Linux
    tells it."""
    environment = os.environ | {"SKBENCH_HOME": str(home)}
    command = [sys.executable, "-c", _MEASURED, "board", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode not in codes:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return int(done.stderr.splitlines()[-1])


_MEASURED = """
import sys
from pathlib import Path
from bench.__main__ import main
code = main(sys.argv[1:])
sys.stdout.flush()
told = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
print(1024 * int(told["VmHWM"].split()[0]), file=sys.stderr)
sys.exit(code)
"""
