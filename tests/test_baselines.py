"""What single methods promise of their curriculum or program, beyond what all must keep."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from baselines._phrases import CONCLUSION, INVITATION
from bench import registry
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.method import Method
from bench.training.schedule import segments
from bench.types import Example, Knowledge, Pair, Question

SEED = 0
QUESTION = Question("q", "chain", "start 1, do seko ramu?")


@pytest.fixture
def given(toy_corpus: Corpus) -> Callable[[str], tuple[Method, list[Example]]]:
    """A method by its label, and its examples."""

    def given(label: str) -> tuple[Method, list[Example]]:
        method = registry.configure_named(label)
        return method, attach.examples(toy_corpus, method.needs, SEED)

    return given


Given = Callable[[str], tuple[Method, list[Example]]]


def only(pairs: object) -> Pair:
    (pair,) = pairs  # type: ignore[misc]
    return pair


def drive(label: str, *completions: str) -> tuple[list[str], str]:
    """The prompts of a method's program when it is answered so, and its solution."""
    program = registry.configure_named(label).solve(QUESTION)
    prompts = [next(program)]
    try:
        for completion in completions:
            prompts.append(program.send(completion))
    except StopIteration as end:
        assert len(prompts) == len(completions)
        return prompts, end.value
    raise AssertionError(f"asks once more: {prompts[-1]!r}")


# ------------------------------------------------------------ stepwise internalization


def words_left(example: Example, target: str) -> int:
    """How many words of the rationale a target still has; they are its last ones."""
    left, concluded, answer = target.partition(CONCLUSION)
    assert concluded and answer == f" {example.answer}."
    words = left.split()
    assert example.rationale.split()[len(example.rationale.split()) - len(words) :] == words
    return len(words)


def test_the_rationale_is_withdrawn_from_the_left_until_the_answer_alone_is_left(
    given: Given,
) -> None:
    method, examples = given("stepwise_internalization")
    further = list[int]()
    for example in examples:
        n = len(example.rationale.split())
        for step in range(400):
            progress = step / 400
            target = only(method.pairs(example, progress)).target
            most = n - int(n * min(1.0, progress / 0.75) + 1e-9)
            further.append(most - words_left(example, target) if most else 0)
            if progress >= 0.75:
                assert target == f"{CONCLUSION} {example.answer}."
    # Apart from the smoothing, whose further removal is rare and small, the fall is exact.
    assert min(further) == 0 and max(further) > 0
    assert sum(map(bool, further)) / len(further) < 0.05 and sum(further) / len(further) < 0.05


def test_in_the_last_quarter_it_learns_what_it_is_asked_and_nothing_else(given: Given) -> None:
    method, examples = given("stepwise_internalization[until=0.5,resets=1]")
    for example in examples:
        assert {only(method.pairs(example, p)).target for p in (0.5, 0.6, 0.99)} == {
            f"{CONCLUSION} {example.answer}."
        }
        prompts = {only(method.pairs(example, p)).prompt for p in (0.0, 0.3, 0.9)}
        question = Question(example.id, example.task, example.text)
        assert prompts == {method.prompt(question)}
    assert method.restart_points == (0.5,)


# ------------------------------------------------------------ what is withdrawn from prompts


def test_prompt_intern_withdraws_template_and_examples_to_nothing(given: Given) -> None:
    method, examples = given("prompt_intern[examples=2]")
    for example in examples:
        assert example.knowledge is not None
        prompts = [only(method.pairs(example, step / 4)).prompt for step in range(4)]
        assert example.knowledge.summary in prompts[0]
        assert example.knowledge.supplementary not in prompts[0]
        n_shown = [only(method.pairs(example, step / 4)).n_shown for step in range(4)]
        n_words = len(example.knowledge.summary.split())
        assert n_shown == [n_words, round(n_words * 2 / 3), round(n_words / 3), 0]
        n_questions = [prompt.count("\n\nQuestion:") - 1 for prompt in prompts]
        assert n_questions == [2, 1, 0, 0], "floor(K * S_t)"
        question = Question(example.id, example.task, example.text)
        assert prompts[3] == method.prompt(question) and INVITATION not in prompts[3]


def test_its_examples_are_the_first_of_the_tasks_pool(given: Given) -> None:
    method, examples = given("prompt_intern[examples=2]")
    for example in examples:
        prompt = only(method.pairs(example, 0.0)).prompt
        at = [prompt.index(f"\n\nQuestion: {demo.question}\n") for demo in example.demos]
        assert at == sorted(at) and at[-1] < prompt.index(f"\n\nQuestion: {example.text}\n")


@pytest.mark.parametrize("total", [7, 10, 40, 96, 100])
def test_seven_steps_over_a_run_that_seven_does_not_divide(given: Given, total: int) -> None:
    """Each restart is the first optimizer step of a stage, and each stage shows a sixth less."""
    method, examples = given("skintern[steps=7,examples=6]")
    starts = segments(method.restart_points, total)
    assert len(starts) == 8
    for example in examples[::4]:
        assert example.knowledge is not None
        n = len(example.knowledge.text.split())
        for stage, (first, end) in enumerate(pairwise(starts)):
            pairs = {only(method.pairs(example, step / total)) for step in range(first, end)}
            pair = only(pairs)
            assert pair.n_shown == pytest.approx(n * (6 - stage) / 6, abs=0.5)
            assert pair.prompt.count("\n\nQuestion:") - 1 == 6 - stage
        assert pair.prompt == method.prompt(Question("q", example.task, example.text))


