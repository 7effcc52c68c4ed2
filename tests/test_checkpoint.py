"""Checkpoints that cannot be loaded: refused in one line, with what to do.

The hub is a cache in its layout, or a server on this machine that answers as the hub does.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub.constants as hub
import pytest
import torch
from checkpoints import COMMIT, copy, into_cache, load, logits, save
from transformers.utils import hub as transformers_hub

from bench.students import student as students
from bench.students.hashes import checkpoint_sha256
from bench.track import ConfigError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that lacks nothing."""
    return save(tmp_path_factory.mktemp("checkpoints") / "whole", "llama")


@pytest.fixture(autouse=True)
def offline_cache(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub.HF_HUB_OFFLINE
    into_cache(whole, tmp_path / "hub", "tiny-llama")
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def broken(whole: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the folder without the files of `drop`, and with `config` changed."""

    def broken(*drop: str, **config: Any) -> Path:
        return copy(whole, tmp_path / "broken", *drop, **config)

    return broken


@pytest.mark.parametrize(
    ("drop", "config", "fault"),
    [
        (["config.json"], {}, "the folder has no config.json"),
        (["*.safetensors"], {}, "the folder has no .*safetensors, and no other format is loaded"),
        (["model-00001*"], {}, "cannot be loaded: .*model-00001.*compare its files"),
        (["tokenizer*"], {}, "cannot be loaded: "),
        (
            [],
            {"num_hidden_layers": 3},
            r"9 weights are missing, .* model.layers.2\.input_layernorm",
        ),
        ([], {"hidden_size": 64}, r"21 weights are missing, or of another shape"),
        ([], {"model_type": "zzz"}, "does not recognize this architecture"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_with_what_to_do(
    broken: Callable[..., Path], drop: list[str], config: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        load(broken(*drop, **config))
    assert "\n" not in str(caught.value)


def test_a_file_cut_short_is_refused(broken: Callable[..., Path]) -> None:
    folder = broken()
    path = min(folder.glob("model-*.safetensors"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(folder)


def test_a_pickled_checkpoint_is_never_opened(broken: Callable[..., Path]) -> None:
    folder = broken("*.safetensors", "*.index.json")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(ConfigError, match=r"\*\.safetensors"):
        load(folder)


@pytest.mark.parametrize(
    ("path", "settings", "fault"),
    [
        ("org/absent", {}, "neither a folder here nor in the local cache, and the hub cannot be"),
        ("org/tiny-llama", {"revision": "v2"}, "at revision 'v2' is neither .* `hf download"),
        ("/no/such/folder", {}, "is neither a folder here nor a hub id: correct student.path"),
        ("org/tiny-llama", {"chat_template": True}, "its tokenizer has no chat template"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(path: str, settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        load(path, **settings)


def test_a_revision_of_a_folder_is_refused(whole: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder, .*leave out student\.revision"):
        load(whole, revision=COMMIT)


def test_a_tokenizer_without_an_end_of_sequence_is_refused(broken: Callable[..., Path]) -> None:
    folder = broken()
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("eos_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match="no end-of-sequence token"):
        load(folder)


def test_code_that_runs_is_part_of_what_a_checkpoint_is(broken: Callable[..., Path]) -> None:
    folder = broken()
    before = [checkpoint_sha256(str(folder), code=code) for code in (False, True)]
    (folder / "own_model.py").write_text("x = 1\n")
    after = [checkpoint_sha256(str(folder), code=code) for code in (False, True)]
    assert before[0] == after[0] and before[1] != after[1]


def test_an_architecture_s_dropout_is_off(broken: Callable[..., Path]) -> None:
    found = load(broken(attention_dropout=0.3, hidden_act="silu"))
    assert found.model.config.attention_dropout == 0.0
    assert {layer.self_attn.attention_dropout for layer in found.model.model.layers} == {0.0}


MODELING = """
from transformers import LlamaConfig, LlamaForCausalLM
class OwnConfig(LlamaConfig):
    model_type = "own-llama"
class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""


def test_code_that_a_checkpoint_brings_runs_only_if_the_track_trusts_it(
    broken: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = {
        "AutoConfig": "own_model.OwnConfig",
        "AutoModelForCausalLM": "own_model.OwnForCausalLM",
    }
    folder = broken(model_type="own-llama", auto_map=names)
    (folder / "own_model.py").write_text(MODELING)
    with pytest.raises(ConfigError, match=r"read that, .*student\.trust_remote_code = true"):
        load(folder)
    student = load(folder, trust_remote_code=True)
    assert type(student.model).__name__ == "OwnForCausalLM"
    students.save(student, tmp_path / "weights")
    again = students.restore(student, tmp_path / "weights")
    assert torch.equal(logits(again), logits(student))


# ------------------------------------------------------------ a hub that answers

ANSWERS: Mapping[str, tuple[int, str]] = {
    "gated": (403, "GatedRepo"),
    "private": (404, "RepoNotFound"),
    "other-revision": (404, "RevisionNotFound"),
    "no-config": (404, "EntryNotFound"),
}


class Hub(BaseHTTPRequestHandler):
    """Answers by the repository's name; `pickled` has a config and a tokenizer, and no weights."""

    files: Path

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        name, body = self.path.split("/")[2], b""
        status, code = ANSWERS.get(name, (404, "EntryNotFound"))
        path = self.files / self.path.rpartition("/")[2]
        if name == "pickled" and path.is_file() and path.suffix == ".json":
            status, code, body = 200, "", path.read_bytes()
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{path.name}"')
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@pytest.fixture
def answering_hub(
    broken: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    handler = type("Handler", (Hub,), {"files": broken("*.safetensors", "*.index.json")})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "ENDPOINT", address)
    monkeypatch.setattr(transformers_hub, "_hf_api", None, raising=False)  # made anew for ENDPOINT
    monkeypatch.setattr(hub, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "empty"))
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("gated", "is gated: ask for access on its page, then `hf auth login`"),
        ("private", "neither a folder here nor on the hub: .*`hf auth login` if it is private"),
        ("other-revision", r"has no revision 'v2': correct student\.revision"),
        ("no-config", "at revision 'v2' has no config.json: it is no checkpoint of transformers"),
        ("pickled", "cannot be loaded: it has no safetensors, and no other format is loaded"),
    ],
)
def test_what_the_hub_refuses_is_told_with_what_to_do(
    answering_hub: None, name: str, fault: str
) -> None:
    revision = None if name == "pickled" else "v2"
    with pytest.raises(ConfigError, match=fault):
        load(f"org/{name}", revision=revision)
