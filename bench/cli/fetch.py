"""Download the published data: in parallel, checked, going on after any cut."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, IncompleteRead, MaxRetryError
from urllib3.util import Retry

from bench.cli.sources import Source
from bench.ground.bars import Bar
from bench.ground.files import locked
from bench.ground.provenance import file_sha256

GITHUB = "https://raw.githubusercontent.com"
N_THREADS = 4
CHUNK_BYTES = 2**16
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
NO_SUCH_RANGE = 416


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


def fetch(folder: Path, table: Sequence[Source], base: str = GITHUB) -> Outcome:
    """Bring the folder's files to what the table says; those that are right stay untouched.

    A file appears under its name only once its sha256 is right; until then its bytes are kept in
    NAME.part, from which the next call goes on. A file that cannot be had does not stop the others.
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
    there = sum(_size(_part(folder, source)) for source in wanted)
    bar = Bar(total=n_bytes, initial=there, what="data", unit="byte", unit_scale=True, leave=True)
    with bar, closing(_session()) as session, ThreadPoolExecutor(N_THREADS) as pool:
        _reach(session, base)
        found = list(pool.map(_Fetcher(session, folder, base, bar.update).attempt, wanted))
    failures = [failure for failure in found if failure]
    return Outcome(len(wanted) - len(failures), failures)


def _session() -> requests.Session:
    """Connections that are kept, with the environment's proxies and certificates."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=N_THREADS, max_retries=RETRIES))
    # Packed bytes have other offsets than the file's, so a range of them could not be joined.
    session.headers["Accept-Encoding"] = "identity"
    return session


def _reach(session: requests.Session, base: str) -> None:
    """One question ahead: a server out of reach is told of once, not for every file."""
    try:
        session.head(base, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise FetchError(f"cannot reach {base}: {error}") from error


def _part(folder: Path, source: Source) -> Path:
    return folder / f"{source.file}.part"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@dataclass(frozen=True, slots=True)
class _Fetcher:
    """One file at a time, in several threads."""

    session: requests.Session
    folder: Path
    base: str
    add: Callable[[int], None]
    """Told of bytes that arrived, or, below 0, of bytes that were thrown away."""

    def attempt(self, source: Source) -> Failure | None:
        """Get a file; what a server has to answer for is told, and not raised."""
        try:
            self._obtain(source)
        except MaxRetryError as error:
            return Failure(source.file, f"{source.url(self.base)}: {error.reason}")
        except requests.RequestException as error:
            return Failure(source.file, f"{source.url(self.base)}: {error}")
        except WrongContentError as error:
            return Failure(source.file, f"{source.url(self.base)}: {error}")
        return None

    def _obtain(self, source: Source) -> None:
        """Complete the part, check it, and only then give it its name."""
        part = _part(self.folder, source)
        part.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        if not resumed or _size(part) < source.n_bytes:
            self._transfer(source, part)
        found, long = file_sha256(part), _size(part) > source.n_bytes
        if found == source.sha256:
            part.replace(self.folder / source.file)
            return
        self._drop(part)
        if not resumed:
            got = f"more than its {source.n_bytes} bytes" if long else found
            raise WrongContentError(f"expected sha256 {source.sha256}, got {got}")
        self._obtain(source)  # the part that was there may have been of another file

    def _transfer(self, source: Source, part: Path) -> None:
        """Receive until the part has all bytes, or more cuts came than are borne."""
        retries = RETRIES
        while True:
            try:
                return self._receive(source, part)
            except HTTPError as error:
                retries = retries.increment("GET", source.url(self.base), error=error)
                retries.sleep()

    def _receive(self, source: Source, part: Path) -> None:
        """One request for what the part lacks; HTTPError if it is cut off."""
        have = _size(part)
        headers = {"Range": f"bytes={have}-"} if have else None
        url = source.url(self.base)
        with self.session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            if have and response.status_code == NO_SUCH_RANGE:
                self._drop(part)  # the server's file ends before it: not the one
                return self._receive(source, part)
            response.raise_for_status()
            if have and response.status_code != requests.codes.partial:
                self._drop(part)  # the whole file comes, whatever was asked for
            self._pour(response, source, part)
        have = _size(part)
        if have < source.n_bytes and "Content-Length" not in response.headers:
            raise IncompleteRead(have, source.n_bytes - have)

    def _pour(self, response: requests.Response, source: Source, part: Path) -> None:
        """Append the body; one longer than the file should be is not read to its end."""
        have = _size(part)
        with part.open("ab") as file:
            # Straight from urllib3: the reader of requests withholds a chunk that is cut off.
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                file.write(chunk)
                self.add(len(chunk))
                have += len(chunk)
                if have > source.n_bytes:
                    return

    def _drop(self, part: Path) -> None:
        self.add(-_size(part))
        part.unlink()
