"""Which scorer of importance a track asks for, as one function from texts to scores."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from bench.corpora import importance
from bench.corpora.word_scores import Scored, cache_key, cached, key_of
from bench.students.student import Student

Score: TypeAlias = Callable[[Sequence[str], Sequence[str]], Sequence[Scored]]
"""(task of each text, texts) -> the scores of each text's words."""


def frequency(tasks: Sequence[str], texts: Sequence[str]) -> list[Scored]:
    """Rare words of a task are important; every word is one token long."""
    groups = defaultdict[str, list[str]](list)
    for task, text in zip(tasks, texts, strict=True):
        groups[task].append(text)
    scores = importance.frequency(groups)
    found = list[Scored]()
    for task, text in zip(tasks, texts, strict=True):
        words = text.split()
        by_word = tuple(scores[task][importance.normal(word)] for word in words)
        found.append(Scored(by_word, (1,) * len(words), (len(words),)))
    return found


def scorer(kind: str, student: Student, home: Path, identity: str | None) -> Score:
    """The scorer that a track names; what a model says is computed once and kept in `home`.

    `identity` is the hash or commit of the student; what one without says is not kept.
    """
    if kind == "frequency":
        return frequency

    def informed(tasks: Sequence[str], texts: Sequence[str]) -> list[Scored]:
        unlike = list(dict.fromkeys(texts))  # the rows of a task may share one text

        def compute() -> list[Scored]:
            return importance.self_information(student.model, student.tokenizer, unlike)

        key = key_of(kind, [identity, str(student.model.dtype)], unlike)
        found = cached(home, key, compute) if identity else compute()
        by_text = dict(zip(unlike, found, strict=True))
        return [by_text[text] for text in texts]

    if kind == "self_information":
        return informed

    def classified(tasks: Sequence[str], texts: Sequence[str]) -> list[Scored]:
        key = cache_key("llmlingua2", kind, texts)
        return cached(home, key, lambda: importance.llmlingua2(kind, texts))

    return classified
