"""What `make perf-check` asks: is a command slower than in the last `make perf` of this machine?

As in `skbench board regress`, times are held against a loop of matrix products of the same minute,
so that a machine that is slower today alarms nobody, and only slower is worse.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_benchmark.utils import get_machine_id

TOLERATED = 1.3
FINE, FAILED, INCOMPLETE = 0, 1, 3


def times(run: Mapping[str, Any]) -> dict[str, float]:
    """Median over the loop beside it of each benchmark that has one; no unit."""
    return {
        each["fullname"]: each["stats"]["median"] / each["extra_info"]["calibration_s"]
        for each in run["benchmarks"]
        if "calibration_s" in each["extra_info"]
    }


def check(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Exit code, and a line for each benchmark of `now`."""
    was, lines, code = times(before), list[str](), FINE
    for name, time in times(now).items():
        if name not in was:
            lines.append(f"new     {name}")
            continue
        ratio = time / was[name]
        slower = ratio > TOLERATED
        code = FAILED if slower else code
        lines.append(f"{'SLOWER' if slower else 'ok':7} {ratio:.2f} x {name}")
    return code, lines


def main(now: str) -> int:
    saved = sorted(Path(".benchmarks", get_machine_id()).glob("[0-9]*.json"))
    if not saved:
        print("no `make perf` of this machine in .benchmarks: run it first", file=sys.stderr)
        return INCOMPLETE
    code, lines = check(*(json.loads(Path(path).read_text()) for path in (saved[-1], now)))
    print(f"over the loop, beside {saved[-1]}:", *lines, sep="\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
