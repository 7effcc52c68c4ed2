"""What every method must keep, whichever file of baselines/ it stands in.

The first test protects the claim of the whole project: what a method asks at test time is what it
was trained on. Nothing here lists methods; a file dropped into baselines/ is covered. After a
change of wording, `UPDATE_GOLDEN=1` writes the golden files anew; read their diff.
"""

import ast
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from conftest import N_PER_FAMILY
from transformers import AutoTokenizer

import bench
from bench import registry, track
from bench.batch import encode, micro_batches, tokenize
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.method import Method
from bench.students.student import Student, scratch_tokenizer
from bench.track import ConfigError, Scratch
from bench.training.logits import scored_logits, teacher_logits
from bench.types import Draft, Example, Needs, Pair, Question
from tasks import scoring, tails
from tasks.commonsense import suite as commonsense
from tasks.pocket import suite

LAST = 0.999
PROGRESS = (0.0, 0.5, LAST)
SEED = 0
GOLDEN = Path(__file__).parent / "golden"
METHODS = registry.discover()
SKEWED = {
    "cascod[as_released=true]": "a trailing blank, and a label that training never shows",
    "skintern[as_released=true]": "invites to knowledge that is gone, which the test does not",
    "skintern_critical[as_released=true]": "invites to knowledge that is gone as well",
    "knowledge_train_only": "shows knowledge in training alone",
    "knowledge_train_only[restarts=2]": "shows knowledge in training alone",
}
"""Label -> why its test prompt differs from the trained one on purpose."""


def with_another_value(method: Method) -> Iterator[Method]:
    """The method once more for each of its fields, with a value that is not the default."""
    hints = get_type_hints(type(method))
    for field in fields(method):
        hint, default = hints[field.name], getattr(method, field.name)
        if get_origin(hint) is Literal:
            candidates = [value for value in get_args(hint) if value != default]
        elif hint is bool:
            candidates = [not default]
        elif hint is int:
            candidates = [default - 1 if default > 1 else default + 1]
        elif hint is float:
            candidates = [default / 2 if default else 0.5]
        else:
            candidates = []
        yield from (replace(method, **{field.name: value}) for value in candidates)


VARIANTS = [
    variant for method in METHODS.values() for variant in (method, *with_another_value(method))
]
TRAINED = [variant for variant in VARIANTS if variant.trains]
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: m.label)
every_variant = pytest.mark.parametrize("method", VARIANTS, ids=lambda m: m.label)
every_trained = pytest.mark.parametrize("method", TRAINED, ids=lambda m: m.label)


@pytest.fixture
def corpus_of(toy_corpus: Corpus, toy_triples: Corpus) -> Callable[[Method], Corpus]:
    """Questions with rationales, or triples for a method that needs such."""
    return lambda method: toy_triples if method.needs.phrase else toy_corpus


@pytest.fixture
def examples(corpus_of: Callable[[Method], Corpus]) -> Callable[[Method], list[Example]]:
    """One training example of each task, with what the method's needs declare."""

    def make(method: Method) -> list[Example]:
        made = attach.examples(corpus_of(method), method.needs, SEED)
        first = {e.task: e for e in reversed(made)}
        return [first[task] for task in sorted(first)]

    return make


def asked(example: Example, needs: Needs) -> Question:
    """The training example as a test question, with the same attachments where both have them."""
    return Question(
        id=example.id,
        task=example.task,
        text=example.text,
        options=example.options,
        phrase=example.phrase,
        passages=example.passages if needs.passages else (),
        demos=example.demos[: needs.test_demos],
        drafts=(Draft(example.answer),) if needs.drafts else (),
    )


def transcript(
    method: Method, question: Question, answer: Callable[[str], str]
) -> tuple[list[list[str]], str]:
    """Drive the program with `answer`: its [prompt, completion] turns and its solution."""
    program, turns = method.solve(question), list[list[str]]()
    try:
        prompt = next(program)
        while True:
            turns.append([prompt, answer(prompt)])
            prompt = program.send(turns[-1][1])
    except StopIteration as end:
        return turns, end.value


def trained_answer(pairs: Sequence[Pair]) -> Callable[[str], str]:
    def answer(prompt: str) -> str:
        targets = [pair.target for pair in pairs if pair.prompt == prompt]
        if not targets:
            trained = "\n".join(repr(pair.prompt) for pair in pairs)
            pytest.fail(f"asked at test time:\n{prompt!r}\nbut trained on:\n{trained}")
        return targets[0]

    return answer


