"""A trained critic: a classifier that reads head and tail as a pair, and says how true they are."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from math import ceil, log
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.costs.encoder_flops import EncoderFlops, fit_encoder_flops
from bench.costs.flops import BACKWARD_AND_FORWARD
from bench.critics.inputs import kept_to
from bench.critics.quality import Scores, precision_at
from bench.critics.wording import Triple, named, triples
from bench.ground.bars import Bar
from bench.students.student import Student, device
from bench.track import Critic
from tasks.triples import begun

BATCH = 128
ONE_LOGIT = {"num_labels": 1, "problem_type": "multi_label_classification"}


class Classifier:
    """Probabilities of triples; the model's one logit is beside that of the share of true ones."""

    def __init__(self, model: Any, tokenizer: Any, spec: Critic) -> None:
        self.model, self.tokenizer, self._spec = model, kept_to(model, tokenizer), spec

    def scores(self, asked: Sequence[Triple]) -> Scores:
        """Probability that each is true, in order; the mean over the draws of names."""
        self.model.eval()
        draws = range(self._spec.name_draws or 0)
        return np.mean([self._scores(a) for a in ([named(asked, d) for d in draws] or [asked])], 0)

    @torch.no_grad()
    def _scores(self, asked: Sequence[Triple]) -> Scores:
        """Batches are of like length."""
        order = sorted(range(len(asked)), key=lambda i: sum(map(len, asked[i])))
        found = np.empty(len(asked))
        for start in Bar(range(0, len(order), BATCH), what="judging triples"):
            chosen = order[start : start + BATCH]
            read = self.encoded([asked[i] for i in chosen])
            inputs = self.tokenizer.pad(read, return_tensors="pt").to(self.model.device)
            logits = self.model(**inputs).logits[:, 0].double() + self.model.config.prior
            found[chosen] = logits.sigmoid().cpu().numpy()
        return found

    def flops(self, asked: Sequence[Triple]) -> list[int]:
        """Of the probability of each, over all draws; its output of one logit aside."""
        draws = range(self._spec.name_draws or 0)
        read = [self.encoded(a) for a in ([named(asked, d) for d in draws] or [asked])]
        lengths = zip(*(map(len, each["input_ids"]) for each in read), strict=True)
        return [sum(map(self._flops.flops, each)) for each in lengths]

    @cached_property
    def _flops(self) -> EncoderFlops:
        return fit_encoder_flops(self.model.base_model)

    def reading_flops(self, served: Sequence[Mapping[str, Any]]) -> int:
        """Of one pass over rows that were encoded."""
        return sum(self._flops.flops(len(row["input_ids"])) for row in served)

    def encoded(self, asked: Sequence[Triple]) -> Any:
        """Each as a pair of texts: the head, and what is said to follow from it."""
        heads = [begun(head, phrase) for head, phrase, _ in asked]
        tails = [f" {phrase} {tail}" for _, phrase, tail in asked]
        return self.tokenizer(heads, tails, truncation=True, max_length=self._spec.max_tokens)

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: str | Path, spec: Critic) -> "Classifier":
        """One that was saved, or an encoder that others trained."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        model = AutoModelForSequenceClassification.from_pretrained(
            folder,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            dtype=torch.float32,
            **ONE_LOGIT,
        )
        return cls(model.to(device()), AutoTokenizer.from_pretrained(folder), spec)

    @classmethod
    def on(cls, student: Student, spec: Critic) -> "Classifier":
        """A language model with an output of one logit in the place of its words."""
        from transformers import AutoModelForSequenceClassification

        config = deepcopy(student.model.config)
        config.update({**ONE_LOGIT, "pad_token_id": student.tokenizer.pad_token_id})
        model: Any = AutoModelForSequenceClassification.from_config(config)
        model.base_model.load_state_dict(student.model.base_model.state_dict())
        return cls(model.to(student.device), deepcopy(student.tokenizer), spec)


def teach(
    classifier: Classifier,
    spec: Critic,
    labels: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    folder: Path,
) -> int:
    """First on triples that were corrupted, then on those that people judged; the FLOPs of both.

    The latter until the "dev" ones gain no more in precision at 80 % recall; the output begins at
    the share of true triples. `folder` is for work in progress.
    """
    spent = 0
    parts = {
        split: [row for row in labels if row["split"] == split]
        for split in ("corrupted", "train", "dev")
    }
    if parts["corrupted"] and spec.corrupted_epochs:
        spent += _fit(classifier, spec, parts["corrupted"], [], seed=seed, folder=folder)
    return spent + _fit(classifier, spec, parts["train"], parts["dev"], seed=seed, folder=folder)


def _fit(
    classifier: Classifier,
    spec: Critic,
    rows: Sequence[Mapping[str, Any]],
    watched: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    folder: Path,
) -> int:
    """The FLOPs of all epochs, those that were in vain too, and of looking at `watched` in each."""
    from transformers import (
        DataCollatorWithPadding,
        EarlyStoppingCallback,
        PrinterCallback,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    torch.manual_seed(seed)
    share = float(np.mean([row["label"] for row in rows]))
    prior = classifier.model.config.prior = log(share / (1 - share))
    names = spec.name_draws is not None
    n_epochs = spec.epochs if watched else spec.corrupted_epochs

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs.logits + prior, labels)

    def precision(found: Any) -> dict[str, float]:
        marks = found.label_ids[:, 0].astype(int).tolist()
        return {"precision": precision_at(0.8, marks, found.predictions[:, 0].astype(float))}

    stopping: dict[str, Any] = {"save_strategy": "no"}
    if watched:
        stopping = {
            "eval_strategy": "epoch",
            "save_strategy": "epoch",
            "save_total_limit": 1,
            "load_best_model_at_end": True,
            "metric_for_best_model": "precision",
        }
    taught = _served(classifier, rows, names=names)
    looked_at = _served(classifier, watched, names=names) if watched else None
    # Before anything is taught: what cannot be counted fails now.
    once = BACKWARD_AND_FORWARD * classifier.reading_flops(taught)
    once += classifier.reading_flops(looked_at or ())
    total = n_epochs * ceil(len(rows) / spec.batch_size)
    with Bar(total=total, what="teaching it") as bar:

        class Counted(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                bar.update()

        settings = TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=n_epochs,
            per_device_train_batch_size=spec.batch_size,
            per_device_eval_batch_size=BATCH,
            learning_rate=spec.learning_rate,
            warmup_steps=0.1,
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=seed,
            use_cpu=device().type == "cpu",
            **stopping,
        )
        settings._n_gpu = min(1, settings.n_gpu)  # of several it would make a larger batch
        trainer = Trainer(
            model=classifier.model,
            args=settings,
            train_dataset=taught,
            eval_dataset=looked_at,
            data_collator=DataCollatorWithPadding(classifier.tokenizer),
            compute_loss_func=loss,
            compute_metrics=precision,
            callbacks=[Counted(), *([EarlyStoppingCallback(spec.patience)] if watched else [])],
        )
        trainer.remove_callback(PrinterCallback)  # stdout is for results
        trainer.train()
    return round(trainer.state.epoch or 0) * once


def _served(classifier: Classifier, rows: Sequence[Mapping[str, Any]], *, names: bool) -> Any:
    read = classifier.encoded(named(triples(rows), 0) if names else triples(rows))
    return [
        {name: read[name][i] for name in read} | {"labels": [float(row["label"])]}
        for i, row in enumerate(rows)
    ]
