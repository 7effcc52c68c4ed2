"""What is installed, which device there is, what is missing and how to get it."""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TypedDict

from bench import track
from bench.ground import provenance
from bench.ground.places import data_dir, home
from bench.run import precision


class Finding(TypedDict):
    """One thing looked at; `advice` says how to get what is missing."""

    what: str
    ok: bool
    required: bool
    found: str
    advice: str


def examine() -> list[Finding]:
    """All findings, packages first."""
    return [*_packages(), _device(), *_bf16(), *_students(), _data(), _home()]


def _packages() -> list[Finding]:
    return [
        {
            "what": name,
            "ok": version is not None,
            "required": True,
            "found": version or "not installed",
            "advice": "" if version else "make .venv, or pip install -r requirements.lock",
        }
        for name, version in provenance.versions().items()
    ]


def _device() -> Finding:
    if importlib.util.find_spec("torch") is None:
        found, ok = "torch is missing", False
    else:
        found, ok = provenance.device_name(), True
    advice = "" if ok else "install torch first"
    return {"what": "device", "ok": ok, "required": True, "found": found, "advice": advice}


def _bf16() -> list[Finding]:
    """Whether the device has units for it; nothing to say without torch."""
    if importlib.util.find_spec("torch") is None:
        return []
    speeds = precision.speeds()
    known = [track.load(name) for name in track.names()]
    slow = [each.name for each in known if precision.asked(each, trains=True) == "bf16"]
    whose = "every built-in track" if len(slow) == len(known) else ", ".join(slow)
    advice = f'{whose} trains in it: a copy with training.precision = "fp32" is another track'
    return [
        {
            "what": "bf16",
            "ok": speeds.has_units,
            "required": False,
            "found": str(speeds),
            "advice": "" if speeds.has_units else advice,
        }
    ]


def _students() -> list[Finding]:
    """The student of every suite that embeds one."""
    recipes = sorted((provenance.ROOT / "tasks").glob("*/student.toml"))
    return [_student(recipe.parent) for recipe in recipes]


def _student(suite: Path) -> Finding:
    weights = suite / "student" / "model.safetensors"
    ok = weights.is_file()
    return {
        "what": f"student of {suite.name}",
        "ok": ok,
        "required": True,
        "found": provenance.file_sha256(weights)[:12] if ok else "missing",
        "advice": "" if ok else f"skbench pretrain {suite.name}",
    }


def _data() -> Finding:
    folder = data_dir(None)
    ok = folder is not None and folder.is_dir()
    advice = "skbench data fetch, then set SKBENCH_DATA: only the published tasks need it"
    return {
        "what": "published data",
        "ok": ok,
        "required": False,
        "found": str(folder) if folder else "SKBENCH_DATA is not set",
        "advice": "" if ok else advice,
    }


def _home() -> Finding:
    folder = home()
    existing = next(p for p in (folder, *folder.resolve().parents) if p.exists())
    ok = os.access(existing, os.W_OK)
    free = shutil.disk_usage(existing).free // 2**30
    return {
        "what": "SKBENCH_HOME",
        "ok": ok,
        "required": True,
        "found": f"{Path(folder).resolve()}, {free} GiB free",
        "advice": "" if ok else "it cannot be written: set SKBENCH_HOME to a folder of yours",
    }


def _mark(finding: Finding) -> str:
    if finding["ok"]:
        return "ok"
    return "MISSING" if finding["required"] else "-"


def describe(findings: list[Finding]) -> str:
    """The findings as a table."""
    from tabulate import tabulate

    rows = [(_mark(f), f["what"], f["found"], f["advice"]) for f in findings]
    return tabulate(rows, headers=("", "what", "found", "advice"))
