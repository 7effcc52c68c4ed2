"""Find a checkpoint and load it: what is wrong with it is told in one line, with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bench.track import ConfigError, Student


def find(path: str, revision: str | None) -> str | None:
    """Check that `path` is a checkpoint: the commit of one on the hub, None for a folder.

    A hub id is looked up in the local cache where the hub cannot be reached. ConfigError says
    what keeps it from being loaded.
    """
    folder = Path(path)
    if not folder.is_dir():
        return _commit(path, revision)
    _check_folder(path, folder, revision)
    return None


def _check_folder(path: str, folder: Path, revision: str | None) -> None:
    if revision is not None:
        raise ConfigError(
            f"student '{path}' is a folder, which has no revision: leave out student.revision"
        )
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"student '{path}': the folder has no config.json; give one in the hub's layout, as"
            " save_pretrained writes it"
        )
    if not any(folder.glob("*.safetensors")):
        raise ConfigError(
            f"student '{path}': the folder has no *.safetensors, and no other format is loaded;"
            " load it elsewhere and save_pretrained it again"
        )


def _commit(path: str, revision: str | None) -> str:
    """Ask for the smallest file: the hub's own errors say what is the matter."""
    from huggingface_hub import errors, hf_hub_download

    at = "" if revision is None else f" at revision '{revision}'"
    try:
        # The cache keeps the files of a commit in a folder of its name.
        return Path(hf_hub_download(path, "config.json", revision=revision)).parent.name
    except errors.HFValidationError as error:
        raise ConfigError(
            f"student '{path}' is neither a folder here nor a hub id: correct student.path"
        ) from error
    except errors.GatedRepoError as error:
        raise ConfigError(
            f"student '{path}' is gated: ask for access on its page, then `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ConfigError(
            f"student '{path}' is neither a folder here nor on the hub: correct student.path, or"
            " `hf auth login` if it is private"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ConfigError(
            f"student '{path}' has no revision '{revision}': correct student.revision"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise ConfigError(
            f"student '{path}'{at} is neither a folder here nor in the local cache, and the hub"
            f" cannot be reached: `hf download {path}` where there is a network, or give"
            " student.path a folder"
        ) from error
    except errors.EntryNotFoundError as error:
        raise ConfigError(
            f"student '{path}'{at} has no config.json: it is no checkpoint of transformers"
        ) from error


@contextmanager
def told(path: str) -> Iterator[None]:
    """Turn what transformers raises for a checkpoint that it cannot load into a ConfigError."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, TypeError, ImportError, SafetensorError) as error:
        raise ConfigError(f"student '{path}' cannot be loaded: {_fault(error)}") from error


def _fault(error: Exception) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if "trust_remote_code" in str(error):
        return (
            "it brings code of its own; read that, and if you trust it, set"
            " student.trust_remote_code = true in the track"
        )
    if "does not appear to have a file named model.safetensors" in said:
        return (
            "it has no safetensors, and no other format is loaded; load it elsewhere and"
            " save_pretrained it again"
        )
    return f"{said}; compare its files with those of its page"


def tokenizer(spec: Student, path: str) -> Any:
    """The checkpoint's tokenizer; it keeps its chat template only if prompts go through it."""
    from transformers import AutoTokenizer

    with told(path):
        found = AutoTokenizer.from_pretrained(
            path, revision=spec.revision, trust_remote_code=spec.trust_remote_code
        )
    if found.eos_token_id is None:
        raise ConfigError(
            f"student '{path}': its tokenizer has no end-of-sequence token, so no answer would"
            " end; add eos_token to its tokenizer_config.json"
        )
    if found.pad_token_id is None:
        found.pad_token_id = found.eos_token_id
    if spec.chat_template and found.chat_template is None:
        raise ConfigError(
            f"student '{path}': its tokenizer has no chat template; set student.chat_template ="
            " false, as for every base model, or give it a chat_template.jinja"
        )
    if not spec.chat_template:
        found.chat_template = None
    return found


def model(spec: Student, path: str) -> Any:
    """The checkpoint's weights, all of them read from safetensors.

    `spec.revision` must be a commit: at "main", transformers would ask a bot for a conversion of
    other formats, and load what it proposes.
    """
    from transformers import AutoModelForCausalLM

    with told(path):
        both: Any = AutoModelForCausalLM.from_pretrained(
            path,
            revision=spec.revision,
            trust_remote_code=spec.trust_remote_code,
            use_safetensors=True,
            dtype=torch.bfloat16 if spec.bf16_weights else torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    found, loaded = both
    unfit = sorted({*loaded["missing_keys"], *(name for name, *_ in loaded["mismatched_keys"])})
    if unfit:
        raise ConfigError(
            f"student '{path}': {len(unfit)} weights are missing, or of another shape than its"
            f" config.json says, such as {unfit[0]}: an incomplete copy, or no language model"
        )
    return found
