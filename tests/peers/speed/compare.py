"""Ours beside the peers, run in turns on this machine: compare.py [CASE ..] writes SPEED.md.

Of cases that are not named, the table keeps what SPEED.json has of them.
Each side is a process of its own and says how much it did, in how many seconds, loading left out.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from tabulate import tabulate

from bench.ground.bars import Bar
from bench.ground.provenance import device_name
from tests.peers.speed.case import write

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TABLE = ROOT / "tests" / "peers" / "SPEED.md"
KEPT = HERE / "SPEED.json"
OURS, PEERS = sys.executable, str(ROOT / ".peers" / "bin" / "python")
TRL = {
    f"TRL SFTTrainer, {how}": (PEERS, "trl_training", how) for how in ("padded", "sorted", "packed")
}
Side = tuple[str, ...]


def hflm(*batches: int) -> dict[str, Side]:
    """HFLM at these batch sizes.

    The large student's: its best two. 8 and 64 without shots, and 4 with them, are slower.
    """
    return {f"lm-eval HFLM, batch {n}": (OURS, "hflm_answers", str(n)) for n in batches}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared on a track, and how often."""

    about: str
    unit: str
    given: Sequence[str | int]
    """Track, method of the prompts, pairs, prompts, new tokens: as `case.write` takes them."""
    ours: Side
    peers: Mapping[str, Side]
    rounds: int
    alike: bool = False


CASES: Mapping[str, Comparison] = {
    "train-pocket": Comparison(
        "training, pocket's student (0.85 M), LoRA, fp32",
        "tokens",
        ("pocket", "zero_shot", 384, 0, 1),
        (OURS, "our_training"),
        TRL,
        3,
    ),
    "train-smollm2": Comparison(
        "training, SmolLM2-135M, LoRA, fp32",
        "tokens",
        ("smollm2-135m-csqa", "zero_shot", 24, 0, 1),
        (OURS, "our_training"),
        TRL,
        1,
    ),
    "answer-pocket": Comparison(
        "answering, pocket's student, prompts that share nothing",
        "questions",
        ("pocket", "std_cot", 0, 400, 128),
        (OURS, "our_answers"),
        hflm(64, 256, 400),
        3,
    ),
    "answer-smollm2": Comparison(
        "answering, SmolLM2-135M, BBH and GSM8K, prompts that share nothing",
        "questions",
        ("smollm2-135m-cpu", "std_cot", 0, 100, 64),
        (OURS, "our_answers"),
        hflm(16, 32),
        1,
    ),
    "shots-smollm2": Comparison(
        "answering, SmolLM2-135M, BBH and GSM8K, prompts that share their shots",
        "questions",
        ("smollm2-135m", "few_shot", 0, 40, 64),
        (OURS, "our_answers"),
        hflm(8, 16),
        1,
        alike=True,
    ),
}


def main(names: Sequence[str]) -> None:
    """Run the comparisons of these names, by default all, and write the table."""
    known = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    rate = product_rate()
    machine = f"{device_name()}; {rate / 1e9:,.0f} GFLOP/s in products"
    for name in names or CASES:
        case = CASES[name]
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), *case.given, alike=case.alike)
            rows = _rows(name, case, Path(folder), rate)
        known[name] = {"machine": machine, "rows": rows}
        KEPT.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(_table(known), encoding="utf-8")


def _table(known: Mapping[str, Any]) -> str:
    head = ["what", "side", "a second", "ours / it", "of the bound", "check", "command"]
    found = [known[name] for name in CASES if name in known]
    rows = [row for each in found for row in each["rows"]]
    told = [f"- {CASES[name].about}: {known[name]['machine']}" for name in CASES if name in known]
    machines = "\n".join(["Machines:", "", *told])
    table = tabulate(rows, head, tablefmt="pipe", disable_numparse=True)
    return f"{_HEAD}{machines}\n\n{table}\n"


_HEAD = """# Speed beside others

Made by `make bench`; do not edit. Each side is a process of its own on all cores, in turns with
the others; of several rounds the median, what was done over its seconds, with loading left out.
Tokens are real ones: padding is not counted. of the bound: beside what the machine would do if all
it did were matrix products at the best rate measured here, and every real token its own; who
computes a shared beginning once may pass it. loss: that of one batch of the same texts, before any
step. same: answers that are the same to the letter; where the two best tokens are as good as tied,
the order of a sum decides.

"""


def product_rate(n: int = 2048) -> float:
    """FLOPs a second of fp32 matrix products (n, n) by (n, n), on all cores: the best of ten."""
    one, other, best = torch.randn(n, n), torch.randn(n, n), float("inf")
    for _ in range(10):
        began = perf_counter()
        torch.mm(one, other)
        best = min(best, perf_counter() - began)
    return 2 * n**3 / best


def _rows(name: str, case: Comparison, folder: Path, product: float) -> list[list[str]]:
    sides = {"ours": case.ours, **case.peers}
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    turns = [side for _ in range(case.rounds) for side in sides]
    for side in Bar(turns, what=name, unit="run"):
        found[side].append(_run(sides[side], folder))
    one = _one_batch(folder)
    losses = {s: _run(words, one)["loss"] for s, words in sides.items() if case.unit == "tokens"}
    rates = {side: median(r["n"] / r["seconds"] for r in runs) for side, runs in found.items()}
    bound = product * found["ours"][0]["n"] / found["ours"][0]["flops"]
    return [
        [
            f"{case.about}" if side == "ours" else "",
            side,
            f"{rate:,.1f} {case.unit}",
            "" if side == "ours" else f"{rates['ours'] / rate:.2f}",
            f"{rate / bound:.0%}",
            f"loss {losses[side]:.4f}" if losses else _same(found["ours"][0], found[side][0]),
            " ".join([f"`{sides[side][1]}.py", "CASE", *sides[side][2:]]) + "`",
        ]
        for side, rate in rates.items()
    ]


def _one_batch(folder: Path) -> Path:
    """The same case with the texts of its first batch alone."""
    case = json.loads((folder / "case.json").read_text())
    case |= {"pairs": case["pairs"][: case["batch_size"]], "n_steps": 1}
    one = folder / "one"
    one.mkdir()
    (one / "model").symlink_to(folder / "model")
    (one / "case.json").write_text(json.dumps(case))
    return one


def _same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    n = sum(a == b for a, b in zip(ours["texts"], theirs["texts"], strict=True))
    return f"{n} of {len(ours['texts'])} the same"


def _run(side: Side, folder: Path) -> dict[str, Any]:
    python, script, *words = side
    command = [python, "-m", f"tests.peers.speed.{script}", str(folder), *words]
    if python == PEERS:
        command[1:3] = [str(HERE / f"{script}.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main(sys.argv[1:])
