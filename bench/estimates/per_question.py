"""What every method of a track spends on a solved question, counted without a student's weights.

The prompts are those that a method's own inference program asks for. What a student would write
stands in the training pairs: the method is given the test question with a rationale that was really
written for it, and a prompt is completed with the target of the pair that asks as the prompt does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from bench import registry
from bench.corpora import attach
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.costs.flops import FlopModel, fit_flops
from bench.estimates.replies import reply
from bench.estimates.walk import Calls, Ruler
from bench.ground import bars, provenance
from bench.ground.places import home
from bench.method import Method
from bench.run import planning
from bench.students.shapes import meta_model, shape_of
from bench.students.student import checkpoint_path, scratch_tokenizer
from bench.track import ConfigError, Scratch, Track
from bench.types import Example, Knowledge, Question
from leaderboard.store.costs import SCHEMA, CostRecord, MethodCost
from leaderboard.store.files import today
from tasks.solved import SOLVED, solved

STAND_IN_VOCABULARY = 4096
NOTHING = Knowledge("", "", (), ())


def count(
    track: Track, methods: Sequence[Method], data: Path | None, limit: int | None, command: str
) -> tuple[CostRecord, dict[str, list[Calls]]]:
    """The cost of each method over the solved questions of the track, and the calls behind it.

    ConfigError for a track without a shape or without solved questions, and for a method that asks
    what no method of the track is trained on.
    """
    data_set = next((name for name in track.tasks.id if name in SOLVED), None)
    if data_set is None:
        raise ConfigError(
            f"track '{track.name}': cost needs one of {', '.join(SOLVED)} among its tasks.id:"
            " data sets whose test questions have solutions to count"
        )
    model = meta_model(shape_of(track))
    questions = solved(data_set, data)[:limit]
    corpus = corpora.obtain(track.corpus_source, home(), world=0, data_dir=data)
    tokenizer, whose = tokenizer_of(track, corpus)
    ruler = Ruler(tokenizer, track.decoding.max_new_tokens)
    with bars.stage("counting FLOPs"):
        flops = fit_flops(model)
    calls = all_calls(track, methods, questions, corpus, ruler)
    room = model.config.max_position_embeddings - track.decoding.max_new_tokens
    record = CostRecord(
        schema=SCHEMA,
        track=track.name,
        student=track.student.path or "from random weights",
        n_parameters=sum(weight.numel() for weight in model.parameters()),
        reference=track.reference,
        data_set=data_set,
        n=len(questions),
        tokenizer=whose,
        methods=[_cost(label, each, flops, room) for label, each in calls.items()],
        provenance={"command": command} | _provenance(track, corpus, questions),
    )
    return record, calls


def _provenance(
    track: Track, corpus: Corpus, questions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "date": today(),
        "versions": provenance.versions(),
        "corpus": track.corpus,
        "corpus_sha256": corpus.sha256,
        "passages_sha256": corpus.manifest.get("passages_sha256"),
        "items_sha256": provenance.digest(questions),
    }


def tokenizer_of(track: Track, corpus: Corpus) -> tuple[Any, Literal["student", "stand-in"]]:
    """The student's tokenizer if it lies on this machine, else a BPE of the corpus in its stead."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    from bench.students import checkpoint

    spec = track.student
    if spec.scratch is not None:
        folder = scratch_tokenizer(spec.scratch, corpus.texts, home())
        return AutoTokenizer.from_pretrained(folder), "student"
    path = checkpoint_path(spec)
    if spec.gguf_file is not None:
        checkpoint.find(path, spec.revision, spec.gguf_file)
    if spec.gguf_file is not None or _has_tokenizer(path, spec.revision):
        return checkpoint.tokenizer(spec, path), "student"
    if spec.chat_template:
        raise ConfigError(
            f"the tokenizer of '{path}' is not on this machine, and no other knows its chat"
            f" template: `hf download {path}` first"
        )
    stand_in = Scratch({}, STAND_IN_VOCABULARY)
    folder = scratch_tokenizer(stand_in, corpus.texts, home())
    return PreTrainedTokenizerFast.from_pretrained(folder), "stand-in"


def _has_tokenizer(path: str, revision: str | None) -> bool:
    """Whether a folder, or the local cache of the hub, holds a tokenizer's settings."""
    from huggingface_hub import try_to_load_from_cache

    name = "tokenizer_config.json"
    if Path(path).is_dir():
        return (Path(path) / name).is_file()
    return isinstance(try_to_load_from_cache(path, name, revision=revision), str)


def all_calls(
    track: Track,
    methods: Sequence[Method],
    questions: Sequence[Mapping[str, Any]],
    corpus: Corpus,
    ruler: Ruler,
) -> dict[str, list[Calls]]:
    """Label -> the calls for each question."""
    named = {spec: registry.configure_named(spec) for spec in track.methods}
    taught = [m for m in {**named, **{m.label: m for m in methods}}.values() if m.trains]
    found = dict[str, list[Calls]]()
    total = len(methods) * len(questions)
    with bars.Bar(total=total, what="counting tokens", unit="question") as bar:
        for method in methods:
            ask = _asker(track, method, corpus)
            found[method.label] = []
            for doc in questions:
                question = ask(doc)
                example = _example(doc, question)
                found[method.label].append(_calls(method, taught, question, example, ruler))
                bar.update()
    return found


def _asker(track: Track, method: Method, corpus: Corpus) -> Any:
    """What attaches passages and shots to a question."""
    needs = method.needs
    reason = planning.unasked(track, method, corpus)
    if needs.rerank:
        reason = "asks a reranker, which is counted where it runs: `skbench run`"
    if reason:
        raise ConfigError(f"{method.label} on track '{track.name}' {reason}; see --methods")
    return attach.asker(corpus, needs, track.seeds[0])


def _example(doc: Mapping[str, Any], question: Question) -> Example:
    """The test question as a training item that shows no more than the test does."""
    return Example(
        id=question.id,
        task=question.task,
        text=question.text,
        options=question.options,
        rationales=(doc["rationale"],),
        answer=doc["target"],
        seed=0,
        knowledge=NOTHING,
        passages=question.passages,
    )


def _calls(
    method: Method, taught: Sequence[Method], question: Question, example: Example, ruler: Ruler
) -> Calls:
    """A method that is not trained is taken to answer at the length of one that is asked alike."""

    def written(prompt: str) -> str:
        target = reply(prompt, example, [method, *taught])
        if target is None:
            asked = prompt.rpartition(example.text)[2][-60:]
            raise ConfigError(
                f"{method.label} asks for something that no method of the track is trained to"
                f" write ({asked!r}): leave it out with --methods"
            )
        return target

    return ruler.walk(method.solve(question), written)


def _cost(label: str, calls: Sequence[Calls], flops: FlopModel, room: int) -> MethodCost:
    every = [call for each in calls for call in each]
    return MethodCost(
        label=label,
        n_calls=len(every),
        prompt_tokens=sum(p for p, _ in every),
        generated_tokens=sum(n for _, n in every),
        prefill_flops=sum(flops.prefill_flops(p) for p, _ in every),
        decode_flops=sum(flops.decode_flops(p, n) for p, n in every),
        prompt_only_flops=sum(flops.prompt_only_flops(p) for p, _ in every),
        overflow=sum(any(p > room for p, _ in each) for each in calls),
    )
