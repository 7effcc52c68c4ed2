"""Moments of a command: the changes that it makes to files, and the time between two of them.

Imported by the command itself: $MOMENTS_TOLD gets a line for each change as it is about to happen,
and $MOMENTS_KILL, "N SECONDS", kills the process so long after its N-th change, counted from 1.
"""

import os
import signal
import sys
import time
from threading import Thread

TOLD, KILL = "MOMENTS_TOLD", "MOMENTS_KILL"
CHANGES = ("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod")


def watch() -> None:
    """Count the changes of this process from now on, where its environment asks for that."""
    told, kill = os.environ.get(TOLD), os.environ.get(KILL)
    if told:
        note = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        began = time.perf_counter()
        os.write(note, b"0.0 begins\n")
        sys.addaudithook(_Counted(lambda _, what: _told(note, began, what)))
    if kill:
        number, _, delay_s = kill.partition(" ")
        if number == "0":
            _kill_after(float(delay_s))
        else:
            sys.addaudithook(
                _Counted(lambda n, _: n == int(number) and _kill_after(float(delay_s)))
            )


class _Counted:
    """An audit hook that passes the number of a change, and what it is, on to `act`."""

    def __init__(self, act) -> None:
        self._act, self._n = act, 0

    def __call__(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            changes = isinstance(path, str) and flags & (os.O_WRONLY | os.O_RDWR)
            if not changes or path.startswith(("/dev/", "/proc/")):
                return
        elif event not in CHANGES:
            return
        self._n += 1
        self._act(self._n, f"{event} {' '.join(map(str, arguments[:2]))}")


def _told(note: int, began: float, what: str) -> None:
    os.write(note, f"{time.perf_counter() - began} {what}\n".encode())


def _kill_after(delay_s: float) -> None:
    if delay_s <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    Thread(target=_kill_late, args=(delay_s,), daemon=True).start()


def _kill_late(delay_s: float) -> None:
    time.sleep(delay_s)
    os.kill(os.getpid(), signal.SIGKILL)
