"""Find a checkpoint and load it: what is wrong with it is told in one line, with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from bench.track import AbsentError, ConfigError, Student
from leaderboard.store.reading import nearest

AS_GPT2 = ("gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4")
"""GGUF's names of the way in which GPT-2 cuts text into words."""
DIGITS_APART = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b")
"""Of the same way, after every digit was set apart."""


def find(path: str, revision: str | None, gguf_file: str | None) -> str | None:
    """Check that `path` is a checkpoint: the commit of one on the hub, None for a folder.

    A hub id is looked up in the local cache where the hub cannot be reached. ConfigError says
    what keeps it from being loaded.
    """
    folder = Path(path)
    if gguf_file is not None:
        _check_gguf(path, folder, gguf_file)
    elif not folder.is_dir():
        return _commit(path, revision)
    else:
        _check_folder(path, folder)
    if revision is not None:
        raise ConfigError(
            f"student '{path}' is a folder, which has no revision: leave out student.revision"
        )
    return None


def _check_folder(path: str, folder: Path) -> None:
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


def _check_gguf(path: str, folder: Path, gguf_file: str) -> None:
    if not folder.is_dir():
        raise ConfigError(
            f"student '{path}' is no folder here, and student.gguf_file names a file in one:"
            f" `hf download {path} {gguf_file} --local-dir FOLDER` gets a file of the hub"
        )
    if not (folder / gguf_file).is_file():
        there = sorted(each.name for each in folder.glob("*.gguf"))
        hint = nearest(gguf_file, there) if there else "it has no *.gguf at all"
        raise AbsentError(f"student '{path}': the folder has no file '{gguf_file}'; {hint}")
    if find_spec("gguf") is None:
        raise AbsentError(f"student '{path}': {gguf_file} is read by a package: `pip install gguf`")


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
def told(path: str, gguf_file: str | None = None) -> Iterator[None]:
    """Turn what transformers raises for a checkpoint that it cannot load into a ConfigError."""
    from safetensors import SafetensorError

    known: tuple[type[Exception], ...]
    known = (OSError, ValueError, TypeError, ImportError, SafetensorError)
    if gguf_file is not None:
        known = (Exception,)  # its readers raise whatever comes up, even that
    try:
        yield
    except known as error:
        if gguf_file is None:
            raise ConfigError(f"student '{path}' cannot be loaded: {_fault(error)}") from error
        raise AbsentError(
            f"student '{path}': {gguf_file} is damaged, or of an architecture that transformers"
            f" does not read ({_first_line(error)}); compare its sha256 with that of its page, or"
            " take the model in safetensors"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _fault(error: Exception) -> str:
    said = _first_line(error)
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
    found = _tokenizer(spec, path)
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


def _tokenizer(spec: Student, path: str) -> Any:
    from transformers import AutoTokenizer

    if spec.gguf_file is not None and not (Path(path) / "tokenizer_config.json").is_file():
        return gguf_tokenizer(path, spec.gguf_file)
    with told(path):
        return AutoTokenizer.from_pretrained(
            path, revision=spec.revision, trust_remote_code=spec.trust_remote_code
        )


def gguf_tokenizer(path: str, gguf_file: str) -> Any:
    """The tokenizer that a GGUF file describes, cutting text as its vocabulary was learned."""
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer
    from transformers.integrations.gguf.reader import read_gguf_metadata

    file = _whole_path(path, gguf_file)
    with told(path, gguf_file):
        found = AutoTokenizer.from_pretrained(path, gguf_file=file)
        cut = read_gguf_metadata(file)[0].get("tokenizer.ggml.pre")
    backend = found.backend_tokenizer
    # transformers cuts as GPT-2 does wherever it does not know better, and says nothing.
    as_gpt2 = getattr(backend.pre_tokenizer, "use_regex", False)
    if as_gpt2 and cut in DIGITS_APART:
        digits = pre_tokenizers.Digits(individual_digits=True)
        backend.pre_tokenizer = pre_tokenizers.Sequence([digits, backend.pre_tokenizer])
    elif as_gpt2 and cut not in AS_GPT2:
        raise ConfigError(
            f"student '{path}': {gguf_file} cuts text into words in a way that is not known here"
            f" (tokenizer.ggml.pre: {cut}); put the tokenizer.json and tokenizer_config.json of the"
            " model beside it"
        )
    return found


def _whole_path(path: str, gguf_file: str) -> str:
    """For transformers, which takes a bare name from the working directory if it is there."""
    return str(Path(path).resolve() / gguf_file)


def config(spec: Student, path: str) -> Any:
    """The checkpoint's architecture, as transformers describes it."""
    from transformers import AutoConfig

    with told(path, spec.gguf_file):
        file = spec.gguf_file and _whole_path(path, spec.gguf_file)
        return AutoConfig.from_pretrained(
            path,
            revision=spec.revision,
            gguf_file=file,
            trust_remote_code=spec.trust_remote_code and file is None,
        )


def dropouts(config: Any) -> dict[str, float]:
    """The architecture's own dropouts, each as 0: a run that is cut off goes on as it would have,
    and several processes train as one does."""
    given = vars(config).items()
    return {name: 0.0 for name, value in given if "drop" in name and isinstance(value, float)}


def model(spec: Student, path: str) -> Any:
    """The checkpoint's weights: safetensors, or those of a GGUF file, unpacked. No dropout.

    `spec.revision` must be a commit: at "main", transformers would ask a bot for a conversion of
    other formats, and load what it proposes.
    """
    from transformers import AutoModelForCausalLM

    with told(path, spec.gguf_file):
        both: Any = AutoModelForCausalLM.from_pretrained(
            path,
            revision=spec.revision,
            trust_remote_code=spec.trust_remote_code and spec.gguf_file is None,
            use_safetensors=True,
            **(_unpacked(path, spec.gguf_file) if spec.gguf_file is not None else {}),
            **dropouts(config(spec, path)),
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


def _unpacked(path: str, gguf_file: str) -> dict[str, Any]:
    """Packed weights cannot be trained, and are computed by kernels fetched from the hub."""
    from transformers import GgufConfig

    how = GgufConfig(dequantize=True)
    return {"gguf_file": _whole_path(path, gguf_file), "quantization_config": how}
