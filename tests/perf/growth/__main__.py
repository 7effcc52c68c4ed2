"""Measure on this machine, a quiet one, and write the page: `make growth`."""

import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from bench.ground import bars
from bench.ground.quiet import quiet_libraries
from tests.perf.growth import answering, boards, matrix, records, training
from tests.perf.growth.page import page
from tests.perf.growth.sizes import FULL, TINY

PAGE = Path(__file__).parents[1] / "GROWTH.md"
SECTIONS = (
    training.by_parameters,
    training.by_sequences,
    training.by_tokens,
    training.by_micro_batch,
    answering.by_questions,
    answering.by_new_tokens,
    answering.by_parameters,
    boards.by_records,
)


def main(words: list[str]) -> None:
    parser = ArgumentParser(prog="python -m tests.perf.growth", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="sizes whose numbers mean nothing")
    parser.add_argument("--out", type=Path, default=PAGE, help="default: tests/perf/GROWTH.md")
    args = parser.parse_args(words)
    quiet_libraries()
    sizes = TINY if args.tiny else FULL
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        sections = [
            measured(sizes, home) for measured in bars.Bar(SECTIONS, what="growth", unit="section")
        ]
        with bars.about("rows of pocket"):
            rows = training.rows_of_pocket(sizes, home)
    told = page(sections, rows, records.steps(), records.devices(), matrix.read())
    args.out.write_text(told, encoding="utf-8")
    print(args.out)


if __name__ == "__main__":
    main(sys.argv[1:])
