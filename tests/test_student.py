"""Students in the hub's layout, by folder and by hub id: loaded, addressed, trained, loaded again.

Every weight here is random and made on the spot; the hub is a cache in its layout.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants as hub
import pytest
import torch
import torch.utils.checkpoint
from checkpoints import ARCHITECTURES, COMMIT, PROMPT, copy, into_cache, load, logits, save
from conftest import MUTE, _tokenizer
from transformers import AutoTokenizer

from bench import registry
from bench.__main__ import main
from bench.batch import encode, tokenize
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.students import student as students
from bench.students.generate import Generator
from bench.students.student import Student
from bench.track import Decoding, Scratch, Training
from bench.track import Student as Spec
from bench.training.train import train
from bench.types import Example, Pair, Question
from tests.tracks import toy_track

CHAT = (
    "{% for turn in messages %}<{{ turn.role }}>{{ turn.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of each architecture."""
    root = tmp_path_factory.mktemp("checkpoints")
    for name in ARCHITECTURES:
        save(root / name, name)
    return root


@pytest.fixture(scope="module")
def cache(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    for name in ARCHITECTURES:
        into_cache(folders / name, root, f"tiny-{name}")
    return root


@pytest.fixture(autouse=True)
def offline_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub.HF_HUB_OFFLINE
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(cache))


# ------------------------------------------------------------ what loads


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_a_folder_and_a_hub_id_are_one_student(folders: Path, architecture: str) -> None:
    assert len(list((folders / architecture).glob("model-*.safetensors"))) > 1
    by_folder, by_id = load(folders / architecture), load(f"org/tiny-{architecture}")
    assert torch.equal(logits(by_folder), logits(by_id))
    assert type(by_id.model).__name__.lower() == f"{architecture}forcausallm"
    assert by_id.revision == COMMIT and by_folder.revision is None
    assert torch.equal(logits(load(f"org/tiny-{architecture}", revision=COMMIT)), logits(by_id))
    assert next(by_id.model.parameters()).dtype == torch.float32


def test_weights_are_held_in_half_the_memory_where_the_track_says_so(folders: Path) -> None:
    half = load(folders / "qwen2", bf16_weights=True)
    assert {weight.dtype for weight in half.model.parameters()} == {torch.bfloat16}
    adapted = students.adapt(half, 4, None, seed=0)
    trained = [w for w in adapted.model.parameters() if w.requires_grad]
    assert trained and {weight.dtype for weight in trained} == {torch.float32}


def test_a_tokenizer_without_padding_pads_with_its_end_of_sequence(
    folders: Path, tmp_path: Path
) -> None:
    folder = copy(folders / "llama", tmp_path / "copy")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = load(folder).tokenizer
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == _tokenizer().eos_token_id


# ------------------------------------------------------------ trained, and loaded again


