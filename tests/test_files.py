"""Files are written whole or not at all, by one process at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.ground.files import locked, write_atomically, writing

HOLD = """
import sys, pathlib
from bench.ground.files import locked
print("asking", flush=True)
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
    pathlib.Path(sys.argv[2]).write_text("done")
"""


def test_a_file_appears_whole_with_its_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two" and list(path.parent.iterdir()) == [path]


def test_a_write_that_is_killed_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.json"
    write_atomically(path, b"old")

    def torn(part: Path, content: bytes) -> int:
        with part.open("wb") as file:
            file.write(content[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", torn)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def hold(folder: Path, note: Path) -> "subprocess.Popen[str]":
    """Another process that holds the folder's lock until its input ends."""
    process = ask(folder, note)
    assert line(process) == "held\n"
    return process


def ask(folder: Path, note: Path) -> "subprocess.Popen[str]":
    """Another process that is about to take the folder's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(note)],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert line(process) == "asking\n"
    return process


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    folder, note = tmp_path / "run", tmp_path / "note"
    first = hold(folder, note)
    second = ask(folder, tmp_path / "other")
    assert second.stdin is not None
    second.stdin.close()
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=0.5)
    assert not note.exists() and not (tmp_path / "other").exists()
    first.communicate()
    with locked(folder):
        assert note.read_text() == "done"
    assert line(second) == "held\n" and second.wait() == 0
    assert (tmp_path / "other").exists()


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    folder, note = tmp_path / "run", tmp_path / "note"
    process = hold(folder, note)
    process.kill()
    process.communicate()
    with locked(folder):
        assert not note.exists()


def test_two_folders_have_two_locks(tmp_path: Path) -> None:
    process = hold(tmp_path / "one", tmp_path / "note")
    with locked(tmp_path / "two"):
        pass
    process.communicate()
    assert (tmp_path / "note").exists()


@pytest.mark.parametrize("is_full", [True, False])
def test_a_library_that_hides_a_full_disk_is_told_apart_from_one_at_fault(
    is_full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    part = tmp_path / "weights.part"
    part.mkdir()
    if is_full:
        monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError if is_full else RuntimeError) as caught, writing(part):
        raise RuntimeError("unexpected pos 38464 vs 38416")
    assert str(part) in str(caught.value) or not is_full
    assert not list(tmp_path.iterdir())
