"""Where things lie on this machine."""

import os
from pathlib import Path

TRUST_TASK_CODE = "SKBENCH_TRUST_TASK_CODE"
"""Variable that lets code run which a YAML of a track's `include` names; processes inherit it."""


def home() -> Path:
    """Where everything that a run makes lives: $SKBENCH_HOME, by default .bench."""
    return Path(os.environ.get("SKBENCH_HOME") or ".bench")


def data_dir(argument: str | None) -> Path | None:
    """The folder of published data: the argument, else $SKBENCH_DATA."""
    found = argument or os.environ.get("SKBENCH_DATA")
    return Path(found) if found else None