def trained_answer_in_ids(pairs: Sequence[Pair], tokenizer: Any) -> Callable[[str], str]:
    """The same in token ids: the trained row that begins with the ids that the student is shown."""
    rows = [tokenize(tokenizer, pair) for pair in pairs]

    def answer(prompt: str) -> str:
        shown = encode(tokenizer, prompt)
        written = [
            row.target
            for row in rows
            if (row.prompt + row.target)[: len(shown)] == shown and len(row.prompt) == len(shown)
        ]
        if not written:
            pytest.fail(f"no trained row begins with the token ids of {prompt!r}")
        assert written[0][-1] == tokenizer.eos_token_id
        return tokenizer.decode(written[0][:-1])

    return answer


def score(solution: str, example: Example) -> scoring.Scores:
    """As the suite of the example scores it: a triple's tail, or an answer."""
    doc: Any = {
        "id": example.id,
        "task": example.task,
        "question": example.text,
        "options": list(example.options),
        "target": example.answer,
        "tails": [example.answer],
    }
    suited = tails if example.phrase else scoring
    return suited.process_results(doc, [solution])


# ------------------------------------------------------------ the test that protects the claim


def skewed_on_purpose(method: Method, request: pytest.FixtureRequest) -> None:
    if method.label in SKEWED:
        request.applymarker(
            pytest.mark.xfail(
                strict=True,
                raises=(AssertionError, pytest.fail.Exception),
                reason=SKEWED[method.label],
            )
        )


@every_variant
def test_a_method_is_marked_as_skewed_if_and_only_if_it_is_listed_here(method: Method) -> None:
    assert method.skewed == (method.label in SKEWED)


@every_trained
def test_what_is_asked_at_test_time_is_what_was_trained_on(
    method: Method,
    examples: Callable[[Method], list[Example]],
    request: pytest.FixtureRequest,
) -> None:
    skewed_on_purpose(method, request)
    for example in examples(method):
        answer = trained_answer(method.pairs(example, LAST))
        turns, solution = transcript(method, asked(example, method.needs), answer)
        assert turns, "a program that asks nothing"
        assert score(solution, example)["strict"] == 1.0


