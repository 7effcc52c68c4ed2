"""The published data: getting it from a real server, checking a folder of it."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli import fetch
from bench.cli import sources as data
from bench.cli.sources import Source
from tests.mirror_server import Mirror, serving

ROOT = Path(__file__).parent.parent
COMMAND = """
import pathlib, sys
from bench.cli import sources as data
data.SOURCES = pathlib.Path(sys.argv[1])
from bench.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
"""`skbench` with another table of sources."""
CONTENT = {
    "one/LICENSE": b"free for all",
    "one/a.json": bytes(range(256)) * 1200,
    "one/deep/b.txt": b"",
    "two/c #d%.txt": "äöü".encode() * 50,
}


def source(file: str, content: bytes) -> Source:
    digest = hashlib.sha256(content).hexdigest()
    return Source(file, "owner/name", "c0ffee", f"raw/{file}", len(content), digest)


def place(file: str) -> str:
    """Where the server has a file."""
    return f"owner/name/c0ffee/raw/{file}"


TABLE = [source(file, content) for file, content in CONTENT.items()]
A, SECOND = place("one/a.json"), TABLE[1]


@pytest.fixture(autouse=True)
def no_proxy_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "RETRIES", fetch.RETRIES.new(backoff_factor=0))


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving({place(file): content for file, content in CONTENT.items()}) as mirror:
        yield mirror


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources above as a file, in place of the project's."""
    path = tmp_path / "SOURCES.tsv"
    names = ("file", "repository", "commit", "path", "bytes", "sha256")
    rows = [(s.file, s.repository, s.commit, s.path, str(s.n_bytes), s.sha256) for s in TABLE]
    path.write_text("".join("\t".join(row) + "\n" for row in (names, *rows)))
    monkeypatch.setattr(data, "SOURCES", path)
    return path


