"""A study: its rule, its pairs on sealed items, and runs that are added and never replaced."""

import json
from dataclasses import replace

import numpy as np
import pytest

from leaderboard.compare import regimes
from leaderboard.compare.study import collect, findings, verdict
from leaderboard.show.rendering import check
from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import difference, seed_variance
from leaderboard.store import board
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Scope
from leaderboard.store.studies import Question, Study, publish_study
from tests.board_verb import run as skbench
from tests.leaderboard_records import record, save

QUESTION = """
about = "Is it the method?"

[rule]
pair = "B"
margin = 6.0
below = "the method"
within = "the budget"
undecided = "not yet"

[[pairs]]
name = "B"
asks = "as many plain questions"
a = "long/skintern+tuned"
b = "short/std_cot+tuned"

[[pairs]]
name = "C"
asks = "none of these ran"
a = "long/kard"
b = "short/std_cot+tuned"
"""
SHARES = {("long", "skintern+tuned"): 0.4, ("short", "std_cot+tuned"): 0.7}


def run(point, label, seed, share, n=200, **changes):
    rng = np.random.default_rng([seed, len(label)])
    bits = {name: (rng.random(n) < share).astype(int).tolist() for name in ("id_a", "ood_a")}
    own = {"of": label, "settings": {"learning_rate": 0.001}, "trials_sha256": "hash"}
    base = record(
        label,
        seed,
        outcomes=bits,
        track=f"toy.why.{point}",
        scope=Scope(split="sealed", sealed=15),
        snapshot={"point": {"sweep": "why", "axis": "epochs", "value": point}, "own": own},
        provenance={"dirty": False, "commit": "c0ffee"},
    )
    return replace(base, **changes)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A repository with the question `why`; local records go where `saved` puts them."""
    (tmp_path / "leaderboard" / "studies").mkdir(parents=True)
    (tmp_path / "leaderboard" / "studies" / "why.toml").write_text(QUESTION)
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "leaderboard" / "records")
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def local(home):
    root = home / "home" / "records" / "v1"
    for (point, label), share in SHARES.items():
        for seed in range(3):
            save(root, [run(point, label, seed, share)])
    return root


def question(home):
    return Question.load(home / "leaderboard" / "studies" / "why.toml")


def test_a_pair_is_the_difference_of_its_rows_with_the_seeds_of_all_pooled(home, local):
    save(local, [run("long", "skintern[decoy=true]+tuned", 0, 0.5)])
    save(local, [run("long", "skintern[decoy=true]+tuned", 1, 0.6)])
    study = collect(local, "why")
    (found,) = findings(question(home), study)  # C has no runs
    rows = ["long/skintern+tuned", "long/skintern[decoy=true]+tuned", "short/std_cot+tuned"]
    expected = []
    for name in ("id_a", "ood_a"):
        told = [[each.outcomes[name] for each in study.of(row)] for row in rows]
        sides = [[np.array([list(map(int, bits)) for bits in row], float)] for row in told]
        pool = seed_variance(sides)
        expected.append(difference(sides[0], sides[2], (pool, pool)))
    in_domain, out = expected
    assert pool.df == 5 and in_domain.stderr > 0
    assert (found.id.value, found.id.low) == (in_domain.value, in_domain.low)
    assert (found.ood.value, found.ood.low) == (out.value, out.low)
    assert found.a.n_seeds == 3 and found.a.ood - found.b.ood == pytest.approx(out.value)
    plain = [in_domain.p, out.p]
    assert [found.id.p, found.ood.p] == holm(plain) != plain


def test_a_study_of_one_group_has_no_difference_in_the_other(home, tmp_path):
    for (point, label), share in SHARES.items():
        for seed in range(2):
            made = run(point, label, seed, share)
            save(tmp_path, [replace(made, data_sets={"id_a": made.data_sets["id_a"]})])
    (found,) = findings(question(home), collect(tmp_path, "why"))
    assert found.id is not None and found.ood is None and found.a.ood is None


def test_runs_on_sealed_items_are_in_no_map(local):
    assert regimes.collect(local, "why").sweep.points == []


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(-0.2, -0.061, "below"), (-0.2, -0.059, "undecided"), (-0.059, 0.059, "within"),
     (-0.061, 0.059, "undecided"), (-0.059, 0.061, "undecided")],
)  # fmt: skip
def test_the_rule_reads_the_whole_interval(home, local, low, high, says):
    asked = question(home)
    (found,) = findings(asked, collect(local, "why"))
    assert verdict(asked, [replace(found, id=replace(found.id, low=low, high=high))]) == says
    assert verdict(asked, []) is None


def test_a_study_is_published_shown_and_on_the_page(home, local, capsys):
    assert skbench("study", "why") == 3
    assert skbench("study", "why", "--local") == 0
    here = capsys.readouterr().out
    assert "It says: the method." in here and "C:" not in here
    assert skbench("study", "why", "--publish") == 0
    assert skbench("study", "why") == 0 and not check(home / "leaderboard" / "records")
    assert here.strip() in capsys.readouterr().out
    assert "It says: the method." in (home / "leaderboard" / "LEADERBOARD.md").read_text()
    assert skbench("study", "why", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["verdict"], body["says"], body["sealed"]) == ("below", "the method", 15)


def test_runs_are_added_from_another_machine_and_never_replaced(home, local):
    root = home / "leaderboard" / "studies" / "v1"
    whole = collect(local, "why")
    first, rest = replace(whole, runs=whole.runs[:2]), replace(whole, runs=whole.runs[1:])
    path = publish_study(first, root)
    assert publish_study(first, root) is None
    publish_study(rest, root)
    assert Study.load(path).runs == sorted(whole.runs, key=lambda run: (run.row, run.seed))
    turned = replace(whole.runs[0], outcomes={**whole.runs[0].outcomes, "id_a": "0" * 200})
    with pytest.raises(RecordError, match="holds another run of long/skintern\\+tuned seed 0"):
        publish_study(replace(whole, runs=[turned]), root)
    with pytest.raises(RecordError, match="answered other questions"):
        publish_study(replace(whole, sealed=16), root)


def test_runs_that_a_study_cannot_hold_are_refused(home, local):
    whole = collect(local, "why")
    dirty = replace(whole.runs[0], provenance={"dirty": True})
    with pytest.raises(RecordError, match="uncommitted"):
        publish_study(replace(whole, runs=[dirty]), home)
    other = run("long", "kard", 0, 0.5)
    sets = {name: replace(each, items_sha256="x") for name, each in other.data_sets.items()}
    save(local, [replace(other, data_sets=sets)])
    with pytest.raises(RecordError, match=r"toy\.why\.\w+/.* seed 0: other questions than"):
        collect(local, "why")


def test_a_file_that_contradicts_itself_is_named(home, local):
    whole = collect(local, "why")
    path = publish_study(whole, home)
    text = path.read_text()
    for old, new, fault in (
        ('"study": "why"', '"study": "who"', "rename"),
        ('"seed": 1', '"seed": 0', "two runs of one row"),
        ('"outcomes": {"id_a": "', '"outcomes": {"id_a": "1', "other items"),
        ('"outcomes": {"id_a": "', '"outcomes": {"id_a": "x', "id_a must"),
    ):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(RecordError, match=fault):
            Study.load(path)
    toml = home / "leaderboard" / "studies" / "why.toml"
    toml.write_text(QUESTION.replace('pair = "B"', 'pair = "X"'))
    with pytest.raises(RecordError, match="names no pair"):
        Question.load(toml)
    toml.write_text(QUESTION.replace("margin = 6.0", "margin = -6.0"))
    with pytest.raises(RecordError, match=r"rule\.margin"):
        Question.load(toml)


def test_an_unknown_suite_of_a_study_is_refused(home, local):
    for words in ((), ("--local",)):
        with pytest.raises(board.UnknownName, match="v9"):
            skbench("study", "why", "--suite", "v9", *words)


def test_an_unknown_study_is_refused_with_the_nearest_name(home):
    with pytest.raises(board.UnknownName, match="did you mean 'why'"):
        skbench("study", "whi")
