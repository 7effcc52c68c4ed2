"""Critics: how well they tell true from false, and what a cut-off keeps."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from shutil import rmtree
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from baselines._phrases import triple
from bench import registry, track
from bench.corpora.corpus import Corpus, check_needs
from bench.corpora.kept import kept, written
from bench.costs.flops import fit_flops
from bench.critics.classifier import Classifier, teach
from bench.critics.pmi import Pmi, weighted
from bench.critics.quality import precision_at, quality, recalls_of
from bench.critics.wording import named, prompt, triples
from bench.ground.files import BusyError, locked
from bench.run import acceptance, critic, fit, planning, stages
from bench.run.cell import Cell
from bench.run.evaluate import Sample
from bench.solve import Solved
from bench.students.student import Student
from bench.track import ConfigError, Critic, Scratch, Tasks
from bench.track import Student as Spec
from bench.training.likelihood import log_likelihoods
from bench.training.tree import grows
from bench.types import Question
from leaderboard.store.record import Record, Scope
from tasks.triples import beside_corrupted
from tests.test_flops import counter

SMALL = {
    "model_type": "llama", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "max_position_embeddings": 64,
}  # fmt: skip
SPEC = Critic(epochs=8, patience=8, batch_size=16, learning_rate=5e-3)
WORDS = [
    "happy", "north", "glad", "seven", "proud", "salt", "calm", "under", "quick", "paper",
    "lucky", "noon", "kind", "grey", "young", "stone", "warm", "brick", "bold", "rust",
]  # fmt: skip
TRUE, FALSE = WORDS[::2], WORDS[1::2]


def labelled(n: int, splits: Sequence[str] = ("train", "train", "dev", "test")) -> list[Any]:
    """Triples that are true for every second word: nothing but the labels tells which."""
    rng, found = Random(0), list[dict[str, Any]]()
    for i in range(n):
        label = int(rng.random() < 0.6)
        tail = rng.choice(TRUE if label else FALSE)
        row = {"head": f"PersonX buys thing {i % 40}", "relation": "xReact", "phrase": "PersonX is"}
        found.append({**row, "tail": tail, "label": label, "split": splits[i % len(splits)]})
    return found


@pytest.fixture
def cell(make_cell: Callable[..., Cell]) -> Callable[..., Cell]:
    """A cell whose corpus people have judged."""

    def make(label: str, labels: Sequence[Any] = labelled(400), spec: Critic = SPEC) -> Cell:
        rows = [
            {"id": str(i), "task": r["relation"], "question": r["head"], "phrase": r["phrase"],
             "answer": r["tail"], "source": "machine"}
            for i, r in enumerate(labels)
        ]  # fmt: skip
        corpus = Corpus(rows, [], {"sha256": "judged", "teacher_tokens": {}}, labels)
        plain = make_cell("std_cot")
        track = replace(plain.track, critic=spec, student=Spec(scratch=Scratch(SMALL, 300)))
        return replace(plain, track=track, method=registry.configure_named(label), corpus=corpus)

    return make


def made(cell: Cell) -> tuple[Any, dict[str, Any]]:
    """Its judge, and how good that is."""
    judge = critic.of(cell, partial(fit.critics_reader, cell))
    told = critic.report(cell)
    assert judge is not None and told is not None
    return judge, told


def test_nobody_waits_for_a_critic_while_there_are_other_rows(cell: Callable[..., Cell]) -> None:
    asks = cell("comet_distil[critic=high]")
    with locked(critic.kept_in(asks)), pytest.raises(BusyError, match="critics"):
        stages._run_cell(asks, "first pass", wait=False)


def test_quality_of_scores_that_are_known() -> None:
    found = quality([1, 1, 0, 0], np.array([0.9, 0.6, 0.7, 0.1]))
    assert found["auroc"] == 0.75 and found["share_true"] == 0.5
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["precision_at_80_recall"] == pytest.approx(2 / 3)
    assert found["calibration_error"] == pytest.approx((0.1 + 0.4 + 0.7 + 0.1) / 4)


def test_calibration_is_asked_of_probabilities_alone() -> None:
    found = quality([1, 0], np.array([3.0, -2.0]), probabilities=False)
    assert found["auroc"] == 1.0 and found["calibration_error"] is None


def test_precision_is_the_best_of_all_cuts_that_keep_enough() -> None:
    assert precision_at(0.5, [1, 1, 0, 0], np.array([0.9, 0.6, 0.7, 0.1])) == 1.0
    assert precision_at(1.0, [1, 0, 1, 1], np.array([0.9, 0.8, 0.7, 0.6])) == 0.75


def test_quality_of_triples_that_are_all_true_is_not_known() -> None:
    with pytest.raises(ValueError, match="true and false"):
        quality([1, 1], np.array([0.5, 0.6]))


def test_a_cut_at_a_score_keeps_that_share_of_the_true_ones() -> None:
    true = np.array([0.2, 0.4, 0.6, 0.8])
    assert recalls_of(np.array([0.9, 0.8, 0.5, 0.2, 0.1]), true) == [0.0, 0.25, 0.5, 1.0, 1.0]


def test_a_critic_learns_what_people_judged_and_one_with_shuffled_labels_does_not(
    cell: Callable[..., Cell],
) -> None:
    trained = cell("comet_distil[critic=high]")
    judge, good = made(trained)
    _, bad = made(cell("comet_distil[critic=high,judge=shuffled]"))
    assert good["auroc"] > 0.95 and good["judge"] == "trained"
    assert bad["auroc"] < 0.8 and bad["judge"] == "shuffled"
    rows = trained.corpus.rows
    recalls = judge([(row["question"], row["phrase"], row["answer"]) for row in rows])
    left = [row for row, recall in zip(rows, recalls, strict=True) if recall <= 0.5]
    true = [row for row in left if row["answer"] in TRUE]
    assert len(true) > 0.9 * len(left) > 0
    n_true = sum(row["answer"] in TRUE for row in rows)
    assert 0.3 * n_true < len(true) < 0.7 * n_true


def test_what_it_learns_of_corrupted_triples_helps_where_people_judged_few(
    cell: Callable[..., Cell],
) -> None:
    few, many = labelled(40), labelled(400, ["corrupted"])
    name = "comet_distil[critic=high]"
    _, plain = made(cell(name, few, replace(SPEC, epochs=2)))
    _, helped = made(cell(name, [*many, *few], replace(SPEC, epochs=2, corrupted_epochs=8)))
    assert helped["auroc"] > 0.9 > plain["auroc"]


def test_it_is_made_once_and_found_again(
    cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = made(cell("comet_distil[critic=low]"))
    monkeypatch.setattr(critic, "teach", lambda *_, **__: pytest.fail("taught again"))
    assert made(cell("comet_distil[critic=high]"))[1] == first


@pytest.mark.parametrize("is_an_encoder", [False, True])
def test_what_was_drawn_before_changes_nothing_of_it(
    cell: Callable[..., Cell], tmp_path: Path, is_an_encoder: bool
) -> None:
    encoder = None
    if is_an_encoder:
        student, _ = fit.critics_reader(cell("comet_distil[critic=high]"))
        encoder = str(tmp_path / "encoder")
        student.model.base_model.save_pretrained(encoder)
        student.tokenizer.save_pretrained(encoder)
    asks = cell("comet_distil[critic=high]", spec=replace(SPEC, epochs=1, path=encoder))

    def report(n_drawn: int) -> bytes:
        def reader() -> tuple[Student, int]:
            found = fit.critics_reader(asks)
            torch.rand(n_drawn)
            return found

        torch.rand(n_drawn)
        critic.of(asks, reader)
        found = (critic.kept_in(asks) / "report.json").read_bytes()
        rmtree(critic.kept_in(asks))
        return found

    assert report(0) == report(1)
    spec, student = asks.track.critic, fit.critics_reader(asks)
    assert spec is not None
    begun = [critic._classifier(spec, lambda: student, seed)[0].model for seed in (0, 0, 1)]
    first, again, other = ([w.sum().item() for w in model.parameters()] for model in begun)
    assert first == again != other


def test_it_begins_with_the_student_of_the_method_that_the_track_names(
    cell: Callable[..., Cell],
) -> None:
    begun = cell("comet_distil[critic=low]", spec=replace(SPEC, reader="comet_distil"))
    first = begun.reader
    assert first is not None and first.method.label == "comet_distil"
    made(begun)
    assert (first.folder / "weights").is_dir()
    assert begun.train_key != cell("comet_distil[critic=low]").train_key
    assert first.train_key == cell("comet_distil").train_key


def test_names_take_the_place_of_persons_and_a_draw_is_always_the_same() -> None:
    asked = [("PersonX meets PersonY", "PersonX is", "fond of PersonY")] * 2
    first, second = named(asked, 0)
    assert not any("Person" in part for part in first) and first != second
    head, phrase, tail = first
    who, whom = head.split(" meets ")
    assert (phrase, tail) == (f"{who} is", f"fond of {whom}")
    assert named(asked, 0) == [first, second] != named(asked, 1)


def test_scores_are_averaged_over_the_draws_of_names(cell: Callable[..., Cell]) -> None:
    drawn = cell("comet_distil[critic=low]", spec=replace(SPEC, name_draws=3, epochs=2))
    made(drawn)
    (folder,) = [p for p in (Path(os.environ["SKBENCH_HOME"]) / "critics").iterdir() if p.is_dir()]
    asked = [("PersonX buys thing 3", "PersonX is", tail) for tail in WORDS]
    once = [Classifier.load(folder, SPEC).scores(named(asked, draw)).tolist() for draw in range(3)]
    assert drawn.track.critic is not None and once[0] != once[1]
    mean = Classifier.load(folder, drawn.track.critic).scores(asked)
    assert mean.tolist() == pytest.approx(np.mean(once, axis=0).tolist())


def test_pmi_is_what_the_head_adds_to_the_likelihood_of_the_tail(
    make_student: Callable[..., Student],
) -> None:
    student = make_student("llama", spread=0.5)
    asked = [("start 2", "It is", "4"), ("start 3", "It is", "cup 7"), ("start 3", "adds", "4")]
    with_head = log_likelihoods(
        student, [("start 2. It is", "4"), ("start 3. It is", "cup 7"), ("start 3 adds", "4")]
    )
    alone = log_likelihoods(student, [(p, tail) for _, p, tail in asked])
    for weight in (1.0, 0.5):
        expected = [a - weight * b for a, b in zip(with_head, alone, strict=True)]
        assert Pmi(student, weight).scores(asked).tolist() == pytest.approx(expected, rel=1e-4)


# ------------------------------------------------------------ what it costs


def counted(run: Callable[[], object]) -> int:
    """FLOPs that PyTorch counts."""
    with torch.no_grad(), counter() as found:
        run()
    return found.get_total_flops()


def test_pmi_costs_two_readings_of_each_tail(make_student: Callable[..., Student]) -> None:
    student = make_student("llama", spread=0.5)
    asked = [("start 2", "It is", "4"), ("start 3", "It is", "cup 7 of 9")]
    assert grows(student.model)  # which is tried once, and never counted
    expected = [
        counted(lambda p=p: log_likelihoods(student, [p]))
        + counted(lambda q=q: log_likelihoods(student, [q]))
        for p, q in [
            (("start 2. It is", "4"), ("It is", "4")),
            (("start 3. It is", "cup 7 of 9"), ("It is", "cup 7 of 9")),
        ]
    ]
    assert Pmi(student).flops(asked) == expected


@pytest.mark.parametrize("draws", [0, 2])
def test_a_classifier_costs_a_reading_for_every_draw_of_names(
    make_student: Callable[..., Student], draws: int
) -> None:
    spec = replace(SPEC, name_draws=draws)
    judge = Classifier.on(make_student("llama"), spec)
    asked = [("PersonX buys thing 3", "PersonX is", "glad"), ("thing 3", "It is", "grey stone")]
    for place, flops in enumerate(judge.flops(asked)):
        read = 0
        for texts in [named(asked, draw) for draw in range(draws)] or [asked]:
            ids = torch.tensor([judge.encoded([texts[place]]).input_ids[0]])
            read += counted(lambda ids=ids: judge.model.base_model(ids, use_cache=False))
        assert flops == read > 0


def test_teaching_a_classifier_costs_what_it_reads(make_student: Callable[..., Student]) -> None:
    """Of what it learns three passes an epoch, of what it watches one."""
    spec = replace(SPEC, epochs=2, corrupted_epochs=1)
    judge = Classifier.on(make_student("llama"), spec)
    rows = labelled(80, ("corrupted", "train", "dev", "test"))
    read = {
        split: sum(judge.flops(triples([row for row in rows if row["split"] == split])))
        for split in ("corrupted", "train", "dev")
    }
    spent = teach(judge, spec, rows, seed=0, folder=Path(os.environ["SKBENCH_HOME"]) / "work")
    assert spent == 3 * read["corrupted"] + 2 * (3 * read["train"] + read["dev"])


@pytest.mark.parametrize("reader", [None, "comet_distil"])
@pytest.mark.parametrize("judge", ["trained", "weighted_pmi", "pmi"])
def test_what_a_critic_took_is_counted_with_its_language_model(
    cell: Callable[..., Cell], reader: str | None, judge: str
) -> None:
    """Making it, reading the corpus in training, and reading drafts at test time."""
    asks = cell(f"comet_distil[critic=low,judge={judge}]", spec=replace(SPEC, reader=reader))
    student = fit.fresh(asks)
    spent = fit.fit(asks, student)
    found, _ = made(asks)
    rows = [(r["question"], r["phrase"], r["answer"]) for r in asks.corpus.rows]
    assert spent.judging_flops == sum(found._judge().flops(rows)) > 0
    lone = cell(f"comet_distil[critic=low,judge={judge}]")
    made(lone)
    lengths = fit.reported(asks.reader.folder).lengths if asks.reader else Counter[int]()
    trained = fit_flops(fit.fresh(asks).model).training_flops(list(lengths.elements()))
    assert (trained > 0) == (reader is not None)
    if judge != "trained":  # how long a classifier learns is another matter
        assert critic.flops(asks) == critic.flops(lone) + trained
    assert critic.flops(asks) > trained
    assert critic.flops(cell("comet")) == 0


def test_drafts_are_counted_at_their_question(cell: Callable[..., Cell]) -> None:
    asks = cell("critical_teacher")
    found, _ = made(asks)
    found([("a b", "It is", "glad"), ("a b", "It is", "stone"), ("a b", "PersonX is", "glad")])
    each = found._judge().flops([("a b", "It is", "glad"), ("a b", "It is", "stone")])
    assert found.spent["a b", "It is"] == sum(each) > 0
    assert found.spent["a b", "PersonX is"] > 0 and found.spent["c", "It is"] == 0


def test_a_record_holds_what_its_critic_spent(cell: Callable[..., Cell]) -> None:
    """In training where it chose what to learn from, at the question where it chose a draft."""

    def record(label: str) -> Record:
        asks = cell(label)
        track = replace(asks.track, tasks=Tasks(["commonsense_known"], []))
        asks = replace(asks, track=track, scope=Scope(limit=2))
        (made,) = stages.run_cells([asks])
        assert made.training.helper_flops >= critic.flops(asks)
        return made

    learned, chose, plain = map(
        record, ("comet_distil[critic=low]", "critical_teacher", "comet_distil")
    )
    assert learned.training.helper_flops > chose.training.helper_flops > 0
    assert plain.training.helper_flops == 0
    assert learned.data_sets["commonsense_known"].helper_flops == []
    assert min(chose.data_sets["commonsense_known"].helper_flops) > 0


def test_a_student_that_learned_to_reason_is_asked_behind_its_own_prompt(
    cell: Callable[..., Cell], make_student: Callable[..., Student]
) -> None:
    student, asked = make_student("llama", spread=0.5), [("duli", "adds", "6")]
    opening = registry.configure_named("std_cot").prompt(Question("", "", ""))
    both = log_likelihoods(student, [(f"{opening} duli adds", "6"), (f"{opening} adds", "6")])
    found = Pmi(student, opening=opening).scores(asked)
    assert found[0] == pytest.approx(both[0] - both[1], rel=1e-4)
    reasoning = cell("comet_distil[critic=low,judge=pmi]", spec=replace(SPEC, reader="std_cot"))
    assert critic._opening(reasoning) == opening
    assert critic._opening(cell("comet_distil[critic=low,judge=pmi]")) == ""


def test_the_weight_of_pmi_is_the_one_that_tells_best(
    make_student: Callable[..., Student],
) -> None:
    student = make_student("llama", spread=0.5)
    asked = [(f"start {i}", "likes", f"{j}") for i in range(20) for j in range(20)]
    for weight in (1.0, 0.0):
        scores = Pmi(student, weight).scores(asked)
        best = (scores >= np.median(scores)).astype(int).tolist()
        rows = [
            {"head": h, "phrase": p, "tail": t, "label": label}
            for (h, p, t), label in zip(asked, best, strict=True)
        ]
        found = weighted(student, rows)
        assert precision_at(0.8, best, found.scores(asked)) == 1.0
        assert (found.weight == 1.0) == (weight == 1.0)


def test_a_row_judged_by_pmi_says_by_which_weight(cell: Callable[..., Cell]) -> None:
    for judge in ("pmi", "weighted_pmi"):
        recalls, told = made(cell(f"comet_distil[critic=low,judge={judge}]"))
        assert told["judge"] == judge and told["calibration_error"] is None
        assert 0 <= told["weight"] <= 1 and len(recalls([("a", "b", "c")])) == 1


def test_critics_word_a_triple_as_comet_does() -> None:
    assert prompt("PersonX runs", "PersonX is") == triple("PersonX runs", "PersonX is")
    assert prompt("", "PersonX is") == "PersonX is"
    assert prompt("duli", "adds") == "duli adds" and prompt("duli", "") == "duli"


def test_a_corrupted_twin_has_a_tail_of_the_relation_that_its_head_does_not_have() -> None:
    triples = [
        ("a", "xReact", "glad"), ("b", "xReact", "sad"), ("b", "xReact", "glad"),
        ("a", "xWant", "to rest"),
    ]  # fmt: skip
    rows = beside_corrupted(Random(0), triples)
    true = [(r["head"], r["relation"], r["tail"]) for r in rows if r["label"]]
    wrong = [(r["head"], r["relation"], r["tail"]) for r in rows if not r["label"]]
    assert true == triples and wrong == [("a", "xReact", "sad")]


def test_what_a_cut_leaves_is_counted() -> None:
    rows = [
        {"answer": "to go home", "is_true": True},
        {"answer": "To go home", "is_true": False},
        {"answer": "sad", "is_true": True},
    ]
    expected = {"n": 3, "share_true": 2 / 3, "distinct_tails": 2, "distinct_2": 0.5}
    assert kept(rows) == expected
    assert kept([*rows, {"answer": "sad"}])["share_true"] is None
    assert kept([{"answer": "sad"}])["distinct_2"] is None


def test_what_is_written_is_new_where_no_row_of_the_corpus_ends_so() -> None:
    rows = [{"answer": "to go home"}, {"answer": "sad"}]
    found = written([" To go home. And", " glad", " glad\nx", ""], rows)
    assert found == {"novel": 0.75, "n": 4, "distinct_tails": 3, "distinct_2": 1.0}


def test_who_needs_no_critic_gets_none_and_who_needs_one_is_told_where_there_is_none(
    cell: Callable[..., Cell], home: Path
) -> None:
    plain = cell("comet")
    assert critic.of(plain, lambda: pytest.fail("read")) is None and critic.report(plain) is None
    itself = replace(SPEC, reader="comet_distil[critic=low]")
    for spec, name in ((None, r"\[critic\]"), (itself, r"comet_distil\[critic=low\]")):
        wanting = cell("critical_teacher")
        track = replace(wanting.track, corpus="pocket-commonsense", critic=spec)
        with pytest.raises(ConfigError, match=f"critical_teacher .*{name}"):
            planning.plan(
                track, [wanting.method], [0], wanting.scope, skip_unmet=False, data=None, origin=()
            )


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_labels_that_are_all_alike_teach_nothing_and_are_told(split: str) -> None:
    kept = [row for row in labelled(40) if row["split"] != split or row["label"]]
    needs = registry.configure_named("critical_teacher").needs
    told = check_needs(Corpus([{"phrase": "p"}], [], {}, kept), needs)
    assert told is not None and split in told
    assert check_needs(Corpus([{"phrase": "p"}], [], {}, labelled(40)), needs) is None


def test_what_is_made_by_the_seed_has_a_row_for_each() -> None:
    names = ("critical_teacher", "loose_teacher", "zero_shot")
    critical, loose, untrained = map(registry.configure_named, names)
    scratch, whole = track.load("pocket-commonsense"), track.load("pocket")
    assert planning.seeds_of(scratch, critical, [0, 1]) == [0, 1]
    assert planning.seeds_of(scratch, loose, [0, 1]) == [0]
    assert planning.seeds_of(scratch, untrained, [0, 1]) == [0, 1], "other random weights"
    assert planning.seeds_of(whole, untrained, [0, 1]) == [0]


def test_a_judge_that_waits_for_the_row_it_judges_is_refused(cell: Callable[..., Cell]) -> None:
    spec = replace(SPEC, reader="comet", acceptance="critical_teacher")
    asked = cell("comet", spec=spec)
    told = planning._unmet(asked.track, asked.method, asked.corpus)
    assert told is not None and "critic.reader or critic.acceptance" in told


def test_another_training_of_the_reader_makes_another_critic(cell: Callable[..., Cell]) -> None:
    first = cell("comet_distil[critic=low]", spec=replace(SPEC, reader="comet_distil"))
    slower = replace(first.track.training, learning_rate=1e-4)
    other = replace(first, track=replace(first.track, training=slower))
    assert other.critic_key != first.critic_key


def test_a_probability_is_measured_from_the_share_of_true_triples(
    cell: Callable[..., Cell], home: Path
) -> None:
    made(cell("comet_distil[critic=low]", spec=replace(SPEC, epochs=1)))
    (folder,) = [path for path in (home / "critics").iterdir() if path.is_dir()]
    judge, asked = Classifier.load(folder, SPEC), [("PersonX runs", "PersonX is", "glad")]
    share = np.mean([row["label"] for row in labelled(400) if row["split"] == "train"])
    assert judge.model.config.prior == pytest.approx(np.log(share / (1 - share)))
    before = judge.scores(asked)
    judge.model.config.prior += 1
    odds = [p / (1 - p) for p in (before, judge.scores(asked))]
    assert odds[1] / odds[0] == pytest.approx(np.e)


def test_a_tail_that_is_empty_is_never_accepted(
    cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    easy = SimpleNamespace(recalls=lambda asked: [0.0] * len(asked))
    monkeypatch.setattr(fit, "judge_of", lambda _: easy)
    monkeypatch.setattr(critic, "report", lambda _: {})
    doc: dict[str, Any] = {"task": "xReact", "question": "a", "phrase": "p", "target": "glad"}
    written = [
        Sample("id_a", {**doc, "id": said, "tails": ["glad"]}, Question(said, "t", "a"), solved, {})
        for said, solved in (("", Solved(" ", ())), ("glad", Solved(" glad", ())))
    ]
    judged = cell("comet", spec=replace(SPEC, acceptance="critical_teacher"))
    found, _ = acceptance.accepted(judged, written)
    assert [sample.graded["accepted"] for sample in found] == [0.0, 1.0]


def test_what_a_row_writes_is_accepted_by_the_judge_that_the_track_names(
    cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(i: int, tail: str) -> Sample:
        head, target = f"PersonX buys thing {i}", TRUE[i % len(TRUE)]
        doc: dict[str, Any] = {"id": str(i), "task": "xReact", "question": head}
        doc |= {"phrase": "PersonX is", "target": target, "tails": [target, *TRUE[:3]]}
        asked = Question(str(i), "xReact", head, phrase="PersonX is")
        return Sample("id_a", doc, asked, Solved(f" {tail}. And", ()), {}, {"rank": 1.0})

    tails = [*TRUE, *FALSE, ""]
    samples = [written(i, tail) for i, tail in enumerate(tails)]
    plain = Sample("qa", {"id": "q"}, Question("q", "t", "?"), Solved("x", ()), {})
    spec = replace(SPEC, acceptance="critical_teacher")
    found, told = acceptance.accepted(cell("comet", spec=spec), [*samples, plain])
    marks = [sample.graded.get("accepted") for sample in found]
    assert marks[-1] is None and marks[-2] == 0.0
    shares = [np.mean([m or 0 for m in part]) for part in (marks[: len(TRUE)], marks[len(TRUE) :])]
    assert shares[0] > 0.6 > 0.2 > shares[1]
    assert found[0].graded["rank"] == 1.0 and told is not None
    assert told["judge"] == "trained" and told["auroc"] > 0.95
    assert told["ceiling"] > 0.6 and 0 <= told["floor"] <= 1
    assert acceptance.accepted(cell("comet", spec=spec), samples[:9])[1] != told
    again = [written(i, "brick") for i in range(len(tails))]
    asked = list[int]()
    recalls = critic.Referee.recalls

    def counted(self: critic.Referee, triples: Sequence[Any]) -> list[float]:
        asked.append(len(triples))
        return recalls(self, triples)

    monkeypatch.setattr(critic.Referee, "recalls", counted)
    assert acceptance.accepted(cell("comet", spec=spec), [*again, plain])[1] == told
    assert asked == [len(tails)], "the bounds are kept"
    assert acceptance.accepted(cell("comet"), samples) == (samples, None)


def test_a_judge_of_acceptance_that_is_none_is_told(cell: Callable[..., Cell]) -> None:
    asked = cell("comet", spec=replace(SPEC, acceptance="comet"))
    track = replace(asked.track, corpus="pocket-commonsense")
    with pytest.raises(ConfigError, match=r"critic\.acceptance"):
        planning.plan(
            track, [asked.method], [0], asked.scope, skip_unmet=False, data=None, origin=()
        )