def trained(spec: Spec, corpus: Corpus, out: Path, **budget: Any) -> tuple[Student, list[float]]:
    """The student after three steps, as it stands in memory, and its losses."""
    method = registry.configure_named("std_cot")
    examples = attach.examples(corpus, method.needs, 0)
    student = students.load(spec, texts=(), home=out, seed=0)
    training = Training(epochs=1, batch_size=4, learning_rate=1e-2, **budget)
    kept = dict[str, Student]()
    real_save = students.save

    def remember(student: Student, folder: Path) -> None:
        kept["student"] = student
        real_save(student, folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(students, "save", remember)
        progress = train(method, examples, student, training, MUTE, seed=0, out=out, total=3)
    return kept["student"], progress.losses


@pytest.mark.parametrize("rank", [4, None], ids=["lora", "full"])
@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_what_was_trained_on_a_hub_id_comes_back_with_identical_outputs(
    tmp_path: Path, toy_corpus: Corpus, architecture: str, rank: int | None
) -> None:
    spec = Spec(path=f"org/tiny-{architecture}")
    student, _ = trained(spec, toy_corpus, tmp_path, lora_rank=rank)
    before = logits(students.load(spec, texts=(), home=tmp_path, seed=0))
    after = logits(student)
    assert not torch.allclose(before, after, atol=1e-3), "training changed nothing"
    fresh = students.load(spec, texts=(), home=tmp_path, seed=0)
    found = students.restore(fresh, tmp_path / "weights")
    assert (tmp_path / "weights" / "adapter_config.json").is_file() == (rank is not None)
    if rank is None:
        assert torch.equal(logits(found), after)
    else:
        from peft import PeftModel

        assert torch.allclose(logits(found), after, atol=1e-4)
        fresh = students.load(spec, texts=(), home=tmp_path, seed=0)
        unmerged = PeftModel.from_pretrained(fresh.model, tmp_path / "weights")
        assert torch.equal(logits(Student(unmerged, fresh.tokenizer)), after)


@pytest.mark.parametrize("rank", [4, None], ids=["lora", "full"])
def test_recomputed_activations_change_no_loss(
    tmp_path: Path, toy_corpus: Corpus, rank: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = list[int]()
    real = torch.utils.checkpoint.checkpoint
    for module in list(sys.modules.values()):
        if getattr(module, "checkpoint", None) is real:
            monkeypatch.setattr(
                module, "checkpoint", lambda *a, **k: calls.append(1) or real(*a, **k)
            )
    spec = Spec(path="org/tiny-qwen2")
    _, plain = trained(spec, toy_corpus, tmp_path / "plain", lora_rank=rank)
    assert not calls
    _, again = trained(
        spec, toy_corpus, tmp_path / "again", lora_rank=rank, gradient_checkpointing=True
    )
    assert calls, "nothing was computed again"
    assert again == pytest.approx(plain, rel=1e-6)


LEAN = {"lora_rank": 2, "precision": "bf16", "gradient_checkpointing": True}
TRACK = toy_track(
    student={"path": "org/tiny-qwen2", "bf16_weights": True}, training={"batch_size": 2} | LEAN
)


def test_a_hub_id_runs_from_end_to_end_and_its_record_names_the_commit(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TRACK)
    assert main(["run", str(path), "--limit", "2", "--json"]) == 0
    (record,) = (home / "records").rglob("*.json")
    told = json.loads(record.read_text())
    assert told["provenance"]["student_revision"] == COMMIT
    student = told["snapshot"]["track"]["student"]
    assert student["path"] == "org/tiny-qwen2" and student["chat_template"] is False
    assert told["training"]["n_steps"] == 2


# ------------------------------------------------------------ chat


@pytest.fixture
def chat(folders: Path, tmp_path: Path) -> Path:
    """A student of letters and few words, that knows how it is addressed."""
    folder = copy(folders / "llama", tmp_path / "chat", "tokenizer*")
    letters = students.scratch_tokenizer(Scratch({}, 300), [PROMPT], tmp_path)
    AutoTokenizer.from_pretrained(letters).save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(CHAT)
    return folder


def test_a_prompt_is_one_turn_of_a_user_with_the_answer_opened(chat: Path) -> None:
    tokenizer = load(chat, chat_template=True).tokenizer
    assert tokenizer.decode(encode(tokenizer, PROMPT)) == f"<user>{PROMPT}<assistant>"


def test_a_prompt_of_the_training_is_the_prompt_of_the_test_in_chat_too(chat: Path) -> None:
    student = load(chat, chat_template=True)
    made = tokenize(student.tokenizer, Pair(PROMPT, " Four.", teacher_prompt=f"Shown.{PROMPT}"))
    asked = encode(student.tokenizer, PROMPT)
    assert (made.prompt + made.target)[: len(asked)] == asked
    shown = student.tokenizer.decode(made.prompt + made.target[:-1])
    assert shown == f"<user>{PROMPT}<assistant> Four."
    taught = student.tokenizer.decode(made.teacher_prompt)
    assert taught == f"<user>Shown.{PROMPT}<assistant>"
    (done,) = Generator(student, Decoding(max_new_tokens=2)).complete([PROMPT])
    assert done.n_prompt == len(asked)


def test_what_ends_a_turn_ends_what_an_addressed_student_writes(chat: Path) -> None:
    for student, n in ((load(chat), 4), (load(chat, chat_template=True), 1)):
        asked, four = encode(student.tokenizer, PROMPT), Decoding(max_new_tokens=4)
        (told,) = Generator(student, four).write([asked])
        student.model.generation_config.eos_token_id = told[:1]
        (found,) = Generator(student, four).complete([PROMPT])
        assert (len(told), found.n_generated) == (4, n)


def test_a_base_model_is_not_addressed_though_its_tokenizer_has_a_template(chat: Path) -> None:
    tokenizer = load(chat).tokenizer
    assert tokenizer.decode(encode(tokenizer, PROMPT)) == PROMPT


def test_every_method_is_asked_in_chat_as_it_was_trained(chat: Path, toy_corpus: Corpus) -> None:
    """The prompts of a program that reads its own words again are turns of a user as well."""
    tokenizer = load(chat, chat_template=True).tokenizer
    method = registry.configure_named("cascod")
    (example, *_) = attach.examples(toy_corpus, method.needs, 0)
    prompts = list(asked(method, example))
    trained_on = [tokenize(tokenizer, pair).prompt for pair in method.pairs(example, 0.999)]
    assert [encode(tokenizer, prompt) for prompt in prompts] == trained_on and len(prompts) == 2


def asked(method: Any, example: Example) -> Iterator[str]:
    """The prompts of the method's program, each answered with the target trained for it."""
    targets = {pair.prompt: pair.target for pair in method.pairs(example, 0.999)}
    program = method.solve(Question(example.id, example.task, example.text, example.options))
    prompt = next(program)
    while True:
        yield prompt
        try:
            prompt = program.send(targets[prompt])
        except StopIteration:
            return
