"""Load a student: a checkpoint by path or hub id, or random weights with a corpus tokenizer."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import tasks
from bench.files import locked
from bench.provenance import digest
from bench.track import ConfigError, Scratch
from bench.track import Student as Spec

PACKAGE = Path(tasks.__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Student:
    """A causal language model of transformers with its tokenizer."""

    model: Any
    tokenizer: Any

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def context_tokens(self) -> int:
        return self.model.config.max_position_embeddings


def device() -> torch.device:
    """The first accelerator, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def checkpoint_path(spec: Spec) -> str:
    """The folder or hub id to load from; ConfigError if a folder of the project is missing."""
    assert spec.path is not None
    if not spec.path.startswith("tasks/"):
        return spec.path
    folder = PACKAGE / spec.path
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder}: no checkpoint there; make it with `skbench pretrain`")
    return str(folder)


def load(spec: Spec, *, texts: Iterable[str], home: Path, seed: int) -> Student:
    """The untrained student; `texts` train the tokenizer of one that starts from scratch."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    if spec.scratch is not None:
        folder = _scratch_tokenizer(spec.scratch, list(texts), home)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        config = AutoConfig.for_model(
            **spec.scratch.config,
            vocab_size=len(tokenizer),
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
        torch.manual_seed(seed)
        return Student(AutoModelForCausalLM.from_config(config).to(device()), tokenizer)
    path = checkpoint_path(spec)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        model: Any = AutoModelForCausalLM.from_pretrained(
            path, use_safetensors=True, dtype=torch.float32
        )
    except OSError as error:
        raise ConfigError(
            f"student '{path}' cannot be loaded: {str(error).splitlines()[0]} A gated model needs"
            " `hf auth login`; without a hub, give the path of a local folder"
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = tokenizer.eos_token_id
    return Student(model.to(device()), tokenizer)


def _scratch_tokenizer(spec: Scratch, texts: list[str], home: Path) -> Path:
    """A byte-level BPE of the corpus, trained once and kept by the hash of its texts."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    folder = home / "tokenizers" / digest([spec.vocab_size, texts])[:16]
    with locked(folder):
        if not (folder / "tokenizer.json").is_file():
            bpe = ByteLevelBPETokenizer()
            bpe.train_from_iterator(
                texts,
                vocab_size=spec.vocab_size,
                special_tokens=["<pad>", "<eos>"],
                show_progress=False,
            )
            part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
            PreTrainedTokenizerFast(
                tokenizer_object=bpe._tokenizer, pad_token="<pad>", eos_token="<eos>"
            ).save_pretrained(part)
            part.rename(folder)
    return folder


def adapt(student: Student, rank: int | None, alpha: int | None, seed: int) -> Student:
    """Set the seed, then add a LoRA adapter on all linear layers; full fine-tuning without rank."""
    torch.manual_seed(seed)
    if rank is None:
        return student
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(r=rank, lora_alpha=alpha or 2 * rank, target_modules="all-linear")
    return Student(get_peft_model(student.model, lora), student.tokenizer)


def save(student: Student, folder: Path) -> None:
    """Write adapter or full weights as safetensors, readable by others."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    student.model.save_pretrained(part)
    for path in part.iterdir():
        path.chmod(0o644)
    # A run that was killed after this point, and before it noted so, has left its weights here.
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def restore(student: Student, folder: Path) -> Student:
    """The untrained `student` with the trained weights of `folder`, an adapter merged in."""
    from transformers import AutoModelForCausalLM

    if (folder / "adapter_config.json").is_file():
        from peft import PeftModel

        model = PeftModel.from_pretrained(student.model, folder).merge_and_unload()
    else:
        model: Any = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    return Student(model.to(student.device), student.tokenizer)
