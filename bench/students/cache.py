"""A KV cache whose tokens are not copied for each new one."""

from typing import Any

from torch import Tensor
from transformers.cache_utils import DynamicLayer

SPARE_TOKENS = 32


class Roomy(DynamicLayer):
    """Keys and values (B, heads, T, size): the beginning of tensors with room behind them."""

    def __init__(self, layer: DynamicLayer) -> None:
        """What `layer` holds."""
        super().__init__()
        self.lazy_initialization(layer.keys, layer.values)
        self._rooms = (layer.keys, layer.values)
        self._show(layer.keys.shape[2])

    def _show(self, n_tokens: int) -> None:
        self.keys, self.values = (room[:, :, :n_tokens] for room in self._rooms)

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """All keys and values, those of the new tokens last."""
        n_old, n_all = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
        if n_all > self._rooms[0].shape[2]:
            self._rooms = (_larger(self.keys, n_all), _larger(self.values, n_all))
        for room, new in zip(self._rooms, (key_states, value_states), strict=True):
            room[:, :, n_old:n_all] = new
        self._show(n_all)
        return self.keys, self.values

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keep these rows, in this order."""
        n_tokens = self.keys.shape[2]
        keys, values = (room.index_select(0, beam_idx) for room in self._rooms)
        self._rooms = (keys, values)
        self._show(n_tokens)


def _larger(held: Tensor, n_tokens: int) -> Tensor:
    room = held.new_empty(*held.shape[:2], n_tokens + SPARE_TOKENS, held.shape[3])
    room[:, :, : held.shape[2]] = held
    return room


def roomy(cache: Any) -> Any:
    """The cache of a prompt, with room for what follows; convolutions and windows stay."""
    cache.layers = [
        Roomy(layer) if type(layer) is DynamicLayer and layer.is_initialized else layer
        for layer in cache.layers
    ]
    return cache
