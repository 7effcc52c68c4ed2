"""The one clock: wall clock is read through it, and dates through `today`, nowhere else."""

import time

clock = time.perf_counter
