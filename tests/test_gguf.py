"""A student in one GGUF file: read to the bit, cut into words as it was taught, run to the end."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf_files
import pytest
import torch
from checkpoints import load
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

from bench import track
from bench.__main__ import main
from bench.batch import encode
from bench.costs.flops import fit_flops
from bench.students import brought, checkpoint
from bench.students import student as students
from bench.students.hashes import checkpoint_sha256
from bench.students.student import Student
from bench.track import AbsentError, ConfigError, Training
from leaderboard.store.record import Record
from tests.tracks import toy_track

NAME = "tiny.F32.gguf"
TRACK = toy_track(
    student={"path": "{folder}", "gguf_file": "{name}"}, training={"learning_rate": 1e-2}
)
LORA = TRACK + "lora_rank = 2\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a GGUF file and nothing else."""
    return gguf_files.write(tmp_path_factory.mktemp("whole") / NAME).parent


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model and tokenizer in the hub's layout."""
    folder = tmp_path_factory.mktemp("plain")
    gguf_files.llama().save_pretrained(folder)
    load_gguf(gguf_files.write(folder / "x.gguf")).tokenizer.save_pretrained(folder)
    (folder / "x.gguf").unlink()
    return folder


def load_gguf(file: Path, **settings: Any) -> Student:
    return load(file.parent, gguf_file=file.name, **settings)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(torch.arange(5, 30)[None]).logits


# ------------------------------------------------------------ what is read


def test_its_weights_are_those_that_were_written(whole: Path) -> None:
    student = load_gguf(whole / NAME)
    assert torch.equal(logits(student.model), logits(gguf_files.llama()))
    assert student.context_tokens == 512 and student.revision is None
    assert {weight.dtype for weight in student.model.parameters()} == {torch.float32}
    half = load_gguf(whole / NAME, bf16_weights=True)
    assert {weight.dtype for weight in half.model.parameters()} == {torch.bfloat16}


