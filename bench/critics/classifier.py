"""A trained critic: an encoder that reads head and tail as a pair, and says how true they are."""

from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.critics.quality import Scores, precision_at
from bench.ground.bars import Bar
from bench.students.student import device, scratch_tokenizer
from bench.track import Critic

Triple = tuple[str, str, str]
"""Head, phrase, tail."""
BATCH = 512


class Classifier:
    """Probabilities of triples; one logit, as of an entailment."""

    def __init__(self, model: Any, tokenizer: Any, max_tokens: int) -> None:
        self._model, self._tokenizer, self._max_tokens = model.eval(), tokenizer, max_tokens

    @torch.no_grad()
    def scores(self, triples: Sequence[Triple]) -> Scores:
        """Probability that each is true, in order; batches are of like length."""
        order = sorted(range(len(triples)), key=lambda i: sum(map(len, triples[i])))
        found = np.empty(len(triples))
        for start in Bar(range(0, len(order), BATCH), what="judging triples", unit="batch"):
            chosen = order[start : start + BATCH]
            read = encoded(self._tokenizer, [triples[i] for i in chosen], self._max_tokens)
            inputs = self._tokenizer.pad(read, return_tensors="pt").to(self._model.device)
            found[chosen] = self._model(**inputs).logits[:, 0].sigmoid().double().cpu().numpy()
        return found

    def save(self, folder: Path) -> None:
        self._model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path, max_tokens: int) -> "Classifier":
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        model = AutoModelForSequenceClassification.from_pretrained(folder).to(device())
        return cls(model, AutoTokenizer.from_pretrained(folder), max_tokens)


def encoded(tokenizer: Any, triples: Sequence[Triple], max_tokens: int) -> Any:
    """Each as a pair of texts: the head, and what is said to follow from it."""
    heads = [head for head, _, _ in triples]
    tails = [f"{phrase} {tail}" for _, phrase, tail in triples]
    return tokenizer(heads, tails, truncation=True, max_length=max_tokens)


def teach(
    spec: Critic,
    labels: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    *,
    seed: int,
    home: Path,
    folder: Path,
) -> Classifier:
    """Train on the labelled triples of split "train" until those of "dev" gain no more.

    What is watched is precision at 80 % recall; the output begins at the share of true triples.
    """
    from transformers import (
        DataCollatorWithPadding,
        EarlyStoppingCallback,
        Trainer,
        TrainingArguments,
    )

    torch.manual_seed(seed)
    model, tokenizer = _encoder(spec, list(texts), home)
    parts = {split: [row for row in labels if row["split"] == split] for split in ("train", "dev")}
    _begin_at(model, float(np.mean([row["label"] for row in parts["train"]])))
    served = {name: _served(tokenizer, rows, spec.max_tokens) for name, rows in parts.items()}

    def watched(found: Any) -> dict[str, float]:
        marks = found.label_ids[:, 0].astype(int).tolist()
        return {"precision": precision_at(0.8, marks, found.predictions[:, 0].astype(float))}

    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=spec.epochs,
        per_device_train_batch_size=spec.batch_size,
        per_device_eval_batch_size=BATCH,
        learning_rate=spec.learning_rate,
        warmup_steps=0.1,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="precision",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=seed,
        use_cpu=device().type == "cpu",
    )
    Trainer(
        model=model,
        args=arguments,
        train_dataset=served["train"],
        eval_dataset=served["dev"],
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=watched,
        callbacks=[EarlyStoppingCallback(spec.patience)],
    ).train()
    return Classifier(model, tokenizer, spec.max_tokens)


def _served(tokenizer: Any, rows: Sequence[Mapping[str, Any]], max_tokens: int) -> Any:
    triples = [(row["head"], row["phrase"], row["tail"]) for row in rows]
    read = encoded(tokenizer, triples, max_tokens)
    return [
        {name: read[name][i] for name in read} | {"labels": [float(row["label"])]}
        for i, row in enumerate(rows)
    ]


def _encoder(spec: Critic, texts: list[str], home: Path) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    one_logit = {"num_labels": 1, "problem_type": "multi_label_classification"}
    if spec.path is not None:
        tokenizer = AutoTokenizer.from_pretrained(spec.path)
        model = AutoModelForSequenceClassification.from_pretrained(
            spec.path, ignore_mismatched_sizes=True, **one_logit
        )
        return model.to(device()), tokenizer
    assert spec.scratch is not None, "a track names either"
    tokenizer = AutoTokenizer.from_pretrained(scratch_tokenizer(spec.scratch, texts, home))
    config = AutoConfig.for_model(
        **spec.scratch.config,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        **one_logit,
    )
    return AutoModelForSequenceClassification.from_config(config).to(device()), tokenizer


def _begin_at(model: Any, share: float) -> None:
    """Set the bias of the one output so that it says `share` of everything."""
    (*_, last) = (m for m in model.modules() if isinstance(m, torch.nn.Linear))
    with torch.no_grad():
        last.bias.fill_(log(share / (1 - share)))
