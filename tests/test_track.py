"""Tracks are read strictly: a slip in a file is told by name, never guessed around."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench import registry, track
from bench.corpora import corpus as corpora
from bench.track import ConfigError, load
from leaderboard.store import board
from leaderboard.store.comparable import settings, track_settings
from leaderboard.store.record import Record

TOML = """
about = "a test"
corpus = "pocket"
reference = "std_cot"
methods = ["std_cot"]
seeds = [0, 1]

[student]
path = "somewhere"

[tasks]
id = ["pocket_chain"]
ood = []

[training]
epochs = 1
batch_size = 4
learning_rate = 1e-3

[decoding]
max_new_tokens = 8
"""

SCRATCH = """
[student.scratch]
vocab_size = 400
[student.scratch.config]
model_type = "llama"
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., track.Track]:
    def read(old: str = "", new: str = "") -> track.Track:
        assert old in TOML
        path = tmp_path / "mine.toml"
        path.write_text(TOML.replace(old, new, 1) if old else TOML)
        return load(str(path))

    return read


def test_a_file_of_ones_own_is_a_track_named_after_it(read: Callable[..., track.Track]) -> None:
    mine = read()
    assert mine.name == "mine" and mine.student.path == "somewhere"
    assert mine.training.precision == "fp32" and mine.training.lora_rank is None
    assert mine.logit_teacher is None and mine.training.match is None
    assert mine.importance == "frequency"
    assert mine.version == 1
    assert mine.decoding.stop == [] and mine.decoding.overflow == "error"
    assert mine.corpus_source == mine.corpus, "one of the project's"


