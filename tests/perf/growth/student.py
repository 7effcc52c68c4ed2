"""A student of random weights: as slow and as large as a trained one."""

from typing import Any

import torch
from transformers import AutoModelForCausalLM

from bench.students.shapes import config_of
from bench.students.student import Student, device
from tasks.pocket.vocabulary import build_tokenizer
from tests.perf.growth.sizes import Shape

HEAD = 64


def made(shape: Shape) -> Student:
    """With pocket's tokenizer, whose vocabulary is small: nearly all parameters are in layers."""
    width, n_layers = shape
    tokenizer = build_tokenizer()
    torch.manual_seed(0)
    config = config_of(
        {
            "model_type": "llama",
            "hidden_size": width,
            "intermediate_size": 8 * width // 3,
            "num_hidden_layers": n_layers,
            "num_attention_heads": width // HEAD,
            "num_key_value_heads": width // HEAD,
            "vocab_size": len(tokenizer),
            "tie_word_embeddings": True,
            "max_position_embeddings": 2048,
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "bos_token_id": None,
        }
    )
    model: Any = AutoModelForCausalLM.from_config(config)
    return Student(model.to(device()), tokenizer)
