"""The project's table of published files: what it pins, and what it fetches."""

import os
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli import sources as data
from tests.mirror_server import serving


def test_the_table_names_whole_pins_and_places_inside_the_folder() -> None:
    table = data.sources()
    assert [s.file for s in table] == sorted({s.file for s in table})
    for s in table:
        assert len(bytes.fromhex(s.sha256)) == 32 and len(bytes.fromhex(s.commit)) == 20
        assert s.repository.count("/") == 1 and s.path != "?" and s.n_bytes > 0
        assert not {"", ".", ".."} & set(s.file.split("/")), s.file


@pytest.fixture(scope="module")
def real() -> Path:
    if not os.environ.get("SKBENCH_DATA"):
        pytest.skip("SKBENCH_DATA is not set: no folder of published data to read")
    return Path(os.environ["SKBENCH_DATA"])


def test_the_published_files_are_fetched_as_the_table_has_them(
    real: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From a server that has the folder's files under the addresses of the table."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    table = data.sources()
    files = {s.url("").removeprefix("/"): (real / s.file).read_bytes() for s in table}
    with serving(files) as mirror:
        assert main(["data", "fetch", "--out", str(tmp_path / "d"), "--base-url", mirror.url]) == 0
    assert main(["data", "check", str(tmp_path / "d")]) == 0
    assert f"{len(table)} of {len(table)} files are right" in capsys.readouterr().out
    for s in table:
        assert (tmp_path / "d" / s.file).read_bytes() == (real / s.file).read_bytes()
