"""All questions of pocket, as Std-CoT asks them, and its student before any training."""

from pathlib import Path

import torch

from bench import registry, track
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.run.evaluate import task_manager
from bench.students.student import Student, load

TRACK = track.load("pocket")
NAMES = [*TRACK.tasks.id, *TRACK.tasks.ood]


def untrained(home: Path) -> Student:
    return load(TRACK.student, texts=(), home=home, seed=0)


def prompts() -> list[str]:
    method = registry.discover()["std_cot"]
    ask = attach.asker(Corpus((), (), {}), method.needs, 0)
    tasks = task_manager({}).load(NAMES)["tasks"].values()
    return [method.prompt(ask(doc)) for task in tasks for doc in task.test_docs()]


def margin_where_they_part(student: Student, prompt: str, one: str, other: str) -> float:
    """Gap of the two best logits at the first token in which two completions differ."""
    start, *written = (student.tokenizer(text).input_ids for text in (prompt, one, other))
    n = next(k for k, (a, b) in enumerate(zip(*written, strict=False)) if a != b)
    with torch.inference_mode():
        logits = student.model(torch.tensor([start + written[0][:n]])).logits[0, -1]
    best, second = logits.topk(2).values.tolist()
    return best - second
