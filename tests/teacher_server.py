"""A real server of a tiny model, and a proxy before it that injects faults and right answers."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = "skbench/tiny"
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
KEY = "sk-a-key-that-must-not-be-written"


def make_model(folder: Path, *, chat: bool = True) -> Path:
    """A one-layer Llama with random weights that reads and writes bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<eos>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")
    fast.chat_template = CHAT_TEMPLATE if chat else None
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
        initializer_range=0.5,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def serving(home: Path) -> Iterator[str]:
    """The URL of `transformers serve` on loopback, the tiny model in a hub cache below `home`."""
    repository = home / "hub" / f"models--{MODEL.replace('/', '--')}"
    revision = "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    make_model(repository / "snapshots" / revision)
    port = free_port()
    command = [Path(sys.executable).with_name("transformers"), "serve", MODEL, "--device", "cpu"]
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("HF_HUB_CACHE", None)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, home / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(3000):
        assert process.poll() is None, log.read_text()
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(url),
        ):
            return
        time.sleep(0.1)
    raise AssertionError(f"the server is not up after five minutes: {log.read_text()}")


Fault = str
"""429, 500, cut, drop, slow, garbage, html, error; "" for none."""


class Quiet(ThreadingHTTPServer):
    """Says nothing of connections that break, as they do when an asker is killed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None: ...


class Proxy:
    """Forwards to `upstream`; `fault(prompt, attempt)` breaks a reply, `answer` rewrites it."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.fault: Callable[[str, int], Fault] = lambda prompt, attempt: ""
        self.answer: Callable[[str, int], str | None] = lambda prompt, n: None
        self.attempts = Counter[str]()
        self.answered = Counter[str]()
        """Prompts that a whole reply was sent for."""
        self.keys = set[str]()
        self.requests = list[dict[str, Any]]()
        self.lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler) -> None:  # noqa: N805
                self.handle(handler)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        if handler.command == "GET":
            status, reply = self.forward(handler.path, None)
            return send(handler, status, reply)
        asked = json.loads(body)
        prompt = asked["messages"][0]["content"]
        with self.lock:
            attempt = self.attempts[prompt]
            self.attempts[prompt] += 1
            self.keys.add(handler.headers.get("authorization", ""))
            self.requests.append(asked)
        fault = self.fault(prompt, attempt)
        if fault in BROKEN:
            return BROKEN[fault](handler)
        if fault == "slow":
            time.sleep(3)
        status, reply = self.forward(handler.path, body)
        with self.lock:
            n = self.answered[prompt]
            self.answered[prompt] += 1
        if status == 200 and (text := self.answer(prompt, n)) is not None:
            reply = replaced(reply, text)
        send(handler, status, reply)

    def forward(self, path: str, body: bytes | None) -> tuple[int, bytes]:
        url = self.upstream.removesuffix("/v1") + path
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request) as found:
                return found.status, found.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def replaced(reply: bytes, text: str) -> bytes:
    """The server's reply with another text that was not cut."""
    found = json.loads(reply)
    found["choices"][0]["message"]["content"] = text
    found["choices"][0]["finish_reason"] = "stop"
    return json.dumps(found).encode()


def send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    *,
    kind: str = "application/json",
    missing: int = 0,
    **headers: str,
) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionError):  # its asker lost patience
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(body) + missing))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = handler.close_connection or bool(missing)


def drop(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)


def error(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    body = json.dumps({"error": {"message": f"a fault, {KEY}"}}).encode()
    return lambda handler: send(handler, status, body, **headers)


BROKEN: dict[Fault, Callable[[BaseHTTPRequestHandler], None]] = {
    "429": error(429, retry_after="0.3"),
    "429 for an hour": error(429, retry_after="3600"),
    "500": error(500),
    "401": error(401),
    "404": error(404),
    "400": error(400),
    "drop": drop,
    "cut": lambda handler: send(handler, 200, b'{"choices": [', missing=50),
    "garbage": lambda handler: send(handler, 200, b'{"choices": [{"mess'),
    "html": lambda handler: send(handler, 200, b"<html>busy</html>", kind="text/html"),
    "hollow": lambda handler: send(handler, 200, b'{"error": {"message": "no"}}'),
}
PASSING = ("429", "500", "drop", "cut", "garbage", "html", "hollow")


def question_of(prompt: str) -> str:
    """The question that a prompt asks about."""
    found = re.search(r"^Question: (.*)$", prompt, re.MULTILINE)
    assert found is not None
    return found[1]