def test_a_file_of_the_same_name_in_the_working_directory_is_not_taken(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_bytes(b"GGUF, but not that one")
    monkeypatch.chdir(tmp_path)
    assert torch.equal(logits(load_gguf(whole / NAME).model), logits(gguf_files.llama()))


@pytest.mark.parametrize(
    "text",
    [
        *gguf_files.TEXTS[:2],
        " Therefore, the answer is (B).",
        "  two  spaces \n\n 12\n\n\n3,456.78\t9 ",
        "I'm 7: it's\r\n½ of 中文, é!",
        "",
    ],
)
def test_text_becomes_the_tokens_that_its_vocabulary_was_learned_with_and_comes_back(
    whole: Path, text: str
) -> None:
    tokenizer = load_gguf(whole / NAME).tokenizer
    ids = encode(tokenizer, text)
    assert ids == gguf_files.bpe().encode(text).ids
    assert tokenizer.decode(ids) == text


def test_special_tokens_and_the_chat_template_are_those_of_the_file(whole: Path) -> None:
    tokenizer = load_gguf(whole / NAME, chat_template=True).tokenizer
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
    ids = encode(tokenizer, "Hi")
    assert ids[0] == 1 and ids.count(1) == 2 and ids.count(2) == 1  # no BOS but the template's
    assert tokenizer.decode(ids) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert load_gguf(whole / NAME).tokenizer.chat_template is None


def test_a_vocabulary_learned_as_gpt2_learned_its_own_is_read_so(tmp_path: Path) -> None:
    tokenizer = load_gguf(gguf_files.write(tmp_path / NAME, pre="gpt-2")).tokenizer
    assert isinstance(tokenizer.backend_tokenizer.pre_tokenizer, pre_tokenizers.ByteLevel)


@pytest.mark.parametrize("pre", ["never-heard-of", None])
def test_a_vocabulary_that_would_be_read_wrongly_is_refused_until_its_tokenizer_lies_beside(
    pre: str | None, tmp_path: Path, plain: Path
) -> None:
    file = gguf_files.write(tmp_path / NAME, pre=pre)
    with pytest.raises(
        ConfigError, match=rf"ggml\.pre: {pre}\); put the tokenizer\.json"
    ) as caught:
        load_gguf(file)
    assert "\n" not in str(caught.value)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(plain / name, tmp_path / name)
    text = gguf_files.TEXTS[1]
    assert encode(load_gguf(file).tokenizer, text) == gguf_files.bpe().encode(text).ids


def test_only_the_file_that_is_loaded_counts_in_the_hash(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(whole, folder)
    (folder / "README.md").write_text("a card")
    (folder / "other.gguf").write_bytes(b"other")
    assert checkpoint_sha256(str(folder), NAME) == checkpoint_sha256(str(whole), NAME)
    assert checkpoint_sha256(str(folder), "other.gguf") != checkpoint_sha256(str(folder), NAME)
    (folder / NAME).write_bytes(b"another")
    assert checkpoint_sha256(str(folder), NAME) != checkpoint_sha256(str(whole), NAME)


def test_flops_are_those_of_the_same_model_in_safetensors(whole: Path, plain: Path) -> None:
    assert fit_flops(load_gguf(whole / NAME).model) == fit_flops(load(plain).model)


# ------------------------------------------------------------ trained and judged


@pytest.mark.parametrize("rank", [2, None])
def test_what_was_trained_on_it_is_restored_onto_it(
    whole: Path, tmp_path: Path, rank: int | None
) -> None:
    adapted = students.adapt(load_gguf(whole / NAME), rank, None, seed=0)
    torch.manual_seed(1)
    for weight in adapted.model.parameters():
        if weight.requires_grad:
            weight.data.add_(0.1 * torch.randn_like(weight))
    students.save(adapted, tmp_path / "weights")
    again = students.restore(load_gguf(whole / NAME), tmp_path / "weights")
    torch.testing.assert_close(logits(again.model), logits(adapted.model), rtol=0, atol=1e-4)
    assert not torch.allclose(logits(again.model), logits(gguf_files.llama()), atol=1e-2)


@pytest.fixture
def tracks(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two tracks of the file, as if they were built in."""
    folder = tmp_path / "tracks"
    folder.mkdir()
    (folder / "lora.toml").write_text(LORA.format(folder=whole, name=NAME))
    (folder / "full.toml").write_text(TRACK.format(folder=whole, name=NAME))
    monkeypatch.setattr(track, "TRACKS", folder)
    yield folder


def test_it_runs_from_end_to_end_and_what_it_became_is_exported_and_judged_alike(
    tracks: Path, home: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "lora", "--limit", "2", "--dry-run"]) == 0
    assert "stands in" not in capsys.readouterr().out  # its own tokenizer counts
    assert main(["run", "lora", "--limit", "2"]) == 0
    (path,) = (home / "records").rglob("seed0*.json")
    record = Record.load(path)
    assert record.provenance["student_sha256"] == checkpoint_sha256(str(whole), NAME)
    assert record.training is not None and record.training.n_steps > 0
    (run,) = (each.parent for each in (home / "runs").rglob("trained.json"))

    merged, adapter = tmp_path / "merged", tmp_path / "adapter"
    assert main(["export-student", str(run), str(merged), "--merge"]) == 0
    assert main(["export-student", str(run), str(adapter)]) == 0
    assert f"(its file `{NAME}`), sha256 of its files" in (merged / "README.md").read_text()
    assert AutoTokenizer.from_pretrained(merged)("1\n\n2").input_ids == (
        gguf_files.bpe().encode("1\n\n2").ids
    )
    found = track.load("lora")
    texts: Any = None  # of the corpus, which no student with weights asks for
    by_adapter = brought.load(brought.find(str(adapter)), found, texts, seed=0)
    by_merging = brought.load(brought.find(str(merged)), found, texts, seed=0)
    torch.testing.assert_close(
        logits(by_adapter.model), logits(by_merging.model), rtol=0, atol=1e-5
    )
    assert not torch.allclose(logits(by_merging.model), logits(gguf_files.llama()), atol=1e-3)

    capsys.readouterr()
    words = ["evaluate", "--student", str(merged), "--method", "std_cot", "--track", "lora"]
    assert main([*words, "--limit", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    (judged,) = (home / "records" / "v1" / "lora.own").rglob("seed0*.json")
    assert Record.load(judged).data_sets == record.data_sets


def test_the_same_run_again_is_found_and_another_file_is_another_run(
    tracks: Path, home: Path, whole: Path, tmp_path: Path
) -> None:
    words = ["run", "full", "--limit", "2"]
    assert main(words) == 0
    (path,) = (home / "records").rglob("seed0*.json")
    before = path.stat().st_mtime_ns
    assert main(words) == 0
    assert path.stat().st_mtime_ns == before
    other = tmp_path / "other"
    shutil.copytree(whole, other)
    with (other / NAME).open("ab") as file:
        file.write(bytes(32))
    (tracks / "full.toml").write_text(TRACK.format(folder=other, name=NAME))
    assert main(words) == 0
    assert len(list((home / "runs").rglob("trained.json"))) == 2


# ------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("student", "fault"),
    [
        ('path = "x"\ngguf_file = "sub/x.gguf"', "the bare name of a file in student.path"),
        ('path = "x"\ngguf_file = "x.bin"', "student.gguf_file: .*.gguf"),
        ('path = "x"\ngguf_file = 3', "student.gguf_file .*, got 3"),
        ('path = "x"\ngguf = "x.gguf"', "'student.gguf'.*'gguf_file'"),
    ],
)
def test_a_track_names_the_file_plainly(student: str, fault: str, tmp_path: Path) -> None:
    text = TRACK.replace('path = "{folder}"\ngguf_file = "{name}"', student)
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=fault):
        track.load(str(tmp_path / "mine.toml"))


def test_a_file_that_is_not_there_is_told_with_the_nearest(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match=rf"no file 'tiny\.gguf'; did you mean '{NAME}'"):
        load_gguf(whole / "tiny.gguf")
    with pytest.raises(AbsentError, match=r"no file 'x\.gguf'; it has no \*\.gguf at all"):
        load_gguf(tmp_path / "x.gguf")


def test_a_file_of_the_hub_is_to_be_downloaded_first() -> None:
    with pytest.raises(ConfigError, match=r"`hf download org/x x\.gguf --local-dir FOLDER`"):
        load("org/x", gguf_file="x.gguf")


def test_a_revision_goes_with_no_file(whole: Path) -> None:
    with pytest.raises(ConfigError, match=r"student\.revision"):
        load_gguf(whole / NAME, revision="v2")


def test_without_the_package_that_reads_it_the_command_that_gets_it_is_told(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "find_spec", lambda name: None)
    with pytest.raises(AbsentError, match="`pip install gguf`"):
        load_gguf(whole / NAME)


def cut_to(share: float) -> Callable[[bytes], bytes]:
    return lambda whole: whole[: int(share * len(whole))]


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda whole: whole.replace(old, new, 1)


@pytest.mark.parametrize(
    "damage",
    [
        *(cut_to(share) for share in (0.0, 1e-4, 0.01, 0.2, 0.9)),
        swap(b"GGUF", b"GGML"),
        swap(b"tokenizer.ggml.merges", b"tokenizer.ggml.mergez"),
        swap(b"general.architecture", b"general.architectura"),
        swap("Ġ".encode(), b"\xff\xff"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(
    whole: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    (tmp_path / NAME).write_bytes(damage((whole / NAME).read_bytes()))
    with pytest.raises(AbsentError, match=rf"{NAME} is damaged, or of an .*sha256") as caught:
        load_gguf(tmp_path / NAME)
    assert "\n" not in str(caught.value)


def test_an_architecture_that_cannot_be_read_and_a_tensor_that_is_not_there_are_told(
    tmp_path: Path,
) -> None:
    odd = gguf_files.write(tmp_path / "odd.gguf", architecture="perceptron")
    with pytest.raises(AbsentError, match=r"odd\.gguf.*perceptron"):
        load_gguf(odd)
    part = gguf_files.write(tmp_path / "part.gguf", drop="blk.0.attn_q.weight")
    with pytest.raises(ConfigError, match=r"0\.self_attn\.q_proj\.weight"):
        load_gguf(part)


def test_a_run_that_cannot_read_its_file_ends_with_3_before_any_training(
    tracks: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / NAME).write_bytes(b"GGUF")
    (tracks / "full.toml").write_text(TRACK.format(folder=tmp_path, name=NAME))
    assert main(["run", "full", "--limit", "2"]) == 3
    assert NAME in capsys.readouterr().err
    assert not list((home / "runs").rglob("*.json"))


def test_the_training_of_a_track_may_hold_its_weights_in_half_the_memory() -> None:
    spec = track.Student(path="x", gguf_file="x.gguf", bf16_weights=True)
    assert not list(track._student_faults(spec, Training(1, 1, 1e-3, lora_rank=2)))
