"""Whether costs are ones that a real student can have, and papers' tables can be read."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from leaderboard.store.board import beside
from leaderboard.store.costs import CostRecord, MethodCost
from leaderboard.store.papers import Paper
from leaderboard.verify.facts import loaded
from leaderboard.verify.tree import Fault, Tree

T = TypeVar("T", CostRecord, Paper)
LEAST, MOST = 0.2, 5.0
"""Of what the paper's measure makes of the same tokens: without its head over the prompt, a student
of 0.3 B with a large vocabulary spends a third of it, and attention over long prompts adds much to
what a small one needs."""


def check_costs(tree: Tree) -> Iterator[Fault]:
    """Costs and papers that cannot be read, and costs that are none of one student."""
    yield from (each for each in _held(tree, "reported", Paper.load) if isinstance(each, Fault))
    for each in _held(tree, "cost", CostRecord.load):
        if isinstance(each, Fault):
            yield each
        elif tree.track in (None, each.track):
            yield from _odd(f"cost/{each.track}.json", each)


def _held(tree: Tree, kind: str, load: Callable[..., T]) -> Iterator[T | Fault]:
    folder = beside(tree.root, kind)
    if folder.is_symlink():
        yield Fault(kind, "is a symbolic link", "a folder of its own")
        return
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        yield loaded(path, f"{kind}/{path.name}", load)


def _odd(file: str, cost: CostRecord) -> Iterator[Fault]:
    of_reference = cost.of_reference
    per_token = of_reference.prompt_only_flops / max(1, of_reference.prompt_tokens)
    if per_token > 2 * cost.n_parameters:  # of experts, most parameters rest
        yield Fault(
            file,
            f"prompt_only_flops are {per_token:.4g} a token for {cost.n_parameters} parameters",
            "at most two for each",
        )
    labels = [each.label for each in cost.methods]
    for label in sorted({each for each in labels if labels.count(each) > 1}):
        yield Fault(file, f"{label} stands there twice", "once")
    for each in cost.methods:
        yield from (Fault(file, f"{each.label}: {what}", be) for what, be in _of(each, per_token))
        if each.n_calls < cost.n:
            yield Fault(file, f"{each.label}: {each.n_calls} calls", f"{cost.n}, one a question")


def _of(cost: MethodCost, per_token: float) -> Iterator[tuple[str, str]]:
    if cost.prompt_only_flops != round(per_token * cost.prompt_tokens):
        yield (
            f"prompt_only_flops {cost.prompt_only_flops} for {cost.prompt_tokens} tokens",
            f"{per_token:.0f} a token, as of the reference",
        )
    steps = cost.generated_tokens - cost.n_calls
    for name, flops, tokens in (
        ("prefill_flops", cost.prefill_flops, cost.prompt_tokens),
        ("decode_flops", cost.decode_flops, max(0, steps)),
    ):
        low, high = (each * per_token * tokens for each in (LEAST, MOST))
        if not low <= flops <= high:
            yield f"{name} {flops:.4g} for {tokens} tokens", f"from {low:.4g} to {high:.4g}"
