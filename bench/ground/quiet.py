"""Keep the libraries' own bars and notices off the terminal; errors still come through."""

import logging
import warnings
from importlib import import_module
from typing import Any


def quiet_libraries() -> None:
    """To be called once, before a library prints; our own bars and messages stay."""
    import lm_eval.api.task
    from datasets.utils.logging import disable_progress_bar
    from transformers.utils import logging as transformers_logging

    disable_progress_bar()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    # Their bars have no switch, and tell of what takes no time.
    gguf = import_module("transformers.modeling_gguf_pytorch_utils")  # it is no attribute yet
    barred: tuple[Any, ...] = (lm_eval.api.task, gguf)
    for module in barred:
        module.tqdm = lambda iterable, **_: iterable
