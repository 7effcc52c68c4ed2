"""Judge a model while somebody else's trainer trains it: a callback of transformers' Trainer."""

from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from transformers import TrainerCallback

from bench.api import calls


class Judge(TrainerCallback):
    """Every `every` steps the accuracies of the model under a method's test prompts.

    Unweighted means over data sets, fractions, go into the trainer's log as `skbench_id` and
    `skbench_ood`; the records lie in $SKBENCH_HOME, a row METHOD@step-N-HASH each. TRL's trainers
    take it in `callbacks=[Judge(..)]`. Choose a checkpoint by `split="dev"`: what was chosen on
    the test questions is no result on them.
    """

    def __init__(
        self,
        track: str | Path,
        method: str,
        tokenizer: Any,
        *,
        every: int,
        limit: int | None = None,
        split: Literal["test", "dev"] = "test",
    ) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        self._track, self._method, self._tokenizer = track, method, tokenizer
        self._every, self._limit = every, limit
        self._split: Literal["test", "dev"] = split

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Judge the model if it is time."""
        if state.global_step % self._every or not state.is_world_process_zero:
            return
        record = calls.evaluate(
            kwargs["model"], self._method, self._track, tokenizer=self._tokenizer,
            name=f"step-{state.global_step}", limit=self._limit, split=self._split,
        )  # fmt: skip
        found: dict[str, list[float]] = {}
        for each in record.data_sets.values():
            found.setdefault(f"skbench_{each.group}", []).append(fmean(each.outcomes))
        means = {name: fmean(values) for name, values in found.items()}
        state.log_history.append(means | {"step": state.global_step})
