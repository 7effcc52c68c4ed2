"""A real server of raw files on the loopback, with faults to be told before each answer."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


class Mirror(ThreadingHTTPServer):
    """Serves `files` by decoded path; each path's `faults` are used up one by one.

    A number is a status; "half" closes after half of what was to come, "unmeasured" does so
    without a Content-Length, "hang" stops there until `released`.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.faults: dict[str, list[int | str]] = defaultdict(list)
        self.asked: list[str] = []
        """Path of every GET."""
        self.hanging, self.released = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that were killed are no news."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Mirror]:
    with Mirror(files) as mirror:
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.released.set()
            mirror.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Any  # a Mirror
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._head(200, 0)

    def do_GET(self) -> None:
        path = unquote(self.path.removeprefix("/"))
        self.server.asked.append(path)
        faults = self.server.faults[path]
        fault = faults.pop(0) if faults else ""
        body = self.server.files.get(path)
        if isinstance(fault, int) or body is None:
            return self._head(fault or 404, 0)
        self._head(200, None if fault == "unmeasured" else len(body))
        self._send(body, fault)

    def _head(self, status: Any, length: int | None) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Retry-After", "0")
        self.end_headers()

    def _send(self, body: bytes, fault: int | str) -> None:
        if fault not in ("half", "unmeasured", "hang"):
            self.wfile.write(body)
            return
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True
        if fault == "hang":
            self.server.hanging.set()
            self.server.released.wait()
