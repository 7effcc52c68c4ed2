"""What befalls a machine: after it the same command comes to the same."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.soak.commands import ROOT, Ended, Shell, facts, half_written, whole
from tests.soak.conftest import RUN, Undisturbed
from tests.soak.forms import SEED, n

DISK_BYTES = 4 * 2**20


@contextmanager
def disk(folder: Path, n_bytes: int = DISK_BYTES) -> Iterator[Path]:
    """A small disk of its own at `folder`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def is_clear(done: Ended, *codes: int) -> bool:
    """Whether a command ended with such a code and one line for people."""
    told = [line for line in done.err.splitlines() if line.startswith("skbench: ")]
    return done.code in codes and len(told) == 1 and "Traceback" not in done.err


@pytest.mark.parametrize("number", range(n(1, 20)))
def test_a_disk_that_is_full_is_told_and_gone_on_with(
    number: int, shell: Shell, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    used = sum(len(path.read_bytes()) for path in undisturbed.home.rglob("*") if path.is_file())
    with disk(tmp_path / "disk") as folder:
        ballast, home = folder / "ballast", folder / "home"
        share = Random(f"{SEED}/disk/{number}").random()
        ballast.write_bytes(bytes(DISK_BYTES - int(share * used)))
        done = shell.run(*RUN, home=home)
        assert is_clear(done, 3) and "No space left" in done.err, done.err
        assert not half_written(facts(home), undisturbed.facts), done.err
        ballast.unlink()
        shell.fine(*RUN, home=home)
        assert facts(home) == undisturbed.facts


def test_a_home_that_cannot_be_written_to_is_told(
    shell: Shell, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    with disk(tmp_path / "disk") as folder:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        done = shell.run(*RUN, home=folder / "home")
        assert is_clear(done, 3) and str(folder) in done.err, done.err
        assert not list(folder.iterdir())
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        shell.fine(*RUN, home=folder / "home")
        assert facts(folder / "home") == undisturbed.facts


def test_two_runs_at_once_make_everything_once(
    shell: Shell, undisturbed: Undisturbed, home: Path
) -> None:
    both = [shell.begin(*RUN, home=home) for _ in range(2)]
    done = [each.end() for each in both]
    assert [each.code for each in done] == [0, 0], [each.err for each in done]
    assert sum(each.err.count(": running") for each in done) == 2
    assert facts(home) == undisturbed.facts


BACKWARDS = r"""
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static _Atomic long looks;
int clock_gettime(clockid_t which, struct timespec *now) {
    int code = syscall(SYS_clock_gettime, which, now);
    if (which == CLOCK_REALTIME) now->tv_sec -= 60 * ++looks;
    return code;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (out != NULL) *out = found.tv_sec;
    return found.tv_sec;
}
"""
"""A minute is lost each time that somebody looks at the clock."""


def test_a_clock_that_goes_backwards_changes_nothing(
    shell: Shell, undisturbed: Undisturbed, home: Path, tmp_path: Path
) -> None:
    source, library = tmp_path / "backwards.c", tmp_path / "backwards.so"
    source.write_text(BACKWARDS)
    cc = ["cc", "-shared", "-fPIC", "-o", str(library), str(source)]
    try:
        subprocess.run(cc, check=True)
    except FileNotFoundError:
        pytest.skip("no C compiler to make a clock with")
    environment = os.environ | {"LD_PRELOAD": str(library), "SKBENCH_HOME": str(home)}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    looks = "import time; a = time.time(); assert time.time() < a - 50"
    subprocess.run([sys.executable, "-c", looks], env=environment, check=True)
    command = [sys.executable, "-m", "bench", *RUN]
    done = subprocess.run(
        command, env=environment, cwd=shell.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert facts(home) == undisturbed.facts
