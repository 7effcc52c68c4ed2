"""What a real machine wrote: the triples of SmolLM2-135M-Instruct, packed.

    skbench student fetch smollm2-135m
    skbench corpus triples atomic --teacher $SKBENCH_HOME/students/smollm2-135m --plain \
        --events 1400 --tails 5 --answers skb_atomic --out smollm2.jsonl
    python -m tasks.knowledge_graphs.machine smollm2.jsonl

One real triple: ("PersonX falls asleep", xEffect, "wakes up"); another, that a critic should
find: ("PersonX insists on PersonY's leave", xAttr, "hard").
"""

import gzip
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tasks.corpora import Answered
from tasks.triples import Triple

PACKED = Path(__file__).parent / "smollm2.json.gz"


@dataclass(frozen=True, slots=True)
class Machine:
    """`manifest` says how it was asked; `answers` are to the test events of skb_atomic."""

    manifest: dict[str, Any]
    written: list[Answered]
    answers: list[Answered]

    @property
    def triples(self) -> list[Triple]:
        """In the order of writing."""
        return [(a["head"], a["relation"], tail) for a in self.written for tail in a["tails"]]


@cache
def smollm2() -> Machine:
    """Unpacked."""
    return Machine(**json.loads(gzip.decompress(PACKED.read_bytes())))


def pack(corpus: Path) -> bytes:
    """What `skbench corpus triples` wrote to `corpus`, without what people wrote."""
    tails = defaultdict[tuple[str, str], list[str]](list)
    for line in corpus.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["source"] == "machine":
            tails[row["question"], row["task"]].append(row["answer"])
    answers = corpus.with_suffix(".drafts.jsonl").read_text("utf-8").splitlines()
    found = {
        "manifest": json.loads(corpus.with_suffix(".json").read_bytes()),
        "written": [{"head": h, "relation": r, "tails": each} for (h, r), each in tails.items()],
        "answers": [json.loads(line) for line in answers],
    }
    return gzip.compress(json.dumps(found).encode(), mtime=0)


if __name__ == "__main__":
    PACKED.write_bytes(pack(Path(sys.argv[1])))
