"""Sequences as one prefix tree: what they begin with alike is computed once, and nothing is padded.

Every token stands once in one long row. Layers that look at a token alone read the row as it is;
attention reads, for each sequence, its own new tokens against all of its own and no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from bench.batch import n_alike
from bench.students.student import attends_to_all


@dataclass(frozen=True, slots=True)
class Branch:
    """What one sequence adds to the tree."""

    n: int
    """Its tokens that no sequence before it begins with."""
    chain: tuple[int, ...]
    """The pieces of the row that its tokens stand in, from its first one on."""
    mask: Tensor | None
    """(n, all of its tokens), True where one may look; None where plain causality says as much."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Sequences of token ids, with N distinct tokens in all."""

    ids: list[int]
    """(N,)"""
    positions: list[int]
    """(N,), each token's place in its sequences."""
    pieces: list[int]
    """Lengths, in all N, of what is always read together."""
    branches: list[Branch]
    """In the order of their new tokens; those of sequences without any are left out."""
    paths: list[list[int]]
    """Of each sequence, in the order given: where in the row its tokens stand."""

    @classmethod
    def of(cls, rows: Sequence[list[int]], device: torch.device | None = None) -> "Tree":
        """The tree of these sequences (any order, doubles allowed), to be read on that device."""
        ids, positions, path, last = list[int](), list[int](), list[int](), list[int]()
        paths, new = [list[int]() for _ in rows], dict[int, int]()
        # In this order a sequence shares the most with the one before it.
        for i in sorted(range(len(rows)), key=rows.__getitem__):
            row = rows[i]
            n = n_alike(last, row)
            path = path[:n] + list(range(len(ids), len(ids) + len(row) - n))
            ids += row[n:]
            positions += range(n, len(row))
            paths[i], new[i], last = path, len(row) - n, row
        starts = sorted(_cuts(paths, len(ids)))
        number = {start: k for k, start in enumerate(starts)}
        branches = [
            Branch(
                n,
                tuple(number[p] for p in paths[i] if p in number),
                _mask(n, len(rows[i]), device),
            )
            for i, n in new.items()
            if n
        ]
        return cls(
            ids, positions, [b - a for a, b in pairwise([*starts, len(ids)])], branches, paths
        )


def _cuts(paths: Sequence[list[int]], n: int) -> set[int]:
    """Where pieces start: wherever some sequence starts, leaves the row, comes back or ends."""
    cuts = {0}
    for path in paths:
        cuts |= {p for a, b in pairwise(path) if b != a + 1 for p in (a + 1, b)}
        cuts |= {path[0], path[-1] + 1} if path else set()
    return cuts - {n}


def _mask(n: int, total: int, device: torch.device | None) -> Tensor | None:
    if n == total:
        return None
    return torch.ones(n, total, dtype=torch.bool, device=device).tril(total - n)


def grows(model: Any) -> bool:
    """Whether the model can read a tree: all its layers attend to everything before a token, by
    torch's own attention, and a small tree is read as its texts alone are: layers of some
    architectures say that they hand down what they are given, and do not."""
    config = model.config
    own = config._attn_implementation == "sdpa" and model._supports_attention_backend
    if not (own and attends_to_all(config)):
        return False
    if model not in _READS:
        _READS[model] = _reads(model)
    return _READS[model]


_READS = WeakKeyDictionary[Any, bool]()


@torch.no_grad()
def _reads(model: Any) -> bool:
    rows, device = [[3, 1, 4, 1], [3, 1, 5]], model.device
    tree = Tree.of(rows, device)
    places = torch.tensor([place for path in tree.paths for place in path], device=device)
    found = tree_logits(model, tree, places).float()
    texts = [model(input_ids=torch.tensor([row], device=device)).logits[0] for row in rows]
    alone = torch.cat(texts).float()
    share = 1e-3 if model.dtype == torch.float32 else 3e-2
    return torch.allclose(found, alone, rtol=0.0, atol=share * float(alone.abs().max()))


def tree_logits(model: Any, tree: Tree, places: Tensor) -> Tensor:
    """Logits (len(places), V) after the tokens of the row that stand at `places`."""
    device = places.device
    row = torch.tensor([tree.ids, tree.positions], device=device)
    handle = model.get_output_embeddings().register_forward_pre_hook(
        lambda _, inputs: (inputs[0][0, places],)
    )
    try:
        return model(
            input_ids=row[:1],
            position_ids=row[1:],
            # A mask of four dimensions is taken as it is, so none is made; ours is by branch.
            attention_mask=torch.ones(1, 1, 1, 1, device=device),
            use_cache=False,
            tree=tree,
        ).logits
    finally:
        handle.remove()


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    tree: Tree | None = None,
    **given: Any,
) -> tuple[Tensor, None]:
    """That of transformers, branch by branch where there is a tree; heads and sizes as there."""
    if tree is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **given)
    keys, values = key.split(tree.pieces, dim=2), value.split(tree.pieces, dim=2)
    own = query.split([branch.n for branch in tree.branches], dim=2)
    outputs = [
        sdpa_attention_forward(
            module,
            q,
            torch.cat([keys[k] for k in branch.chain], dim=2),
            torch.cat([values[k] for k in branch.chain], dim=2),
            None if branch.mask is None else branch.mask[None, None],
            **given,
        )[0]
        for q, branch in zip(own, tree.branches, strict=True)
    ]
    return torch.cat(outputs, dim=1), None


# Without a tree it is what it was, so that every model may go through it.
AttentionInterface.register("sdpa", _attention)