def test_a_corpus_of_ones_own_is_sought_beside_the_track(
    read: Callable[..., track.Track], tmp_path: Path
) -> None:
    own = replace(read(), corpus="mine.jsonl")
    assert own.corpus_source == str(tmp_path / "mine.jsonl")
    assert replace(own, corpus="/data/mine.jsonl").corpus_source == "/data/mine.jsonl"
    assert "folder" not in track.told(own) and track.told(own)["corpus"] == "mine.jsonl"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("epochs = 1", "epoch = 1", r"mine.toml: unknown key 'training.epoch'; .*'epochs'\?"),
        ("[decoding]", "[decodings]", r"mine.toml: unknown key 'decodings'; .*'decoding'\?"),
        ("epochs = 1", "", "mine.toml: missing key 'training.epochs'"),
        ('corpus = "pocket"', "", "mine.toml: missing key 'corpus'"),
        ("epochs = 1", "epochs = 1.0", "training.epochs .*, got 1.0"),
        ("epochs = 1", "epochs = true", "training.epochs .*, got True"),
        ("epochs = 1", 'epochs = "1"', "training.epochs .*, got '1'"),
        ("1e-3", '"1e-3"', "training.learning_rate .*, got '1e-3'"),
        ("1e-3", "true", "training.learning_rate .*, got True"),
        ("seeds = [0, 1]", "seeds = 0", "seeds .*, got 0"),
        ("seeds = [0, 1]", 'seeds = ["0"]', "seeds.0 .*, got '0'"),
        ('id = ["pocket_chain"]', 'id = "pocket_chain"', "tasks.id .*, got 'pock"),
        ('path = "somewhere"', "path = 3", "student.path .*, got 3"),
        ("epochs = 1", 'epochs = 1\nprecision = "fp16"', "training.precision .*'bf16', got 'fp16'"),
        ("epochs = 1", "epochs = 1\nlora_rank = 1.5", "training.lora_rank .*, got 1.5"),
        ("[student]", "[student]\nscratch = 3", "student.scratch .*, got 3"),
        ("[student]", "[student", "not valid TOML"),
        ("1e-3", "-1e-3", "training.learning_rate .*0, got -0.001"),
        ("1e-3", "nan", "training.learning_rate .*, got nan"),
        ("epochs = 1", "epochs = 1\nwarmup = 2.0", "training.warmup .* 1, got 2.0"),
        ("seeds = [0, 1]", "seeds = [-1]", "seeds.0 .* 0, got -1"),
        (
            'id = ["pocket_chain"]',
            'id = ["pocket_hop", "pocket_hop"]',
            "'pocket_hop' stands there 2",
        ),
        ("epochs = 1", "epochs = 0", "training.epochs .* 0, got 0"),
        ("seeds = [0, 1]", "seeds = [0]\nversion = 0", "version .* 0, got 0"),
        ("seeds = [0, 1]", 'seeds = [0]\nversion = "2"', "version .*, got '2'"),
        ("seeds = [0, 1]", "seeds = []", "seeds must not be empty"),
        ('id = ["pocket_chain"]', "id = []", "tasks.id must not be empty"),
        ("epochs = 1", "epochs = 1\nmatch = 3", "training.match .*, got 3"),
        ("epochs = 1", "epochs = 1\nmatch_plain = true", "name a method in training.match"),
        (
            "[decoding]",
            '[logit_teacher]\npath = "x"\n[decoding]',
            "missing key 'logit_teacher.method'",
        ),
        ("[decoding]", '[decoding]\nstop = [""]', "decoding.stop.0 must not be empty"),
        ('path = "somewhere"', "", "student: give either path or scratch"),
        ("[tasks]", f"{SCRATCH}[tasks]", "student: give either path or scratch"),
        ('path = "somewhere"', f'revision = "v1"\n{SCRATCH}', "student.revision: goes with path"),
        ('path = "somewhere"', f"chat_template = true\n{SCRATCH}", "student.chat_template: goes"),
        ("[tasks]", "[student.shape]\nhidden_size = 8\n[tasks]", "shape: name the model_type"),
        ("[tasks]", "bf16_weights = true\n[tasks]", "bf16_weights: .*; set training.lora_rank"),
    ],
)
def test_a_slip_is_named(read: Callable[..., track.Track], old: str, new: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        read(old, new)
    assert "\n" not in str(caught.value)


def test_a_match_and_a_larger_teacher_are_read(
    read: Callable[..., track.Track],
) -> None:
    assert read("epochs = 1", 'epochs = 1\nmatch = "skintern"').training.match == "skintern"
    teacher = '[logit_teacher]\npath = "larger"\nmethod = "std_cot"\n[decoding]'
    assert read("[decoding]", teacher).logit_teacher == track.LogitTeacher("larger", "std_cot")


def test_a_student_says_how_it_is_loaded_and_addressed(read: Callable[..., track.Track]) -> None:
    usual = read().student
    assert usual.revision is None and usual.shape == {}
    assert not (usual.trust_remote_code or usual.chat_template or usual.bf16_weights)
    told = 'revision = "v1"\ntrust_remote_code = true\nchat_template = true\n[tasks]'
    mine = read("[tasks]", told).student
    assert (mine.revision, mine.trust_remote_code, mine.chat_template) == ("v1", True, True)


def test_a_whole_number_is_a_float_where_one_is_asked_for(
    read: Callable[..., track.Track],
) -> None:
    rate = read("1e-3", "1").training.learning_rate
    assert rate == 1.0 and type(rate) is float


@pytest.mark.parametrize(
    ("name", "hint"),
    [("pokket", "did you mean 'pocket'?"), ("zzz", "valid: "), ("none.toml", "no such file")],
)
def test_an_unknown_track_is_told_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(name)
    assert f"unknown track '{name}': {hint}" in str(caught.value)


@pytest.mark.parametrize("name", track.names())
def test_a_built_in_track_names_methods_and_a_corpus_that_exist(name: str) -> None:
    known, built_in = registry.discover(), track.load(name)
    labels = [registry.configure(known, spec, []).label for spec in built_in.methods]
    assert len(set(labels)) == len(labels) and labels == built_in.methods
    assert built_in.reference in labels and built_in.corpus in corpora.builders()
    assert built_in.seeds and len(set(built_in.seeds)) == len(built_in.seeds)
    assert (built_in.student.path is None) != (built_in.student.scratch is None)
    if built_in.training.match is not None:
        assert registry.configure_named(built_in.training.match).label in labels
    if built_in.logit_teacher is not None:
        assert registry.configure_named(built_in.logit_teacher.method).trains


@pytest.mark.parametrize("name", track.names())
def test_what_is_published_ran_under_the_settings_that_its_version_has(name: str) -> None:
    """Else `run --missing` refuses the track: a field that came later says nothing by default."""
    read = load(name)
    published = (board.PUBLISHED / f"v{read.version}" / name).glob("*/seed0.json")
    for path in published:
        ran = track_settings(Record.load(path))
        assert settings(ran) == settings(track.told(read)), path


def test_a_file_of_ones_own_cannot_pass_for_a_built_in_track(tmp_path: Path) -> None:
    path = tmp_path / "pocket.toml"
    path.write_text((track.TRACKS / "pocket.toml").read_text())
    with pytest.raises(ConfigError, match="'pocket' is a built-in track; give yours another name"):
        track.load(str(path))


def test_the_reference_must_be_one_of_the_methods(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = (track.TRACKS / "pocket.toml").read_text()
    path.write_text(text.replace('reference = "std_cot"', 'reference = "std"'))
    with pytest.raises(ConfigError, match="reference 'std' is none of its methods"):
        track.load(str(path))
