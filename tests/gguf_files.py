"""Tiny GGUF files, written from a random Llama and a byte-level BPE as llama.cpp lays them out."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFWriter
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXTS = [
    "Question: How many beads are there?\n\nAnswer: Let's think step by step.",
    " Therefore, the answer is 42.\n\n1. Two and two\n\n2. It's 1234 + 56 = 1290.",
] * 3
CONTROL, NORMAL = 3, 1
LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}


@cache
def bpe() -> Tokenizer:
    """A byte-level BPE that cuts digits apart before anything else, as SmolLM's does."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    found.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    found.train_from_iterator(TEXTS, trainer)
    return found


def llama() -> Any:
    """Two layers of random weights, with fewer heads of keys than of queries."""
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=bpe().get_vocab_size(),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        rms_norm_eps=2**-17,
        rope_theta=5000.0,
        tie_word_embeddings=True,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config).eval()


def write(
    path: Path,
    *,
    architecture: str = "llama",
    pre: str | None = "smollm",
    template: str | None = CHAT,
    drop: str | None = None,
) -> Path:
    """The model of `llama` with the tokenizer `bpe`, without the tensor `drop`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer, model = GGUFWriter(path, architecture), llama()
    _describe(writer, model.config)
    _spell(writer, pre, template)
    for name, weights in _tensors(model):
        if name != drop:
            writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: GGUFWriter, config: Any) -> None:
    writer.add_name("tiny")
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)


def _spell(writer: GGUFWriter, pre: str | None, template: str | None) -> None:
    vocabulary = sorted(bpe().get_vocab().items(), key=lambda item: item[1])
    tokens = [token for token, _ in vocabulary]
    merges = [left + " " + right for left, right in _merges()]
    writer.add_tokenizer_model("gpt2")
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if token in SPECIAL else NORMAL for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)


def _merges() -> list[tuple[str, str]]:
    return [tuple(pair) for pair in json.loads(bpe().to_str())["model"]["merges"]]


def _tensors(model: Any) -> Iterator[tuple[str, np.ndarray]]:
    state, config = model.state_dict(), model.config
    for ours, theirs in WHOLE.items():
        yield f"{theirs}.weight", state[f"{ours}.weight"].numpy()
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for layer in range(config.num_hidden_layers):
        for ours, theirs in LAYER.items():
            weights = state[f"model.layers.{layer}.{ours}.weight"].numpy()
            if theirs in heads:
                weights = _interleaved(weights, heads[theirs])
            yield f"blk.{layer}.{theirs}.weight", weights


def _interleaved(weights: np.ndarray, n_heads: int) -> np.ndarray:
    """Rows of a head in llama.cpp's order: the two halves that rotate together, in turn."""
    n_rows, width = weights.shape
    halves = weights.reshape(n_heads, 2, n_rows // n_heads // 2, width)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(n_rows, width))