def found(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


# ---------------------------------------------------------------- all goes well


def test_all_files_are_laid_out_and_a_second_call_asks_for_nothing(
    mirror: Mirror, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    command = ["data", "fetch", "--out", str(folder), "--base-url", f"{mirror.url}/"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert found(folder) == CONTENT
    assert "4 of 4 files are right, 4 of them new" in said and f"SKBENCH_DATA={folder}" in said
    assert sorted(mirror.asked) == sorted(map(place, CONTENT))
    mirror.asked.clear()
    assert main(command) == 0 and mirror.asked == []
    assert "0 of them new" in capsys.readouterr().out


def test_without_a_folder_files_go_to_the_variable_or_else_to_the_home(
    mirror: Mirror, table: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["data", "fetch", "--base-url", mirror.url, "--only", "two/"]
    assert main(command) == 0
    monkeypatch.setenv("SKBENCH_DATA", str(tmp_path / "named"))
    assert main(command) == 0
    wanted = {"two/c #d%.txt": CONTENT["two/c #d%.txt"]}
    assert found(home / "data") == found(tmp_path / "named") == wanted


# ---------------------------------------------------------------- cuts and servers in trouble


@pytest.mark.parametrize(
    "faults",
    [[500], [503, 502, 504], [429], ["half"], ["unmeasured"], ["half", 500, "half"]],
    ids=str,
)
def test_passing_trouble_is_ridden_out(
    mirror: Mirror, tmp_path: Path, faults: list[int | str]
) -> None:
    mirror.faults[A] = list(faults)
    assert fetch.fetch(tmp_path, [SECOND], mirror.url) == fetch.Outcome(1, [])
    assert found(tmp_path) == {SECOND.file: CONTENT[SECOND.file]}
    assert len(mirror.asked) == len(faults) + 1


def test_after_too_many_cuts_a_file_is_given_up_and_nothing_of_it_is_left(
    mirror: Mirror, tmp_path: Path
) -> None:
    mirror.faults[A] = ["half"] * 6
    outcome = fetch.fetch(tmp_path, TABLE, mirror.url)
    (failure,) = outcome.failures
    assert failure.file == SECOND.file and "IncompleteRead" in failure.why
    others = {file: content for file, content in CONTENT.items() if file != SECOND.file}
    assert found(tmp_path) == others and outcome.n_fetched == 3


def test_killed_in_mid_download_the_same_command_gets_only_what_was_missing(
    mirror: Mirror, table: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    arguments = ["data", "fetch", "--out", str(folder), "--base-url", mirror.url]
    command = [sys.executable, "-c", COMMAND, str(table), *arguments]
    mirror.faults[A] = ["hang"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    others = {file: content for file, content in CONTENT.items() if file != SECOND.file}
    wait_for(lambda: found(folder) == others and mirror.hanging.is_set())
    process.kill()
    process.communicate()
    assert found(folder) == others
    mirror.asked.clear()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert mirror.asked == [A]
    assert found(folder) == CONTENT


# ---------------------------------------------------------------- what cannot be had


@pytest.mark.parametrize("other", [b"other", b"x" * SECOND.n_bytes], ids=["shorter", "as long"])
def test_a_wrong_file_is_refused_and_named_and_the_others_are_had(
    mirror: Mirror, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], other: bytes
) -> None:
    mirror.files[A] = other
    folder = tmp_path / "data"
    (folder / "one").mkdir(parents=True)
    (folder / SECOND.file).write_bytes(b"mine")
    assert main(["data", "fetch", "--out", str(folder), "--base-url", mirror.url]) == 3
    told = capsys.readouterr()
    got = hashlib.sha256(other).hexdigest()
    assert f"{SECOND.file}: {mirror.url}/{A}: " in told.err
    assert f"expected sha256 {SECOND.sha256}, got {got}" in told.err
    assert "3 of 4 files are right, 3 of them new" in told.out and "not had: 1;" in told.out
    assert found(folder) == CONTENT | {SECOND.file: b"mine"}


def test_a_file_longer_than_it_should_be_is_not_read_to_its_end(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_S", (10, 1))
    mirror.files[A], mirror.faults[A] = CONTENT[SECOND.file] * 4, ["hang"]
    (failure,) = fetch.fetch(tmp_path, [SECOND], mirror.url).failures
    assert "got more than its 307200 bytes" in failure.why and found(tmp_path) == {}
    assert mirror.asked == [A], "it waited for the end, and asked for more"


def test_a_file_that_the_server_lacks_is_named_and_the_others_are_had(
    mirror: Mirror, tmp_path: Path
) -> None:
    del mirror.files[A]
    outcome = fetch.fetch(tmp_path, TABLE, mirror.url)
    (failure,) = outcome.failures
    assert outcome.n_fetched == 3 and failure.file == SECOND.file and "404" in failure.why


def test_a_server_out_of_reach_is_told_of_once(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving({}) as gone:
        url = gone.url
    assert main(["data", "fetch", "--out", str(tmp_path / "data"), "--base-url", url]) == 3
    said = capsys.readouterr().err
    assert said.count(f"cannot reach {url}") == 1 and said.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named(
    mirror: Mirror, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = table / "data"
    assert main(["data", "fetch", "--out", str(folder), "--base-url", mirror.url]) == 3
    assert f"{folder}: " in capsys.readouterr().err and mirror.asked == []


@pytest.mark.parametrize("verb", ["fetch", "check"])
@pytest.mark.parametrize("only", ["three/", "one/,three/", "", ","])
def test_a_prefix_that_no_file_has_is_a_usage_error(
    table: Path, capsys: pytest.CaptureFixture[str], verb: str, only: str
) -> None:
    assert main(["data", verb, "--only", only]) == 2
    assert "--only: " in capsys.readouterr().err


def test_a_base_url_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["data", "fetch", "--base-url", "mirror.example"])
    assert stop.value.code == 2 and "expected http" in capsys.readouterr().err


# ---------------------------------------------------------------- checking


def test_check_names_what_is_missing_and_what_was_changed(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    for file, content in CONTENT.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    command = ["data", "check", str(folder)]
    assert main(command) == 0 and "4 of 4 files are right" in capsys.readouterr().out
    (folder / "one/LICENSE").write_bytes(b"free for ALL")  # as long as it was
    (folder / "two/c #d%.txt").unlink()
    assert main(command) == 3
    said = capsys.readouterr().out
    assert "changed: one/LICENSE\nmissing: two/c #d%.txt\n" in said and "2 of 4 files" in said
    assert main([*command, "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {
        "folder": str(folder),
        "right": ["one/a.json", "one/deep/b.txt"],
        "missing": ["two/c #d%.txt"],
        "changed": ["one/LICENSE"],
    }
    assert main([*command, "--only", "one/a,one/deep/"]) == 0
