"""What methods spend on solved questions, counted on a toy track without any student."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench import registry, track
from bench.__main__ import main
from bench.corpora.corpus import Corpus
from bench.costs.flops import FlopModel, fit_flops
from bench.estimates import per_question
from bench.estimates.timing import timed
from bench.estimates.walk import Ruler
from bench.students.shapes import meta_model, shape_of
from bench.track import ConfigError
from leaderboard.store.costs import CostRecord
from tests.tracks import table, toy_track

TINY = {
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 4096,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
}
METHODS = ["zero_shot", "answer_only", "std_cot", "mt_cot", "kard", "cascod", "skintern"]
TRACK = toy_track(
    METHODS,
    student=table("student", {"path": "nobody/has-this"}) + table("student.shape", TINY),
    corpus="toy",
    id="toy_questions",
    ood=[],
    decoding={"max_new_tokens": 200, "overflow": "wrong"},
)


@cache
def tiny_flops() -> FlopModel:
    return fit_flops(meta_model(TINY))


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_corpus: Corpus) -> Path:
    """A track file whose test questions, with solutions, are the rows of the toy corpus."""
    questions = [{**row, "target": row["answer"]} for row in toy_corpus.rows]
    monkeypatch.setattr(per_question, "fit_flops", lambda model: tiny_flops())
    monkeypatch.setattr(per_question, "SOLVED", {"toy_questions": None})
    monkeypatch.setattr(per_question, "solved", lambda data_set, data: questions)
    monkeypatch.setattr(per_question.corpora, "obtain", lambda *_, **__: toy_corpus)
    path = tmp_path / "toy.toml"
    path.write_text(TRACK)
    return path


@pytest.fixture
def counted(toy: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["cost", str(toy), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def rows_of(counted: dict[str, Any]) -> dict[str, Any]:
    return {row["label"]: row for row in counted["methods"]}


def test_every_method_is_counted_and_a_stand_in_tokenizer_is_marked(
    counted: dict[str, Any], toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(rows_of(counted)) == METHODS
    assert counted["tokenizer"] == "stand-in"
    assert main(["cost", str(toy), "--methods", "std_cot"]) == 0
    assert "**Stand-in tokenizer**" in capsys.readouterr().out


def test_the_student_s_own_tokenizer_is_taken_where_it_lies_here(
    toy: Path, tmp_path: Path, tokenizer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer.save_pretrained(tmp_path / "own")
    toy.write_text(TRACK.replace("nobody/has-this", str(tmp_path / "own")))
    assert main(["cost", str(toy), "--json", "--methods", "std_cot"]) == 0
    assert json.loads(capsys.readouterr().out)["tokenizer"] == "student"
    assert main(["cost", str(toy), "--methods", "std_cot"]) == 0
    assert "Stand-in" not in capsys.readouterr().out


def test_a_method_with_two_calls_costs_both(toy: Path) -> None:
    chosen = track.load(str(toy))
    flops, method = tiny_flops(), registry.configure_named("cascod")
    methods = [registry.configure_named("std_cot"), method]
    record, calls = per_question.count(chosen, methods, None, 3, "")
    both = record.methods[1]
    assert both.n_calls == 2 * record.n == 6
    assert record.methods[0].n_calls == 3
    for first, second in calls["cascod"]:
        assert second[0] >= first[0] + first[1], "the second prompt shows what the first call wrote"
    every = [call for each in calls["cascod"] for call in each]
    assert both.prefill_flops == sum(flops.prefill_flops(p) for p, _ in every)
    assert both.decode_flops == sum(flops.decode_flops(p, n) for p, n in every)
    assert both.prompt_only_flops == sum(flops.prompt_only_flops(p) for p, _ in every)


def test_a_second_prompt_that_holds_a_completion_which_was_cut_is_answered_all_the_same(
    toy: Path,
) -> None:
    toy.write_text(re.sub(r"max_new_tokens = \d+", "max_new_tokens = 6", toy.read_text()))
    methods = [registry.configure_named("cascod")]
    _, calls = per_question.count(track.load(str(toy)), methods, None, 3, "")
    assert all(first[1] == 6 and second[1] < 6 for first, second in calls["cascod"])


def test_methods_that_ask_alike_cost_alike_and_passages_cost_more(counted: dict[str, Any]) -> None:
    rows = rows_of(counted)
    same = {key: value for key, value in rows["std_cot"].items() if key != "label"}
    assert {key: value for key, value in rows["skintern"].items() if key != "label"} == same
    assert rows["kard"]["prompt_tokens"] > 1.5 * rows["std_cot"]["prompt_tokens"]
    assert rows["kard"]["generated_tokens"] == rows["std_cot"]["generated_tokens"]
    assert rows["std_cot"]["relative_flops"] == 1


def test_an_answer_at_once_is_short_and_the_paper_s_measure_does_not_see_it(
    counted: dict[str, Any],
) -> None:
    rows = rows_of(counted)
    for label in ("zero_shot", "answer_only", "mt_cot"):
        assert rows[label]["generated_tokens"] < rows["std_cot"]["generated_tokens"] / 3
        assert rows[label]["relative_flops"] < rows[label]["relative_prompt_only_flops"] / 2


def test_a_completion_is_cut_where_decoding_would_cut_it(tokenizer: Any) -> None:
    text = " it is so because it is so"
    whole = Ruler(tokenizer, 100).complete("why", text)
    n = len(tokenizer(text, add_special_tokens=False).input_ids)
    assert (whole.text, whole.n_generated) == (text, n + 1)
    cut = Ruler(tokenizer, 3).complete("why", text)
    assert cut.n_generated == 3
    assert len(tokenizer(cut.text, add_special_tokens=False).input_ids) == 3


def test_prompts_without_room_for_an_answer_are_counted_and_told(toy: Path) -> None:
    toy.write_text(TRACK.replace("max_position_embeddings = 1024", "max_position_embeddings = 350"))
    methods = [registry.configure_named(name) for name in ("std_cot", "kard")]
    record, _ = per_question.count(track.load(str(toy)), methods, None, None, "")
    assert record.methods[1].overflow > record.methods[0].overflow
    assert record.methods[1].n_calls == record.n


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("kard", "'std_cot'"),
        ("std_cot,cascod[as_released=true]", "cascod[as_released=true] "),
        ("kart", "'kart'"),
    ],
)
def test_a_method_that_cannot_be_counted_is_one_line_and_exit_2(
    toy: Path, capsys: pytest.CaptureFixture[str], methods: str, message: str
) -> None:
    assert main(["cost", str(toy), "--methods", methods]) == 2
    assert message in capsys.readouterr().err


def test_a_track_without_solved_questions_names_the_data_sets_that_have_some(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.write_text(TRACK.replace("toy_questions", "other"))
    assert main(["cost", str(toy)]) == 2
    assert "toy_questions" in capsys.readouterr().err


def test_passages_that_the_corpus_has_not_are_asked_for(
    toy: Path, toy_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(toy_corpus, passages=[])
    monkeypatch.setattr(per_question.corpora, "obtain", lambda *_, **__: bare)
    with pytest.raises(ConfigError, match=r"kard .*passages"):
        per_question.count(track.load(str(toy)), [registry.configure_named("kard")], None, None, "")


def test_timing_runs_a_model_of_random_weights_and_says_so(toy: Path) -> None:
    chosen = track.load(str(toy))
    record, calls = per_question.count(chosen, [registry.configure_named("cascod")], None, None, "")
    found = timed(record, shape_of(chosen), calls)
    timing = found.methods[0].timing
    assert timing is not None
    assert timing.n == 8
    assert min(timing.ttft_s_p50, timing.tpot_s_p50 or 0, timing.tokens_per_s) > 0
    assert found.provenance["weights"] == "random"
    assert found.provenance["device"]


def test_a_large_shape_is_not_timed_on_a_cpu_nor_counted_first(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("bench.estimates.timing.LARGEST_ON_CPU", 1000)
    monkeypatch.setattr(per_question, "count", lambda *_: pytest.fail("counted all the same"))
    assert main(["cost", str(toy), "--time"]) == 2
    assert "--time:" in capsys.readouterr().err


def test_publish_stores_the_sums_and_never_less_than_before(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("leaderboard.store.costs.COSTS", tmp_path / "cost")
    assert main(["cost", str(toy), "--publish", "--limit", "4"]) == 0
    stored = CostRecord.load(tmp_path / "cost" / "toy.json")
    assert stored.n == 4
    assert stored.provenance["command"] == "skbench cost toy.toml --data-dir DATA --limit 4"
    assert {"date", "versions", "corpus_sha256"} <= stored.provenance.keys()
    assert main(["cost", str(toy), "--publish", "--limit", "3"]) == 2
    assert "toy.json: " in capsys.readouterr().err
