"""KARD's reranker: the order it gives, how it learns it, what that costs, and when it is made."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial, reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench import registry
from bench.cli import prompts
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.costs.encoder_flops import fit_encoder_flops
from bench.critics.reranker import Lesson, Reranker, scores
from bench.estimates import per_question
from bench.reuse.judge import judge
from bench.run import fit, measure, planning, reranker
from bench.run.cell import Cell
from bench.students.student import Student
from bench.track import ConfigError
from bench.track import Reranker as Spec
from bench.track import Student as Encoder
from bench.types import Needs
from leaderboard.rows.rank import rows
from leaderboard.store.comparable import check_table
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Scope
from tests.leaderboard_records import OUTCOMES, record, trained, with_costs
from tests.test_flops import counter

SPEC = Spec(n_considered=6, n_taught=2, epochs=20, batch_size=2, learning_rate=1e-3, max_tokens=32)
PASSAGES = [
    "fada doubles.", "mulu adds 3.", "duli takes 4 away from what there is.", "lima takes 9.",
    "ramu adds 6.", "selo halves it.",
]  # fmt: skip


@pytest.fixture
def encoder(make_student: Callable[..., Student], family: str) -> Reranker:
    return Reranker.on(make_student(family, spread=0.3), SPEC, PASSAGES)


def states(encoder: Reranker, text: str) -> Any:
    """Of one text, without padding."""
    with torch.no_grad():
        ids = torch.tensor([encoder.tokenizer(text).input_ids])
        found = encoder.model(input_ids=ids).last_hidden_state[0]
    return found / found.norm(dim=-1, keepdim=True)


def test_a_passage_scores_the_best_product_of_each_token_of_the_question() -> None:
    query = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    near, far = torch.tensor([[0.6, 0.8], [0.0, -1.0]]), torch.tensor([[0.8, 0.6]])
    assert scores(query, [near, far]).tolist() == pytest.approx([0.6 + 0.8, 0.8 + 0.6])
    assert scores(query, [near[1:]]).tolist() == pytest.approx([0.0 - 1.0])


def test_what_is_found_comes_in_its_order_and_no_more_than_asked(encoder: Reranker) -> None:
    """Encoded in one batch, texts of unlike length score as each alone does."""
    question = "start 2, do mulu fada?"
    found = [4, 0, 2, 1]
    alone = [scores(states(encoder, question), [states(encoder, PASSAGES[i])]) for i in found]
    expected = [i for _, i in sorted(zip(alone, found, strict=True), reverse=True)]
    asked = list[tuple[str, int]]()

    def find(text: str, k: int) -> list[int]:
        asked.append((text, k))
        return found

    assert encoder.nearest(find, question, 4) == expected
    assert encoder.nearest(find, question, 2) == expected[:2]
    assert set(asked) == {(question, 6)}


def test_it_learns_the_order_of_the_rationale(encoder: Reranker) -> None:
    taught = [("start 2, do mulu?", 3), ("start 5, do fada?", 1), ("start 3, do lima?", 0)]
    lessons = [
        Lesson(text, (0, 1, 3), tuple(0.9 if i == right else 0.05 for i in (0, 1, 3)))
        for text, right in taught
    ]

    def order() -> list[int]:
        return [encoder.nearest(lambda *_: [0, 1, 3], text, 1)[0] for text, _ in taught]

    assert order() != [right for _, right in taught]
    fresh = Reranker(encoder.model, encoder.tokenizer, SPEC, PASSAGES)
    fresh.teach(lessons, seed=0)
    assert [fresh.nearest(lambda *_: [0, 1, 3], text, 1)[0] for text, _ in taught] == [3, 1, 0]


def counted(model: Any, text: str, tokenizer: Any) -> int:
    ids = torch.tensor([tokenizer(text).input_ids])
    with torch.no_grad(), counter() as found:
        model(input_ids=ids, use_cache=False)
    return found.get_total_flops()


def test_flops_are_those_that_pytorch_counts(encoder: Reranker) -> None:
    question, found = "start 2, do mulu fada?", [4, 0, 2]
    encoder.nearest(lambda *_: found, question, 3)
    n = {text: len(encoder.tokenizer(text).input_ids) for text in [question, *PASSAGES]}
    width = encoder.model.config.hidden_size
    products = sum(2 * width * n[question] * n[PASSAGES[i]] for i in found)
    assert encoder.spent[question] == counted(encoder.model, question, encoder.tokenizer) + products
    texts = sum(counted(encoder.model, text, encoder.tokenizer) for text in PASSAGES)
    assert encoder.index_flops == texts


def test_flops_of_teaching_are_three_times_those_of_reading(encoder: Reranker) -> None:
    lessons = [Lesson("start 2, do mulu?", (1, 2), (0.5, 0.5))]
    model, tokenizer = encoder.model, encoder.tokenizer
    texts = ["start 2, do mulu?", PASSAGES[1], PASSAGES[2]]
    read = sum(counted(model, text, tokenizer) for text in texts)
    n, *others = [len(tokenizer(text).input_ids) for text in texts]
    read += sum(2 * model.config.hidden_size * n * other for other in others)
    assert encoder.teach(lessons, seed=0) == 3 * read * SPEC.epochs


@pytest.mark.parametrize("kind", ["bert", "roberta", "roberta without a pooler"])
def test_an_encoder_that_sees_both_sides_is_counted_too(kind: str) -> None:
    from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

    torch.manual_seed(0)
    shape = {
        "vocab_size": 50, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 66,
    }  # fmt: skip
    if kind == "bert":
        model = BertModel(BertConfig(**shape))
    else:
        pooled = kind == "roberta"
        model = RobertaModel(RobertaConfig(**shape), add_pooling_layer=pooled)
    fitted = fit_encoder_flops(model.train())
    assert model.training, "as it was"
    for n in (3, 40):
        with torch.no_grad(), counter() as found:
            model.eval()(input_ids=torch.full((1, n), 5))
        assert fitted.flops(n) == found.get_total_flops()


# ------------------------------------------------------------ in a run


@pytest.fixture
def cell(make_cell: Callable[..., Cell], make_student: Callable[..., Student]) -> Cell:
    """Of a track with a reranker, its student on the disk."""
    plain = make_cell("kard[rerank=true]")
    made, folder = make_student("llama"), str(plain.track.student.path)
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    spec = replace(SPEC, epochs=1, n_considered=20)
    return replace(plain, track=replace(plain.track, reranker=spec))


def test_it_is_taught_once_for_a_corpus_and_a_seed(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught = list[int]()
    teach = Reranker.teach

    def counted(self: Reranker, lessons: list[Lesson], *, seed: int) -> int:
        taught.append(seed)
        return teach(self, lessons, seed=seed)

    monkeypatch.setattr(Reranker, "teach", counted)
    for each in (cell, cell, replace(cell, seed=1)):
        made = reranker.of(each, partial(fit.fresh, each))
        assert made is not None and reranker.flops(each) > made.index_flops > 0
    assert taught == [0, 1]


def test_a_method_without_one_asks_nobody(cell: Cell) -> None:
    """Not even whether the encoder is there."""
    track = replace(cell.track, reranker=replace(SPEC, path="packaged:minilm"))
    plain = replace(cell, method=registry.configure_named("kard"), track=track)
    assert reranker.of(plain, partial(fit.fresh, plain)) is None
    assert reranker.flops(plain) == 0


def test_it_orders_what_a_test_question_finds_and_training_never_sees_it(
    toy_corpus: Corpus,
) -> None:
    def last(find: attach.Nearest, question: str, k: int) -> list[int]:
        return find(question, 50)[::-1][:k]

    doc = dict(toy_corpus.rows[0])
    needs = Needs(passages=2, rerank=True)
    (found,) = {attach.asker(toy_corpus, needs, 0, None, last)(doc).passages}
    assert found == attach.asker(toy_corpus, Needs(passages=50), 0)(doc).passages[:-3:-1]
    plain = attach.asker(toy_corpus, needs, 0)(doc).passages
    assert plain != found
    assert attach.examples(toy_corpus, needs, 0)[0].passages == plain


def test_lessons_weigh_what_either_finds_by_the_rationale(cell: Cell) -> None:
    corpus = replace(cell.corpus, passages=PASSAGES, rows=[
        {"question": "start 2, do mulu?", "rationale": "ramu adds 6. lima takes 9.", "id": "a"},
        {"question": "start 2, do fada?", "id": "b"},
    ])  # fmt: skip
    (lesson,) = reranker.lessons(corpus, SPEC)
    assert {1, 3, 4} <= set(lesson.passages) and len(set(lesson.passages)) == len(lesson.passages)
    share = dict(zip(lesson.passages, lesson.shares, strict=True))
    assert min(share[3], share[4]) > 1.5 * share[1] and sum(share.values()) == pytest.approx(1)


def test_other_settings_of_it_change_the_key_of_a_row_that_asks_and_of_no_other(cell: Cell) -> None:
    other = replace(cell, track=replace(cell.track, reranker=replace(SPEC, epochs=2)))
    assert cell.key != other.key and cell.train_key == other.train_key
    plain = registry.configure_named("kard")
    assert replace(cell, method=plain).key == replace(other, method=plain).key
    assert cell.method.trained_as == plain


@pytest.mark.parametrize("changed", ["corpus", "passages", "student", "seed", "encoder"])
def test_another_corpus_student_or_encoder_makes_another(
    cell: Cell, changed: str, tmp_path: Path
) -> None:
    corpus, track, folder = cell.corpus, cell.track, tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    encoded = replace(SPEC, path=str(folder), epochs=1)
    other = {
        "corpus": replace(cell, corpus=replace(corpus, manifest={"sha256": "b"})),
        "passages": replace(cell, corpus=replace(corpus, passages=corpus.passages[1:])),
        "student": replace(cell, track=replace(track, student=Encoder(path=str(folder)))),
        "seed": replace(cell, seed=7),
        "encoder": replace(cell, track=replace(track, reranker=encoded)),
    }[changed]
    assert other.reranker_key != cell.reranker_key
    if changed == "encoder":
        (folder / "config.json").write_text('{"a": 1}')
        assert replace(other).reranker_key != other.reranker_key


def test_a_student_in_half_precision_is_taught_in_full(
    make_student: Callable[..., Student],
) -> None:
    student = make_student("llama")
    student.model.to(torch.bfloat16)
    made = Reranker.on(student, SPEC, PASSAGES)
    assert {weight.dtype for weight in made.model.parameters()} == {torch.float32}
    assert student.model.dtype == torch.bfloat16, "the student stays as it is"


def test_a_record_holds_the_reranker_of_a_row_that_asks_alone(cell: Cell) -> None:
    assert measure._snapshot(cell)["track"]["reranker"] == asdict(cell.track.reranker)
    plain = replace(cell, method=registry.configure_named("kard"))
    assert measure._snapshot(plain)["track"]["reranker"] is None


def test_a_checkpoint_is_not_asked_where_nobody_orders(cell: Cell) -> None:
    track = replace(cell.track, reranker=None, corpus="pocket-40")
    with pytest.raises(ConfigError, match=r"\[reranker\]"):
        judge(
            str(track.student.path),
            track,
            cell.method,
            seed=0,
            scope=Scope(limit=1),
            data=None,
            origin=(),
        )


def test_prompts_show_what_it_prefers_and_cost_counts_no_row_that_asks(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = SimpleNamespace(nearest=lambda find, question, k: find(question, 50)[::-1][:k])
    monkeypatch.setattr(reranker, "of", lambda *_: last)
    *_, asked = prompts._of(cell, 1)
    corpus = cell.corpus
    row = next(each for each in corpus.rows if each["id"] == asked["row"])
    found = attach.asker(corpus, Needs(passages=50), 0)(row).passages
    assert found[-1] in asked["prompt"] and found[0] not in asked["prompt"]
    with pytest.raises(ConfigError, match="reranker"):
        per_question._asker(cell.track, cell.method, corpus)


def test_a_track_without_one_refuses_a_row_that_asks(cell: Cell) -> None:
    without = replace(cell.track, reranker=None, corpus="pocket-40")
    with pytest.raises(ConfigError, match=r"\[reranker\]"):
        planning.plan(
            without, [cell.method], [0], cell.scope, skip_unmet=False, data=None, origin=()
        )


@pytest.mark.parametrize(
    "label",
    [
        "kard[rerank=true,decoy=true]",
        "kard[query=oracle,rerank=true]",
        "kard[n_passages=0,rerank=true]",
    ],
)
def test_there_is_nothing_to_order_for_a_decoy_or_an_oracle(label: str) -> None:
    with pytest.raises(ConfigError, match="rerank"):
        registry.configure_named(label)


def test_what_it_spends_is_a_cost_of_the_row() -> None:
    plain = trained(record("kard[rerank=true]"), helper_flops=7)
    new = reduce(
        lambda made, name: with_costs(made, name, helper_flops=[1000] * 4), OUTCOMES, plain
    )
    (found,), (before,) = rows([new]), rows([plain])
    assert found.helper_flops == 1000 and found.train_helper_flops == 7
    assert found.total_flops == before.total_flops + 1000


def test_a_track_may_gain_one_that_stays_the_same() -> None:
    """Rows that ran before stand beside those that ask for it."""
    before = {"name": "toy", "corpus": "a"}
    old, new, other = (
        record(label, snapshot={"track": {**before, **more}})
        for label, more in [
            ("std_cot", {}),
            ("kard[rerank=true]", {"reranker": asdict(SPEC)}),
            ("kard[n_passages=1,rerank=true]", {"reranker": asdict(replace(SPEC, epochs=9))}),
        ]
    )
    check_table([old, new])
    with pytest.raises(RecordError, match="reranker"):
        check_table([old, new, other])
