"""How far long work is: tqdm's bar on a terminal, elsewhere a line on stderr every ten seconds.

$TQDM_MAXINTERVAL is another number of seconds; tqdm's other settings hold, too.
"""

import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from math import inf
from threading import Event, Thread
from typing import Any, Self

from tqdm import tqdm

LINE = (
    "{desc}: {n_fmt}/{total_fmt} {unit}s ({percentage:.0f} %), after {elapsed},"
    " about {remaining} left{postfix}"
)
UNCOUNTED = "{desc}, after {elapsed}"
UNSEEN: dict[str, Any] = {"delay": inf, "position": 99}
"""Keeps tqdm from drawing a bar and from leaving a place for it."""

_open = list["Bar"]()
"""The bars at work, the innermost last."""


class Bar:
    """Work of `total` units, or of as many as `iterable` has; without either, only its time shows.

    Its name begins with that of the work it is part of, so a line says which row it belongs to.
    Work that ends before the next line is due is not told of.
    """

    def __init__(
        self,
        iterable: Iterable[Any] = (),
        *,
        what: str,
        total: int | None = None,
        initial: int = 0,
        unit: str = "step",
        unit_scale: bool = False,
        leave: bool = False,
        drawn: bool = True,
    ) -> None:
        self._iterable = iterable
        self.what = ", ".join([*(bar.what for bar in _open[-1:]), what])
        self._in_lines = not sys.stderr.isatty()
        self._drawn = drawn and not self._in_lines
        self._told, self._over = False, Event()
        if total is None and isinstance(iterable, Sized):
            total = len(iterable) or None
        self._meter = tqdm(
            desc=self.what,
            total=total,
            initial=initial,
            unit=unit,
            unit_scale=unit_scale,
            leave=leave,
            bar_format=UNCOUNTED if total is None else LINE if self._in_lines else None,
            **({} if self._drawn else UNSEEN),
        )
        if self._meter.disable:
            return
        _open.append(self)
        if len(_open) == 1:
            # tqdm's own watch leaves out bars whose single steps take long.
            Thread(target=_tell, args=(self._over, self._meter.maxinterval), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        with self:
            for each in self._iterable:
                yield each
                self.update()

    def update(self, n: int = 1) -> None:
        """Count `n` more units, in any thread."""
        with self._meter.get_lock():
            self._meter.update(n)

    def note(self, **values: str) -> None:
        """What to show beside the count from now on."""
        self._meter.set_postfix(values, refresh=False)

    def tell(self) -> None:
        """Say how far it is."""
        if self._drawn:
            self._meter.refresh()
        elif self._in_lines:
            self._told = True
            sys.stderr.write(f"{self._meter}\n")

    def close(self) -> None:
        """End it; what was told of is told of once more."""
        if self in _open:
            _open.remove(self)
            self._over.set()
            if self._told:
                self.tell()
        self._meter.close()


def _tell(over: Event, every_s: float) -> None:
    """While the outermost bar is open, the innermost one speaks: within a long step, too."""
    while not over.wait(every_s):
        for bar in _open[-1:]:
            bar.tell()


def about(what: str) -> Bar:
    """Work whose parts have bars of their own, which it names and is not drawn beside."""
    return Bar(what=what, drawn=False)


@contextmanager
def handed_over() -> Iterator[str]:
    """Be silent while other processes tell of the innermost work, whose name this is; "" if none
    is at work."""
    hidden = _open[:]
    _open.clear()
    try:
        yield hidden[-1].what if hidden else ""
    finally:
        _open[:] = hidden


def stage(what: str) -> Bar:
    """Work that cannot be counted and has no bars inside."""
    return Bar(what=what)
