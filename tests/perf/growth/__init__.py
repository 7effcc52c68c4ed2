"""How costs grow: `make growth` measures them on this machine and writes tests/perf/GROWTH.md."""
