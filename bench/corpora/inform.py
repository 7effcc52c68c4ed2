"""Triples of commonsense for the questions of another corpus: to retrieve, and as knowledge."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.corpora.corpus import Corpus
from bench.corpora.retrieve import Retriever
from bench.corpora.rows import CorpusError
from bench.ground.bars import Bar
from tasks.corpora import TeacherCorpus, n_tokens
from tasks.triples import NAMES, SLOTS, sentence, with_names


def informed(corpus: Corpus, by: Sequence[Corpus], n_facts: int) -> TeacherCorpus:
    """The rows of `corpus` with the triples of `by` for passages, as sentences, each once.

    The knowledge of a question is the `n_facts` that BM25 finds for it; what it had is gone. People
    in them have names, the same everywhere. CorpusError unless all of `by` are of triples.
    """
    for each in by:
        if not all(row.get("phrase") for row in each.rows):
            raise CorpusError(
                f"corpus {each.manifest['name']} is not of triples: rows lack a phrase"
            )
    facts = list(dict.fromkeys(_fact(row) for each in by for row in each.rows))
    retriever = Retriever(facts, corpus.indices)
    rows: list[Any] = [
        {name: value for name, value in row.items() if name != "facts"}
        | {"summary": _known(facts, retriever.nearest(row["question"], n_facts))}
        | {"supplementary": None}
        for row in Bar(corpus.rows, what="looking for facts", unit="row")
    ]
    knows, sources = corpus.manifest, [each.manifest for each in by]
    written = {**knows["teacher_tokens"], "knowledge": n_tokens(*(r["summary"] for r in rows))}
    return TeacherCorpus(
        rows=rows,
        passages=[{"id": f"facts/{i}", "text": fact} for i, fact in enumerate(facts)],
        asked=knows.get("asked", len(rows)),
        rejected=knows.get("rejected", 0),
        teacher="; facts: ".join(str(each.get("teacher", "unknown")) for each in [knows, *sources]),
        teacher_tokens=written,
        licence="; facts: ".join(str(each.get("licence", "unknown")) for each in [knows, *sources]),
        source="; facts: ".join(
            f"{each['name']}, sha256 {each['sha256']}" for each in [knows, *sources]
        ),
        knowledge="per question",
    )


def _fact(row: Mapping[str, Any]) -> str:
    told = sentence(row["question"], row["phrase"], row["answer"])
    return with_names(told, NAMES[: len(SLOTS)])


def _known(facts: Sequence[str], chosen: Sequence[int]) -> str:
    return " ".join(facts[i] for i in chosen)
