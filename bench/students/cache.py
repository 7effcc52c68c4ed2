"""A KV cache whose tokens are not copied for each new one."""

from typing import Any

from torch import Tensor
from transformers.cache_utils import DynamicLayer

SPARE_TOKENS = 32


class Roomy(DynamicLayer):
    """Keys and values (B, heads, T, size): the beginning of tensors with room behind them."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self._rooms = (keys, values)
        self._show(keys.shape[2])

    def _show(self, n_tokens: int) -> None:
        self._n_tokens = n_tokens
        self.keys, self.values = (room[:, :, :n_tokens] for room in self._rooms)

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """All keys and values, those of the new tokens last."""
        n_old, n_all = self._n_tokens, self._n_tokens + key_states.shape[2]
        keys, values = (_larger(room, n_old, n_all) for room in self._rooms)
        keys[:, :, n_old:n_all], values[:, :, n_old:n_all] = key_states, value_states
        self._rooms = (keys, values)
        self._show(n_all)
        return keys[:, :, :n_all], values[:, :, :n_all]

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keep these rows, in this order."""
        keys, values = (room.index_select(0, beam_idx) for room in self._rooms)
        self._rooms = (keys, values)
        self._show(self._n_tokens)


def _larger(room: Tensor, n_old: int, n_all: int) -> Tensor:
    """The room, or a larger one with its first `n_old` tokens, where `n_all` would not fit."""
    if n_all <= room.shape[2]:
        return room
    larger = room.new_empty(*room.shape[:2], n_all + SPARE_TOKENS, room.shape[3])
    larger[:, :, :n_old] = room[:, :, :n_old]
    return larger


def roomy(cache: Any) -> Any:
    """The cache of a prompt, with room for what follows; convolutions and windows stay."""
    for i, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:
            cache.layers[i] = Roomy(layer.keys, layer.values)
    return cache