@every_trained
def test_the_token_ids_at_test_time_are_a_prefix_of_those_trained_on(
    method: Method,
    examples: Callable[[Method], list[Example]],
    corpus_of: Callable[[Method], Corpus],
    tokenizer: Any,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    skewed_on_purpose(method, request)
    if method.needs.phrase:  # no words of the pocket student
        learned = scratch_tokenizer(Scratch({}, 400), corpus_of(method).texts, tmp_path)
        tokenizer = AutoTokenizer.from_pretrained(learned)
    for example in examples(method):
        answer = trained_answer_in_ids(method.pairs(example, LAST), tokenizer)
        _, solution = transcript(method, asked(example, method.needs), answer)
        assert score(solution, example)["strict"] == 1.0


# ------------------------------------------------------------ supervision


@every_trained
def test_gradient_reaches_the_student(
    method: Method,
    examples: Callable[[Method], list[Example]],
    make_student: Callable[..., Student],
) -> None:
    student, other = make_student(), make_student(seed=1)
    for progress in PROGRESS:
        pairs = [pair for e in examples(method)[:2] for pair in method.pairs(e, progress)]
        rows = [tokenize(student.tokenizer, pair) for pair in pairs]
        student.model.zero_grad()
        for batch in micro_batches(rows, method.objectives, student.tokenizer.pad_token_id, 2048):
            logits = scored_logits(student.model, batch.input_ids, batch.scored)
            if method.needs.logits != "none":
                batch = replace(batch, teacher_logits=teacher_logits(other.model, batch))
            loss = method.loss(logits, batch)
            assert loss.ndim == 0 and loss.isfinite()
            loss.backward()
        gradients = [p.grad for p in student.model.parameters() if p.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert any(gradient.abs().sum() > 0 for gradient in gradients)


@every_trained
def test_the_objectives_that_pairs_name_are_those_that_are_weighted(
    method: Method, examples: Callable[[Method], list[Example]]
) -> None:
    named = {
        pair.objective
        for example in examples(method)
        for progress in PROGRESS
        for pair in method.pairs(example, progress)
    }
    assert named == set(method.objectives)
    assert all(weight > 0 for weight in method.objectives.values())


@every_variant
def test_pairs_depend_on_nothing_but_example_and_progress(
    method: Method, examples: Callable[[Method], list[Example]]
) -> None:
    again = replace(method)
    for example, same in zip(examples(method), examples(again), strict=True):
        for progress in PROGRESS:
            assert list(method.pairs(example, progress)) == list(again.pairs(same, progress))


@every_variant
def test_training_does_not_depend_on_what_is_for_the_test_alone(
    method: Method, examples: Callable[[Method], list[Example]]
) -> None:
    assert {*method.test_only} <= {field.name for field in fields(method)}
    usual = method.trained_as
    assert usual.objectives == method.objectives and usual.restart_points == method.restart_points
    for example, same in zip(examples(method), examples(usual), strict=True):
        for progress in PROGRESS:
            assert list(method.pairs(example, progress)) == list(usual.pairs(same, progress))


@every_variant
def test_a_method_that_trains_has_pairs_and_one_that_does_not_has_none(
    method: Method, examples: Callable[[Method], list[Example]]
) -> None:
    for progress in PROGRESS:
        n_pairs = sum(len(method.pairs(example, progress)) for example in examples(method))
        assert (n_pairs > 0) == method.trains


@every_trained
def test_every_restart_lies_inside_the_run(method: Method) -> None:
    points = method.restart_points
    assert list(points) == sorted(set(points)) and all(0 < point < 1 for point in points)


# ------------------------------------------------------------ what is seen


def test_no_word_of_a_training_pair_is_unknown_to_the_pocket_student(
    examples: Callable[[Method], list[Example]], tokenizer: Any
) -> None:
    for method in (each for each in TRAINED if not each.needs.phrase):
        for example in examples(method):
            for progress in PROGRESS:
                for pair in method.pairs(example, progress):
                    assert_known(tokenizer, pair.prompt)
                    assert_known(tokenizer, pair.target)


@every_variant
def test_no_word_of_a_test_prompt_is_unknown_to_the_pocket_student(
    method: Method, toy_corpus: Corpus, tokenizer: Any
) -> None:
    if method.needs.phrase:
        pytest.skip("its triples are of another suite")
    if method.skewed and method.name() in {"cascod"}:
        pytest.skip("its blank and its label are no words of the student, which is its fault")
    for name in suite.DATA_SETS:
        docs = suite.rows(name)[:20]
        for question in map(attach.asker(toy_corpus, method.needs, SEED), docs):
            turns, _ = transcript(method, question, lambda _: " 1.")
            for prompt, _ in turns:
                assert_known(tokenizer, prompt)


def assert_known(tokenizer: Any, text: str) -> None:
    ids = encode(tokenizer, text)
    assert tokenizer.unk_token_id not in ids, text
    assert tokenizer.decode(ids) == text


@every_variant
def test_a_question_carries_only_what_the_needs_declare(
    method: Method, corpus_of: Callable[[Method], Corpus]
) -> None:
    triples = method.needs.phrase
    rows = commonsense.rows("commonsense_known") if triples else suite.rows("pocket_hop")
    docs: list[Any] = rows[:3]
    ask = attach.asker(corpus_of(method), method.needs, SEED)
    for question, doc in zip(map(ask, docs), docs, strict=True):
        assert len(question.drafts) == (len(doc["drafts"]) if method.needs.drafts else 0)
        assert len(question.passages) == method.needs.passages
        assert len(question.demos) == method.needs.test_demos
        in_sight = method.needs.test_knowledge
        assert bool(question.knowledge) == (in_sight != "none")
        assert all(
            (fact in question.knowledge) == (in_sight == "all") for fact in doc.get("facts", ())
        )
        bare = replace(question, passages=(), demos=(), drafts=(), knowledge="")
        assert asdict(bare) == {
            "id": doc["id"],
            "task": doc["task"],
            "text": doc["question"],
            "options": tuple(doc["options"]),
            "phrase": doc.get("phrase", ""),
            "knowledge": "",
            "passages": (),
            "demos": (),
            "drafts": (),
        }


@every_variant
def test_an_example_carries_only_what_the_needs_declare(
    method: Method, corpus_of: Callable[[Method], Corpus]
) -> None:
    corpus = corpus_of(method)
    for example in attach.examples(corpus, method.needs, SEED):
        assert bool(example.phrase) == method.needs.phrase
        assert (example.knowledge is not None) == method.needs.train_knowledge
        assert len(example.rationales) == method.needs.rationales
        n_others = N_PER_FAMILY - 1 if method.needs.demo_choice == "task" else len(corpus.rows)
        assert len(example.demos) == min(method.needs.train_demos, n_others)
        assert len(example.passages) == method.needs.passages


def test_skintern_and_std_cot_ask_the_very_same_strings(toy_corpus: Corpus) -> None:
    pair = METHODS["skintern"], METHODS["std_cot"]
    for name in suite.DATA_SETS:
        docs = suite.rows(name)[:50]
        asked_by = [
            [
                transcript(method, question, lambda _: " 1.")[0]
                for question in map(attach.asker(toy_corpus, method.needs, SEED), docs)
            ]
            for method in pair
        ]
        assert asked_by[0] == asked_by[1]


# ------------------------------------------------------------ the file


@every_variant
def test_a_label_names_its_method_with_its_fields(method: Method) -> None:
    assert registry.configure(METHODS, method.label, []) == method


def test_a_label_shows_only_what_differs_from_the_defaults_and_is_unique() -> None:
    assert [method.label for method in METHODS.values()] == list(METHODS)
    assert len({variant.label for variant in VARIANTS}) == len(VARIANTS)


@every_method
def test_a_method_is_one_short_file_with_one_class_and_its_source(method: Method) -> None:
    path = Path(sys.modules[type(method).__module__].__file__ or "")
    text = path.read_text()
    assert len(text.splitlines()) <= 80
    classes = [n.name for n in ast.parse(text).body if isinstance(n, ast.ClassDef)]
    assert classes == [type(method).__name__]
    assert method.source.strip() and method.name() == path.stem


@every_method
def test_wording_is_as_the_golden_file_has_it(
    method: Method,
    examples: Callable[[Method], list[Example]],
    corpus_of: Callable[[Method], Corpus],
) -> None:
    shown = [described(method, example, corpus_of(method)) for example in examples(method)[:2]]
    text = json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{method.name()}.json"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text)
    if not path.is_file():
        pytest.skip(f"no {path.name} yet: write it with UPDATE_GOLDEN=1")
    assert text == path.read_text()


def described(method: Method, example: Example, corpus: Corpus) -> dict[str, Any]:
    """Pairs over the run, and a solution in which every prompt is answered as trained, or by 1."""
    pairs = {f"{at:g}": [asdict(p) for p in method.pairs(example, at)] for at in PROGRESS}
    trained = {p.prompt: p.target for p in method.pairs(example, LAST)}
    question = asked(example, method.needs)
    if method.needs.test_demos and not example.demos:
        pool = attach.examples(corpus, Needs(), SEED)
        shots = attach.fixed_shots(pool, example.task, method.needs.test_demos, SEED)
        question = replace(question, demos=shots)
    turns, solution = transcript(method, question, lambda prompt: trained.get(prompt, " 1."))
    return {"example": example.id, "pairs": pairs, "turns": turns, "solution": solution}


def test_golden_files_hold_every_method_of_a_track_and_no_method_that_is_gone() -> None:
    golden = {path.stem for path in GOLDEN.glob("*.json")}
    on_tracks = {
        registry.configure(METHODS, spec, []).name()
        for name in track.names()
        for spec in track.load(name).methods
    }
    assert on_tracks <= golden <= set(METHODS)


@pytest.mark.parametrize(
    "spec",
    [
        "mt_cot[answer_weight=5]",
        "knowledge_target[knowledge_weight=2]",
        "hinton_kd[soft_weight=3]",
        "hinton_kd[temperature=0]",
        "stepwise_internalization[until=0]",
    ],
)
def test_a_weight_or_a_share_out_of_its_range_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match=r"not a valid float"):
        registry.configure(METHODS, spec, [])


# ------------------------------------------------------------ the harness knows none of them


def sources() -> list[Path]:
    root = Path(bench.__file__).parent
    writes_a_study = root / "cli" / "init.py"  # a track to begin with
    return sorted(set(root.rglob("*.py")) - {writes_a_study})


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_no_source_of_the_harness_knows_a_method_or_a_track_by_name(path: Path) -> None:
    names = set(METHODS) | set(track.names())
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    written = {
        node.value: node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and id(node) not in docstrings
    }
    assert not {name: line for name, line in written.items() if name in names}
