"""Download the published data: in parallel, checked, going on with what is missing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, IncompleteRead, MaxRetryError
from urllib3.util import Retry

from bench.cli.sources import Source
from bench.ground.bars import Bar
from bench.ground.files import locked, write_atomically

GITHUB = "https://raw.githubusercontent.com"
N_THREADS = 4
TIMEOUT_S = (10, 30)
"""To connect; between two reads."""
RETRIES = Retry(
    total=5,
    connect=2,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
    retry_after_max=120,
)
"""Of a request, and of the cuts in one file; waits 0, 1, 2, 4, 8 s, or as long as a server asks."""


class FetchError(RuntimeError):
    """What stops all downloads: no server, or a folder that cannot be written."""


class WrongContentError(RuntimeError):
    """A server's file that is not the one asked for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be had."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a fetch did."""

    n_fetched: int
    failures: list[Failure]


def fetch(folder: Path, table: Sequence[Source], base: str) -> Outcome:
    """Bring the folder's files to what the table says; those that are right stay untouched.

    A file appears under its name only once its sha256 is right; none is above a few MB, so one
    that was cut off is asked for whole. A file that cannot be had does not stop the others.
    FetchError if the server cannot be reached or the folder not be written.
    """
    if not _wanted(folder, table):
        return Outcome(0, [])
    try:
        with locked(folder):
            return _fetch(folder, _wanted(folder, table), base)
    except OSError as error:
        raise FetchError(f"{folder}: cannot be written: {error}") from error


def _wanted(folder: Path, table: Sequence[Source]) -> list[Source]:
    return [source for source in table if source.state(folder) != "right"]


def _fetch(folder: Path, wanted: Sequence[Source], base: str) -> Outcome:
    n_bytes = sum(source.n_bytes for source in wanted)
    bar = Bar(total=n_bytes, what="data", unit="byte", unit_scale=True, leave=True)
    with bar, closing(_session()) as session, ThreadPoolExecutor(N_THREADS) as pool:
        _reach(session, base)

        def attempt(source: Source) -> Failure | None:
            """Get a file; what a server has to answer for is told, and not raised."""
            url = source.url(base)
            try:
                write_atomically(folder / source.file, _checked(session, url, source))
            except MaxRetryError as error:
                return Failure(source.file, f"{url}: {error.reason}")
            except (requests.RequestException, WrongContentError) as error:
                return Failure(source.file, f"{url}: {error}")
            bar.update(source.n_bytes)
            return None

        failures = [failure for failure in pool.map(attempt, wanted) if failure]
    return Outcome(len(wanted) - len(failures), failures)


def _session() -> requests.Session:
    """Connections that are kept, with the environment's proxies and certificates."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=N_THREADS, max_retries=RETRIES))
    return session


def _reach(session: requests.Session, base: str) -> None:
    """One question ahead: a server out of reach is told of once, not for every file."""
    try:
        session.head(base, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise FetchError(f"cannot reach {base}: {error}") from error


def _checked(session: requests.Session, url: str, source: Source) -> bytes:
    """The file as it should be, else WrongContentError."""
    content, n = _body(session, url, source.n_bytes), source.n_bytes
    found = sha256(content).hexdigest()
    if found != source.sha256:
        got = f"more than its {n} bytes" if len(content) > n else found
        raise WrongContentError(f"expected sha256 {source.sha256}, got {got}")
    return content


def _body(session: requests.Session, url: str, n_bytes: int) -> bytes:
    """What the server sends, one byte more than there should be at most.

    requests tries again until an answer begins, but not where it is cut off.
    """
    retries = RETRIES
    while True:
        try:
            with session.get(url, stream=True, timeout=TIMEOUT_S) as response:
                response.raise_for_status()
                body = response.raw.read(n_bytes + 1, decode_content=True)
            if len(body) < n_bytes and "Content-Length" not in response.headers:
                raise IncompleteRead(len(body), n_bytes - len(body))
            return body
        except HTTPError as error:
            retries = retries.increment("GET", url, error=error)
            retries.sleep()
