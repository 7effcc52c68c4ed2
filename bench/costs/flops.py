"""What a solved question costs in floating-point operations, from shapes alone.

One multiply-accumulate (MAC) is two FLOPs. Counted are linear layers, attention and convolutions:
what PyTorch's FlopCounterMode counts on a real `generate()`, to the integer. Attention is
2 x heads x queries x keys x head_dim MACs with every key counted for every query: a causal kernel
may skip half of a prefill's, and neither counter subtracts them.

Not counted, here or there: norms, activations, softmax, rotary embeddings (but for their angles
where transformers computes those by a matmul), gating products, biases, the embedding look-up, the
argmax. Lfm2's short convolutions count as transformers runs them without a fused kernel, with all
positions that it computes and drops: kernel - 1 beyond the prompt, and two rather than one in a
decode step. Releases whose decode step is a product and a sum instead have that step left out, as
FlopCounterMode leaves it out. A prompt shorter than the kernel is padded to it by the cache; that
is not modelled (2 FLOPs x kernel x hidden size for each missing position and convolution).
"""

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import (
    addmm_flop_jit,
    bmm_flop_jit,
    conv_flop_jit,
    get_shape,
    linear_flop_jit,
    matmul_flop_jit,
)
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.pytorch_utils import Conv1D

FLOPS_PER_MAC = 2
BACKWARD_AND_FORWARD = 3
"""Two matmuls of the backward pass (gradient of input and of weight) for each of the forward."""
FIT_LENGTHS = (16, 32, 48)
"""Above any short-convolution kernel; three points fix a quadratic."""
FAR_ON_CPU = 512
"""Where the trace really computes; on the meta device the fit is verified at the full context."""
MATMUL_LIKE = re.compile(r"mm|matmul|mv$|linear|conv|attention|attn|einsum|dot|lstm|gru|rnn")


class FlopError(RuntimeError):
    """The cost of a student cannot be counted exactly; the message says which part."""


@dataclass(frozen=True, slots=True)
class FlopModel:
    """Cost of one student by token counts: batch 1, no padding, KV cache; all fields in MACs.

    Prefill of P tokens costs `prefill_constant + prefill_per_token * P + prefill_per_pair * P^2`
    with logits at the last position only; one decode step behind T cached tokens costs
    `decode_constant + decode_per_cached * T`.
    """

    prefill_constant: int
    prefill_per_token: int
    prefill_per_pair: int
    decode_constant: int
    decode_per_cached: int
    head_per_token: int
    """The logits of one position."""
    linear_per_token: int
    """All linear layers at one position, logits included; no attention, no convolution."""

    def prefill_flops(self, n_prompt: int) -> int:
        """From the prompt to the first generated token; 0 for an empty prompt."""
        return FLOPS_PER_MAC * self._prefill_macs(n_prompt)

    def decode_flops(self, n_prompt: int, n_generated: int) -> int:
        """The `n_generated - 1` steps after the first token, an end-of-text token included."""
        n_steps = n_generated - 1
        if n_steps < 1:
            return 0
        n_cached = n_steps * n_prompt + n_steps * (n_steps - 1) // 2
        return FLOPS_PER_MAC * (self.decode_constant * n_steps + self.decode_per_cached * n_cached)

    def prompt_only_flops(self, n_prompt: int) -> int:
        """The paper's measure: linear layers over all prompt positions, logits at each of them.

        No attention and no generated token, but twice the MACs that its table calls FLOPs.
        """
        return FLOPS_PER_MAC * self.linear_per_token * n_prompt

    def training_flops(self, lengths: Sequence[int]) -> int:
        """Forward and backward over one sequence of each length: 3 x forward with all logits.

        Exact for full fine-tuning without recomputation: every linear layer has both backward
        matmuls, the first one too, as the embedding below it is trained. Frozen weights (LoRA)
        save up to a third, the output layer before target tokens alone as much of it as there are
        prompt tokens, and beginnings that are computed once for several sequences what they are;
        checkpointing and flash attention's backward add to it.
        """
        macs = sum(self._prefill_macs(n) + self.head_per_token * (n - 1) for n in lengths if n)
        return FLOPS_PER_MAC * BACKWARD_AND_FORWARD * macs

    def reading_flops(self, n_prompt: int, n_answer: int) -> int:
        """Of a given answer after a prompt in one pass, with logits before each of its tokens; the
        last of them is not read."""
        read = n_prompt + n_answer - 1
        macs = self._prefill_macs(read) + self.head_per_token * (n_answer - 1)
        return FLOPS_PER_MAC * macs

    def _prefill_macs(self, n: int) -> int:
        if n < 1:
            return 0
        return self.prefill_constant + self.prefill_per_token * n + self.prefill_per_pair * n * n


def fit_flops(model: PreTrainedModel) -> FlopModel:
    """Trace a copy of `model` without its weights at a few lengths; verify at a far one.

    Raises FlopError for a model that its config does not describe (an adapter: merge it first),
    for an operator that may hide a matmul, and for a cost that is not quadratic in prefill and
    affine in decode (sliding windows).
    """
    twin = _twin(model)
    shape = twin.config.to_json_string(use_diff=False)
    if shape not in _FITTED:  # a second and more; a run asks for every cell
        _FITTED[shape] = _fitted(twin)
    return _FITTED[shape]


_FITTED = dict[str, FlopModel]()
"""What this process has fitted, by the whole config."""


