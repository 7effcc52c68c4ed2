"""The values that travel between corpus, methods and harness. Immutable, standard library only."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Program: TypeAlias = Generator[str, str, str]
"""An inference program: yields prompts, is sent completions, returns the solution."""
Source: TypeAlias = Literal["human", "machine"]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Symbolic knowledge of one question, k = [k^m; k^p] (SKIntern section 3.1).

    `importance` holds one score per whitespace-separated word of `text`, higher is kept longer;
    `n_tokens` the words' lengths in the scorer's tokens; `critic_recall` for each word what a
    critic makes of its sentence, 0 in the summary, which states no fact, and () where none is
    asked.
    """

    summary: str
    supplementary: str
    importance: tuple[float, ...]
    n_tokens: tuple[int, ...]
    critic_recall: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        return f"{self.summary} {self.supplementary}".strip()


@dataclass(frozen=True, slots=True)
class Demo:
    """A solved question to show in a prompt."""

    question: str
    rationale: str
    answer: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that a teacher wrote, and what a critic makes of it.

    `critic_recall` is the share of right answers, among those that the critic was not taught
    with, that it likes at least as well: the recall of a cut here. None where no critic is asked.
    """

    text: str
    critic_recall: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a method sees at test time: the question, and only what its needs declare.

    `phrase` says in words how the answer goes on from the text, where the suite has such words:
    `task` is then a relation, and the answer the tail of a triple. `knowledge` is what stands in
    sight of one who is asked.
    """

    id: str
    task: str
    text: str
    options: tuple[str, ...] = ()
    phrase: str = ""
    knowledge: str = ""
    passages: tuple[str, ...] = ()
    demos: tuple[Demo, ...] = ()
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A training question with what the teacher wrote, and what the method's needs declare.

    `rationales` are the teacher's, all of them right. `demos` are other training items, most
    similar first. `seed` = hash(run seed, id) is the only randomness a method may use. `source`
    says who wrote it, in a corpus of both; `phrase` is a question's, `critic_recall` a draft's.
    """

    id: str
    task: str
    text: str
    options: tuple[str, ...]
    rationales: tuple[str, ...]
    answer: str
    seed: int
    knowledge: Knowledge | None = None
    passages: tuple[str, ...] = ()
    demos: tuple[Demo, ...] = ()
    phrase: str = ""
    source: Source | None = None
    critic_recall: float | None = None

    @property
    def rationale(self) -> str:
        return self.rationales[0]


@dataclass(frozen=True, slots=True)
class Pair:
    """One training sequence; the loss counts the target alone.

    `teacher_prompt` is what a teacher of logits continues with the same target; by default it
    reads the student's prompt. `n_shown` counts the words of knowledge in the prompt.
    """

    prompt: str
    target: str
    objective: str = "solution"
    teacher_prompt: str | None = None
    n_shown: int = 0


Query: TypeAlias = Literal["question", "rationale", "oracle"]
Choice: TypeAlias = Literal["similar", "random", "task"]
LogitTeacher: TypeAlias = Literal["none", "frozen", "larger"]
InSight: TypeAlias = Literal["none", "summary", "all"]
Judge: TypeAlias = Literal["none", "trained", "shuffled", "pmi", "weighted_pmi"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a method is given beyond question and answer; the rest it cannot see.

    ValueError for a negative number.
    """

    rationales: int = 1
    """How many per training question; 0 shows none."""
    train_knowledge: bool = False
    train_demos: int = 0
    demo_choice: Choice = "similar"
    """Other items: the nearest, any, or the same few for the whole task."""
    test_demos: int = 0
    passages: int = 0
    train_query: Query = "question"
    """What finds the passages in training; at test time the question does, unless "oracle",
    which gives the passages that state the facts a question needs, in both."""
    test_knowledge: InSight = "none"
    """At test time: what the corpus says of the question's task, or that and the facts which the
    question itself needs, as its suite marks them."""
    rerank: bool = False
    """At test time, what the track's reranker prefers of the passages that were found."""
    decoy: bool = False
    """Knowledge and passages are those of another task."""
    logits: LogitTeacher = "none"
    """Who gives `Batch.teacher_logits`: the student as it came, or the track's larger teacher."""
    phrase: bool = False
    """Questions are heads of triples, each with the words that lead to its tail."""
    critic: Judge = "none"
    """Who judges what teachers wrote: a classifier, one that was taught wrong labels, or the
    track's language model by pointwise mutual information, plain or weighted on dev."""
    drafts: bool = False
    """At test time: what the suite's teacher answers."""

    def __post_init__(self) -> None:
        if min(self.rationales, self.train_demos, self.test_demos, self.passages) < 0:
            raise ValueError("numbers of rationales, examples and passages cannot be negative")
        if self.rerank and (not self.passages or self.decoy or self.train_query == "oracle"):
            raise ValueError("a reranker orders passages that questions find: no decoy, no oracle")
