"""Stored costs as tables: what a solved question spends, by the full path and by the paper's."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from leaderboard.stats.formats import NONE, TableFormat, escaped, ratio, tabulated
from leaderboard.store.costs import CostRecord, MethodCost, stored_costs
from leaderboard.store.papers import paper_flops, stored_papers

PAPERS = Path(__file__).parent.parent / "reported"
GIGA = 1e9
_HEADERS = [
    *("method", "calls", "prompt tok", "gen tok", "prefill", "decode", "total", "rel."),
    *("prompt-only", "prompt-only rel.", "paper", "paper rel."),
]
_TIMED = ["ttft ms", "tpot ms", "tok/s", "GiB"]


def section(costs: Path, papers: Path) -> list[str]:
    """All stored costs under `costs` beside the papers' columns; [] without any."""
    found = stored_costs(costs)
    if not found:
        return []
    parts = ["## Cost of the real students\n", f"{legend()}\n"]
    for record in found:
        claimed = paper_flops(stored_papers(papers), record.track)
        parts += [f"### {record.track}: cost\n", f"{caption(record)}\n"]
        parts.append(f"{table(record, claimed, 'markdown')}\n")
    return parts


def shown(record: CostRecord) -> str:
    """One student on a terminal."""
    claimed = paper_flops(stored_papers(PAPERS), record.track)
    return f"{caption(record)}\n\n{table(record, claimed, 'text')}\n\n{legend()}"


def cost_json(record: CostRecord) -> dict[str, Any]:
    """The record with means per question in place of its sums, and what they relate to."""
    claimed = paper_flops(stored_papers(PAPERS), record.track)
    rows = [_row_json(record, each, claimed) for each in record.methods]
    return {**asdict(record), "methods": rows}


def table(record: CostRecord, claimed: Mapping[str, float], form: TableFormat) -> str:
    """One line per method: means per question, FLOPs in units of 1e9."""
    timed = any(each.timing for each in record.methods)
    body = [
        _cells(record, each, claimed) + (_timing(each) if timed else []) for each in record.methods
    ]
    return tabulated([*_HEADERS, *(_TIMED if timed else [])], body, form)


def caption(record: CostRecord) -> str:
    """Which student, how many questions, and whose tokens."""
    whose = {
        "student": "The tokens are the student's own.",
        "stand-in": "**Stand-in tokenizer**: the student's own was not at hand, so tokens are those"
        " of a byte-level BPE trained on the track's corpus. All rows of the table share it,"
        " so read the ratios; absolute numbers would differ with the student's own.",
    }
    told = {key: escaped(str(value), "markdown") for key, value in record.provenance.items()}
    timed, weights = told.get("device"), told.get("weights")
    command = escaped(str(record.provenance.get("command")), "text").replace("`", "'")
    labels = {each.label: escaped(each.label, "markdown") for each in record.methods}
    tight = [f"{labels[each.label]} {each.overflow}" for each in record.methods if each.overflow]
    student, data_set = (escaped(t, "markdown") for t in (record.student, record.data_set))
    return (
        f"{student}, {record.n_parameters:,} parameters; means over {record.n:,} questions"
        f" of {data_set}. {whose[record.tokenizer]}"
        + (f" Times: {weights} weights on {timed}, batch 1." if timed else "")
        + (f" No room for an answer of full length behind: {', '.join(tight)}." if tight else "")
        + f" `{command}`, {told.get('date')}."
    )


def legend() -> str:
    """What is counted, and why the two measures differ."""
    return (
        "FLOPs in 1e9 per solved question, without a student having run: prompts are those that"
        " each method's own program asks for, completions are as long as a real rationale of the"
        " question (code-davinci-002's, right or wrong) and the gold answer, or the answer alone"
        " where a method answers at once. total = prefill + decode; rel.: to the reference row;"
        " prompt-only: the paper's measure, linear layers over the prompt; paper: its printed"
        " column, TinyLLaMA zero-shot = 1, and paper rel. the same to its own Std-CoT, to the"
        " digits that it prints.\n\n"
        "Why the two measures differ: prompt-only counts no generated token, so a method that"
        " answers at once looks like one that reasons, though decoding the rationale is most of the"
        " work where the prompt is short. It takes logits at each prompt position, where a"
        " generation needs them at the last one alone, and leaves out attention, which grows with"
        " the square of the prompt. So retrieved passages and second calls weigh less in the full"
        " count, and a rationale that is not written saves more."
    )


def _row_json(record: CostRecord, cost: MethodCost, claimed: Mapping[str, float]) -> dict[str, Any]:
    sums = asdict(cost)
    label, overflow, timing = sums.pop("label"), sums.pop("overflow"), sums.pop("timing")
    means = {name: value / record.n for name, value in sums.items()}
    return {
        "label": label,
        **means,
        "total_flops": cost.total_flops / record.n,
        "relative_flops": cost.total_flops / record.of_reference.total_flops,
        "relative_prompt_only_flops": _prompt_only(record, cost),
        "paper_flops": claimed.get(label),
        "paper_relative_flops": _paper(record, cost, claimed),
        "overflow": overflow,
        "timing": timing,
    }


def _prompt_only(record: CostRecord, cost: MethodCost) -> float:
    return cost.prompt_only_flops / record.of_reference.prompt_only_flops


def _paper(record: CostRecord, cost: MethodCost, claimed: Mapping[str, float]) -> float | None:
    """The paper's column divided by its own reference row; None where it lacks one of the two."""
    if cost.label not in claimed or record.reference not in claimed:
        return None
    return claimed[cost.label] / claimed[record.reference]


def _cells(record: CostRecord, cost: MethodCost, claimed: Mapping[str, float]) -> list[str]:
    def giga(flops: int) -> str:
        return f"{flops / record.n / GIGA:,.1f}"

    paper = claimed.get(cost.label)
    return [
        cost.label,
        f"{cost.n_calls / record.n:.0f}",
        f"{cost.prompt_tokens / record.n:.1f}",
        f"{cost.generated_tokens / record.n:.1f}",
        giga(cost.prefill_flops),
        giga(cost.decode_flops),
        giga(cost.total_flops),
        ratio(cost.total_flops / record.of_reference.total_flops),
        giga(cost.prompt_only_flops),
        ratio(_prompt_only(record, cost)),
        NONE if paper is None else f"x{paper:.1f}",
        ratio(_paper(record, cost, claimed)),
    ]


def _timing(cost: MethodCost) -> list[str]:
    found = cost.timing
    if found is None:
        return [NONE for _ in _TIMED]
    return [
        f"{found.ttft_s_p50 * 1000:.2f}",
        NONE if found.tpot_s_p50 is None else f"{found.tpot_s_p50 * 1000:.2f}",
        f"{found.tokens_per_s:.1f}",
        f"{found.peak_memory_bytes / 2**30:.2f}",
    ]
