"""What a tokenizer hands to a model that reads and does not write."""

from inspect import signature
from typing import Any


def kept_to(model: Any, tokenizer: Any) -> Any:
    """The tokenizer, which gives nothing but what the model takes.

    A causal model knows of no token types, and many tokenizers tell some all the same.
    """
    known = signature(model.forward).parameters
    tokenizer.model_input_names = [n for n in tokenizer.model_input_names if n in known]
    return tokenizer
