"""Speed of what reads many triples: `make perf`, never a pass or fail on time."""

import json

import pytest

from bench import track
from bench.corpora.triples import take
from bench.critics.classifier import Classifier
from bench.students.student import load
from tasks.commonsense import teacher

pytestmark = pytest.mark.slow
TRACK = track.load("pocket-commonsense")


def test_a_hundred_thousand_triples_are_taken(benchmark, tmp_path):
    given = tmp_path / "given.jsonl"
    rows = (
        {"head": f"PersonX does {i % 30_000}", "relation": "xWant", "tail": f"to do {i % 1999}"}
        for i in range(100_000)
    )
    given.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def fresh():
        (tmp_path / "out.jsonl").unlink(missing_ok=True)

    def taken():
        take(given, tmp_path / "out.jsonl", "MIT", strict=False, held_out=0.1)

    benchmark.pedantic(taken, setup=fresh, rounds=3)


def test_the_pocket_critic_judges_the_machine_s_corpus(benchmark, tmp_path):
    """About 7,100 triples; random weights take as long as taught ones."""
    rows = [
        r for r in teacher.build("pocket-commonsense", world=0).rows if r["source"] == "machine"
    ]
    texts = [f"{row['question']} {row['phrase']} {row['answer']}" for row in rows]
    judge = Classifier.on(load(TRACK.student, texts=texts, home=tmp_path, seed=0), TRACK.critic)
    judge.model.config.prior = 0.0
    asked = [(row["question"], row["phrase"], row["answer"]) for row in rows]
    benchmark.extra_info["triples"] = len(asked)
    benchmark.pedantic(judge.scores, args=(asked,), rounds=3, warmup_rounds=1)
