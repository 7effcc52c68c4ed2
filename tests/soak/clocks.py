"""A clock on the wall that loses a minute each time somebody looks, for a process and its children.

A library in C that stands before the system's own; on while $CLOCK_BACKWARDS is set.
"""

import subprocess
from pathlib import Path

BACKWARDS = "CLOCK_BACKWARDS"
SOURCE = r"""
#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static _Atomic long looks;
int clock_gettime(clockid_t which, struct timespec *now) {
    int code = syscall(SYS_clock_gettime, which, now);
    if (which == CLOCK_REALTIME && getenv("CLOCK_BACKWARDS")) now->tv_sec -= 60 * ++looks;
    return code;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
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


def library(folder: Path) -> Path | None:
    """The library, to be preloaded; None without a C compiler."""
    source, made = folder / "clock.c", folder / "clock.so"
    source.write_text(SOURCE)
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    except FileNotFoundError:
        return None
    return made
