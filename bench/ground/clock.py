"""The one clock: wall clock is read through it, and for dates in provenance.py, nowhere else."""

import time

clock = time.perf_counter
