"""tests/perf/GROWTH.md: every figure in it is measured, read from records or worked out here."""

from collections.abc import Mapping, Sequence

from bench.ground.provenance import device_name
from leaderboard.store.files import today
from tests.perf.growth import estimate_page
from tests.perf.growth.child import Case, Spent
from tests.perf.growth.matrix import Row
from tests.perf.growth.power import Power, fit
from tests.perf.growth.records import Step
from tests.perf.growth.sizes import Section
from tests.perf.growth.training import MB, step_bytes
from tests.perf.growth.words import digits, table

HEAD = """# How costs grow

Made by `make growth` ({machine}; {date}); do not edit.

Every size is measured once. ~ is a fit by least squares of the log of a cost on the log of a size,
± the standard error of the exponent: how far the points lie from one line, not how one day differs
from another. Where something constant, such as the start of a process, weighs as much as what
grows, the line bends: then read the exponent between the two largest sizes.
"""


def page(
    sections: Sequence[Section],
    rows: Sequence[tuple[Case, Spent]],
    steps: Sequence[Step],
    devices: Sequence[str],
    matrix: Sequence[Row],
) -> str:
    """The whole page."""
    parts = [HEAD.format(machine=device_name(), date=today())]
    parts += [_section(each) for each in sections]
    parts += [_rows_of_pocket(rows), _steps(steps, devices), estimate_page.told(matrix)]
    return "\n".join(parts)


def _section(section: Section) -> str:
    names = list(section.rows[0][1])
    body = [[f"{size:,}", *(digits(cost[n]) for n in names)] for size, cost in section.rows]
    fits = {n: fit([(size, cost[n]) for size, cost in section.rows]) for n in names}
    shown = table([section.size, *names], body)
    return f"## {section.title}\n\n{section.held}\n\n{shown}\n\n{_told(fits, section.size)}\n"


def _told(fits: Mapping[str, Power], size: str) -> str:
    """Each cost's fit against one size."""
    first = next(iter(fits.values()))
    lines = [f"- {found.told(name, size)}" for name, found in fits.items()]
    head = f"Over {first.n} sizes from {first.low:,.0f} to {first.high:,.0f} {size}:"
    return "\n".join([head, "", *lines])


def _rows_of_pocket(rows: Sequence[tuple[Case, Spent]]) -> str:
    body = [
        [
            f"`{case.row}`",
            f"{case.micro_batch_tokens:,}",
            f"{spent.longest:,}",
            digits(spent.n_tokens / case.n_steps),
            digits(step_bytes(spent) / MB),
            digits(spent.peak_bytes / MB),
            digits(spent.seconds / case.n_steps),
        ]
        for case, spent in rows
    ]
    head = ["row", "micro-batch, tokens", "longest sequence, tokens", "tokens a step"]
    head += ["MB that steps add", "peak MB of the process", "s a step"]
    return (
        "## Peak memory of a row: micro-batch or curriculum\n\n"
        f"Rows of pocket trained for {rows[0][0].n_steps} steps, over which the whole curriculum"
        f" runs, in a process each.\n\n{table(head, body)}\n\n{_follows(rows)}\n"
    )


def _follows(rows: Sequence[tuple[Case, Spent]]) -> str:
    """How much the row and the micro-batch each change the memory that steps add."""
    found = {(case.row, case.micro_batch_tokens): step_bytes(spent) for case, spent in rows}
    tokens = {case.row: spent.n_tokens for case, spent in rows}
    sizes = sorted({n for _, n in found})
    small, large = sizes[0], sizes[-1]
    (one, *_, other) = tokens
    lines = [
        f"- `{other}` beside `{one}`: {tokens[other] / tokens[one]:.1f} times the tokens a step;"
        " memory that steps add, by micro-batch: "
        + ", ".join(f"{n:,}: {found[other, n] / found[one, n]:.2f} times" for n in sizes)
    ]
    lines += [
        f"- `{row}`: a micro-batch {large / small:.0f} times as large adds"
        f" {found[row, large] / found[row, small]:.2f} times the memory"
        for row in tokens
    ]
    return "\n".join(lines)


def _steps(steps: Sequence[Step], devices: Sequence[str]) -> str:
    first = steps[0]
    body = [
        [f"`{each.label}`", str(each.seeds), digits(each.seconds)]
        + [f"{digits(each.least)} to {digits(each.most)}"]
        + [f"{new / old:.2f}" for new, old in zip(_costs(each), _costs(first), strict=True)]
        + [f"{each.peak_bytes / 10**9:.2f}"]
        for each in steps
    ]
    head = ["row", "seeds", "s a step, median", "least to most"]
    head += [f"{what} / `{first.label}`" for what in ("s", "tokens", "FLOPs")] + ["peak GB"]
    seconds = fit([(each.tokens, each.seconds) for each in steps])
    flops = fit([(each.tokens, each.flops) for each in steps])
    told = _told({"seconds a step": seconds, "FLOPs a step": flops}, "tokens a step")
    return (
        "## Training by method\n\n"
        f"From the committed records of pocket, not measured here: {'; '.join(devices)}. Rows ran"
        " beside others, on different days. Peak: of the whole run, training and evaluation"
        f" (`latency.peak_memory_bytes`), the largest of the seeds.\n\n{table(head, body)}\n\n"
        f"{told}\n"
    )


def _costs(step: Step) -> tuple[float, float, float]:
    return step.seconds, step.tokens, step.flops
