"""Keep the libraries' own bars and notices off the terminal; errors still come through."""

import logging
import warnings


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
    # lm-eval has no switch for the bar of building requests, which takes no time.
    lm_eval.api.task.tqdm = lambda iterable, **_: iterable
