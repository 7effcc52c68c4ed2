"""Load a student: a checkpoint by path or hub id, or random weights with a corpus tokenizer."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import tasks
from bench.ground.files import locked, writing
from bench.ground.provenance import digest
from bench.ground.sums import intact, seal
from bench.students import checkpoint, packaged
from bench.track import ConfigError, Scratch
from bench.track import Student as Spec

PACKAGE = Path(tasks.__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Student:
    """A causal language model of transformers with its tokenizer."""

    model: Any
    tokenizer: Any
    revision: str | None = None
    """The commit that was loaded, of a hub id."""

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def context_tokens(self) -> int:
        return self.model.config.max_position_embeddings

    @property
    def shares_beginnings(self) -> bool:
        """Whether what texts begin with alike can be computed once: it keeps keys and values alone.

        The state of a convolution would not survive the padding behind it.
        """
        return attends_to_all(self.model.config)


def attends_to_all(config: Any) -> bool:
    """Whether every layer attends to all tokens before: no convolutions, no windows."""
    windows = getattr(config, "sliding_window", None) is not None
    layers = getattr(config, "layer_types", None) or ["windows" if windows else "full_attention"]
    return set(layers) == {"full_attention"}


DEVICE = "SKBENCH_DEVICE"
"""In the environment: cuda, or cpu."""


def device() -> torch.device:
    """The first accelerator, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_type() -> str:
    """What keys name: the kind of this machine's device, or of the one that does the work, which
    $SKBENCH_DEVICE says where that is another machine."""
    return os.environ.get(DEVICE) or device().type


def checkpoint_path(spec: Spec) -> str:
    """The folder or hub id to load from; ConfigError if a student of the project is missing."""
    assert spec.path is not None
    if spec.path.startswith(packaged.PREFIX):
        return str(packaged.made(spec.path.removeprefix(packaged.PREFIX)))
    if not spec.path.startswith("tasks/"):
        return str(Path(spec.path).expanduser())
    folder = PACKAGE / spec.path
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder}: no checkpoint there; make it with `skbench pretrain`")
    return str(folder)


def load(spec: Spec, *, texts: Iterable[str], home: Path, seed: int) -> Student:
    """The untrained student; `texts` train the tokenizer of one that starts from scratch.

    ConfigError for a checkpoint that is not there, may not be read, or is not whole.
    """
    if spec.scratch is not None:
        return _from_scratch(spec.scratch, list(texts), home, seed)
    path = checkpoint_path(spec)
    commit = checkpoint.find(path, spec.revision, spec.gguf_file)
    pinned = replace(spec, revision=commit)
    tokenizer = checkpoint.tokenizer(pinned, path)
    return Student(checkpoint.model(pinned, path).to(device()), tokenizer, commit)


def _from_scratch(spec: Scratch, texts: list[str], home: Path, seed: int) -> Student:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(scratch_tokenizer(spec, texts, home))
    config = AutoConfig.for_model(
        **spec.config,
        vocab_size=len(tokenizer),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    config.update(checkpoint.dropouts(config))
    torch.manual_seed(seed)
    return Student(AutoModelForCausalLM.from_config(config).to(device()), tokenizer)


def scratch_tokenizer(spec: Scratch, texts: list[str], home: Path) -> Path:
    """A byte-level BPE of the corpus, trained once and kept by the hash of its texts."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    folder = home / "tokenizers" / digest([spec.vocab_size, texts])[:16]
    with locked(folder):
        if not intact(folder):
            bpe = ByteLevelBPETokenizer()
            bpe.train_from_iterator(
                texts,
                vocab_size=spec.vocab_size,
                special_tokens=["<pad>", "<eos>"],
                show_progress=False,
            )
            part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
            with writing(part):
                PreTrainedTokenizerFast(
                    tokenizer_object=bpe._tokenizer, pad_token="<pad>", eos_token="<eos>"
                ).save_pretrained(part)
                seal(part)
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
    return folder


def adapt(student: Student, rank: int | None, alpha: int | None, seed: int) -> Student:
    """Set the seed, then add a LoRA adapter on all linear layers; full fine-tuning without rank."""
    torch.manual_seed(seed)
    if rank is None:
        return student
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(r=rank, lora_alpha=alpha or 2 * rank, target_modules="all-linear")
    return replace(student, model=get_peft_model(student.model, lora))


def recompute_activations(student: Student) -> None:
    """Keep only what enters each layer, and compute the rest again in the backward pass."""
    model = student.model
    if hasattr(model, "activation_checkpointing_enable"):
        model.activation_checkpointing_enable()
    else:  # as older releases of transformers call it
        model.gradient_checkpointing_enable({"use_reentrant": False})


def save(student: Student, folder: Path) -> None:
    """Write adapter or full weights as safetensors, readable by others."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with writing(part):
        student.model.save_pretrained(part)
        for path in part.iterdir():
            path.chmod(0o644)
        seal(part)
    # A run that was killed after this point, and before it noted so, has left its weights here.
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def restore(student: Student, folder: Path) -> Student:
    """The untrained `student` with the trained weights of `folder`, an adapter merged in."""
    if (folder / "adapter_config.json").is_file():
        from peft import PeftModel

        with checkpoint.told(str(folder)):
            model = PeftModel.from_pretrained(student.model, folder).merge_and_unload()
    else:
        with checkpoint.told(str(folder)):
            # Its own class, which may be one that the checkpoint brought along.
            model = type(student.model).from_pretrained(folder, use_safetensors=True)
    return replace(student, model=model.to(student.device))