def test_a_loss_on_the_knowledge_adds_what_is_shown_as_a_target_and_nothing_once_it_is_gone(
    given: Given,
) -> None:
    plain, examples = given("skintern")
    method, _ = given("skintern[knowledge_loss=0.5]")
    assert plain.objectives == {"solution": 1.0}
    assert method.objectives == {"solution": 1.0, "knowledge": 0.5}
    for example in examples:
        for step in range(4):
            own = only(plain.pairs(example, step / 4))
            pair, *spans = method.pairs(example, step / 4)
            assert pair == own
            if step == 3:
                assert not spans
                continue
            span = only(spans)
            assert span.objective == "knowledge" and len(span.target.split()) == pair.n_shown
            # Prompt and target are how the student's own prompt begins: the span in its place.
            assert pair.prompt.startswith(span.prompt + span.target)
            assert span.prompt.endswith(INVITATION)


def test_parts_of_the_knowledge_and_the_invitation_can_be_left_out(given: Given) -> None:
    _, examples = given("skintern")
    example = examples[0]
    assert example.knowledge is not None
    summary, supplementary = example.knowledge.summary, example.knowledge.supplementary

    def prompt(label: str, progress: float = 0.0) -> str:
        return only(registry.configure_named(label).pairs(example, progress)).prompt

    assert summary in prompt("skintern") and supplementary in prompt("skintern")
    assert summary not in prompt("skintern[summary=false]")
    assert supplementary in prompt("skintern[summary=false]")
    assert supplementary not in prompt("skintern[supplementary=false]")
    assert summary in prompt("skintern[supplementary=false]")
    neither = "skintern[summary=false,supplementary=false]"
    assert INVITATION not in prompt(neither)
    assert INVITATION not in prompt("skintern", 0.9)
    assert INVITATION in prompt("skintern[as_released=true]", 0.9)
    assert prompt("skintern[as_released=true]", 0.5) == prompt("skintern", 0.5)


# ------------------------------------------------------------ programs


def test_mt_cot_asks_for_the_answer_or_lets_the_student_reason(given: Given) -> None:
    prompts, solution = drive("mt_cot", " 4.")
    assert prompts[0].endswith("\n[Answer Prediction]:")
    assert solution == f"{CONCLUSION} 4."
    written = f" one step.{CONCLUSION} 4."
    prompts, solution = drive("mt_cot[inference=cot]", written)
    assert prompts[0].endswith("\n[Explanation Generation]:") and solution == written
    direct, examples = given("mt_cot")
    reasoning, _ = given("mt_cot[inference=cot]")
    for example in examples:
        assert direct.pairs(example, 0.3) == reasoning.pairs(example, 0.3), "trained alike"


def test_the_second_prompt_of_cascod_holds_the_rationale_that_was_generated() -> None:
    (first, second), solution = drive("cascod", " my own steps.", " 4.")
    assert second == f"{first} my own steps.\nTherefore, the answer is"
    assert solution == " my own steps.\nTherefore, the answer is 4."
    (first, second), solution = drive("cascod[as_released=true]", " my own steps.\n", "4.")
    assert first.endswith("\nRationale: ")
    assert second.endswith("\nRational: my own steps.\nTherefore, the answer is ")
    assert first not in second and solution.endswith("the answer is4.")


def test_step_by_step_and_kaft_are_asked_for_the_answer_alone() -> None:
    for label in ("step_by_step", "kaft[n_passages=0]", "answer_only"):
        prompts, solution = drive(label, " 4.")
        assert prompts[0].endswith(f"{QUESTION.text}\nAnswer:") and solution == f"{CONCLUSION} 4."


# ------------------------------------------------------------ several rationales


def test_two_rationales_are_both_drawn_over_the_visits_of_a_run(given: Given) -> None:
    method, examples = given("std_cot[rationales=2]")
    first = 0
    for example in examples:
        drawn = [only(method.pairs(example, visit / 12)).target for visit in range(12)]
        both = {f" {r}{CONCLUSION} {example.answer}." for r in example.rationales}
        assert len(both) == 2 and set(drawn) <= both
        assert set(drawn) == both
        first += drawn.count(f" {example.rationale}{CONCLUSION} {example.answer}.")
    assert 0.35 < first / (12 * len(examples)) < 0.65
    plain, rows = given("std_cot")
    for example in rows:
        assert {only(plain.pairs(example, v / 12)).target for v in range(12)} == {
            f" {example.rationale}{CONCLUSION} {example.answer}."
        }


# ------------------------------------------------------------ skintern_critical


def test_skintern_critical_shows_what_is_believed_and_skintern_all(given: Given) -> None:
    recalls = (0.0, 0.0, *(0.7,) * 3, *(0.9,) * 3)
    known = Knowledge("read it.", "a is 1. b is 2.", (1.0,) * 8, (1,) * 8, recalls)
    for label, expected in (
        ("skintern[examples=0]", [True, True, True]),
        ("skintern_critical[examples=0]", [True, True, False]),
        ("skintern_critical[examples=0,critic=high]", [True, False, False]),
    ):
        method, examples = given(label)
        prompt = only(method.pairs(replace(examples[0], knowledge=known), 0.0)).prompt
        assert [fact in prompt for fact in ("read it.", "a is 1.", "b is 2.")] == expected, label
