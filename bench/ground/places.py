"""Where things lie on this machine."""

import os
from pathlib import Path

from leaderboard.store.files import home

__all__ = ["TRUST_TASK_CODE", "data_dir", "home"]
TRUST_TASK_CODE = "SKBENCH_TRUST_TASK_CODE"
"""Variable that lets code run which a YAML of a track's `include` names; processes inherit it."""


def data_dir(argument: str | None) -> Path | None:
    """The folder of published data: the argument, else $SKBENCH_DATA."""
    found = argument or os.environ.get("SKBENCH_DATA")
    return Path(found) if found else None