def _fitted(twin: PreTrainedModel) -> FlopModel:
    if any(isinstance(m, nn.Conv1d) for m in twin.modules()):
        twin = twin.to_empty(device="cpu")  # the tracer records no convolution on meta
    far = int(getattr(twin.config, "max_position_embeddings", None) or 4096) - 1
    if twin.device.type == "cpu":
        far = min(far, FAR_ON_CPU)
    lengths = (*FIT_LENGTHS, max(far, FIT_LENGTHS[-1] + 1))
    prefill = {n: counted_macs(_Prefill(twin), n)[0] for n in lengths}
    decode = {n: counted_macs(_PrefillAndDecode(twin), n + 1)[0] - prefill[n] for n in lengths[1:]}
    c0, c1, c2 = polynomial(prefill, 2, "prefill")
    d0, d1 = polynomial(decode, 1, "decode")
    fitted = FlopModel(c0, c1, c2, d0, d1, _weights(twin.get_output_embeddings()), _weights(twin))
    n = lengths[-1]
    total, linear = counted_macs(_Forward(twin), n)
    if linear != fitted.linear_per_token * n:
        raise FlopError(f"linear layers over {n} tokens cost {linear} MACs, not weights x {n}")
    if FLOPS_PER_MAC * BACKWARD_AND_FORWARD * total != fitted.training_flops([n]):
        raise FlopError(f"{n} tokens with all logits: prefill and logits do not add up")
    return fitted


class _Pass(nn.Module):
    """What is traced: ids (1, T) to logits, no cache in or out, since fvcore takes none."""

    def __init__(self, student: PreTrainedModel) -> None:
        super().__init__()
        self.student = student


class _Prefill(_Pass):
    """The first forward pass of `generate`."""

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.student(input_ids, use_cache=True, logits_to_keep=1).logits


class _PrefillAndDecode(_Pass):
    """All tokens but the last, then the last behind their cache.

    Both logits are returned, since the tracer drops what no output depends on.
    """

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        first = self.student(input_ids[:, :-1], use_cache=True, logits_to_keep=1)
        cache = first.past_key_values
        second = self.student(input_ids[:, -1:], past_key_values=cache, use_cache=True)
        return first.logits, second.logits


class _Forward(_Pass):
    """The forward pass of training."""

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.student(input_ids, use_cache=False).logits


def _twin(model: PreTrainedModel) -> PreTrainedModel:
    """The same architecture on the meta device, without weights."""
    with torch.device("meta"):
        twin = AutoModelForCausalLM.from_config(
            deepcopy(model.config), attn_implementation="sdpa"
        ).eval()
    shapes, expected = (
        {name: tuple(weight.shape) for name, weight in m.named_parameters()} for m in (model, twin)
    )
    if shapes != expected:
        names = sorted(k for k in shapes | expected if shapes.get(k) != expected.get(k))
        raise FlopError(
            f"{type(model).__name__} is not what its config describes: {names[0]} differs"
            f" ({len(names)} parameters in all); merge adapters before counting"
        )
    return twin


def _weights(module: nn.Module | None) -> int:
    """MACs per position of the linear layers in `module`; a tied weight counts where it is used."""
    if module is None:
        raise FlopError("the student has no output embeddings: it predicts no token")
    linear = (nn.Linear, Conv1D)  # as GPT-2 writes it
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, linear))


def _sdpa_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """Two matmuls per query head: q (b, h, s, d_qk), k (b, h_kv, n, d_qk), v (b, h_kv, n, d_v)."""
    query, key, value = (get_shape(tensor) for tensor in inputs[:3])
    if query is None or key is None or value is None:
        raise FlopError("attention over tensors of unknown shape")
    batch, heads, n_queries, d_qk = query
    return batch * heads * n_queries * key[-2] * (d_qk + value[-1])


# Listed in full, as fvcore's own defaults count norms too and give attention nothing.
HANDLES: dict[str, Callable[[list[Any], list[Any]], Any]] = {
    "aten::addmm": addmm_flop_jit,
    "aten::bmm": bmm_flop_jit,
    "aten::linear": linear_flop_jit,
    "aten::matmul": matmul_flop_jit,
    "aten::mm": matmul_flop_jit,
    "aten::_convolution": conv_flop_jit,
    "aten::scaled_dot_product_attention": _sdpa_macs,
}


@torch.no_grad()
def counted_macs(module: nn.Module, n_tokens: int) -> tuple[int, int]:
    """MACs of `module` over (1, n_tokens) ids, and those of its linear layers."""
    ids = torch.zeros(1, n_tokens, dtype=torch.long, device=next(module.parameters()).device)
    analysis = FlopCountAnalysis(module, (ids,)).clear_op_handles().set_op_handle(**HANDLES)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    counts = analysis.tracer_warnings("none").by_operator()
    opaque = sorted(
        op
        for op in analysis.unsupported_ops()
        # A custom kernel or Python function could be anything.
        if MATMUL_LIKE.search(op) or not op.startswith(("aten::", "prim::")) or "PythonOp" in op
    )
    if opaque:
        raise FlopError(f"no way to count {', '.join(opaque)}: give it a handle in {__name__}")
    return int(sum(counts.values())), int(counts["linear"] + counts["addmm"])


def polynomial(costs: dict[int, int], degree: int, what: str) -> list[int]:
    """Integer coefficients, constant first, of the polynomial through all of `costs`."""
    xs = list(costs)[: degree + 1]
    rows = [[Fraction(x) ** k for k in range(degree + 1)] + [Fraction(costs[x])] for x in xs]
    for i in range(degree + 1):  # Gauss-Jordan; distinct lengths leave no zero pivot
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(degree + 1):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    found = [row[-1] for row in rows]
    for n, cost in costs.items():
        if sum(c * n**k for k, c in enumerate(found)) != cost or any(c % 1 for c in found):
            raise FlopError(f"{what} is no polynomial of degree {degree}: {cost} MACs at {n}")
    return [int(c) for c in found]
