"""Who does the work of a command: one module each, found by its name, with `share(work)`."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from bench.run.jobs import Work


class Executor(Protocol):
    """A module of this folder."""

    def share(self, work: Work) -> int:
        """Have the work done by others, and wait; the worst of their exit codes."""
        ...


def names() -> list[str]:
    """The executors there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def load(name: str) -> Executor:
    """The executor of that name, which is one of `names`."""
    return cast(Executor, import_module(f"{__name__}.{name}"))
