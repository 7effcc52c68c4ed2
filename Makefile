# Each makes .venv from the lock if it is missing.
PYTHON ?= python3
BIN := .venv/bin

# A process a core and one more, as some tests wait; each with one thread. A file's tests stay together,
# for what they share, in the order of tests/conftest.py.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count()) + 1)')
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: run test test-all soak check check-code check-board perf perf-check growth gpu peers bench

run: .venv/ready
	$(BIN)/skbench run pocket --jobs 2

test: .venv/ready
	$(PYTEST)

# Also what takes minutes.
test-all: .venv/ready
	$(PYTEST) -m "" --ignore tests/perf --durations 15

# Kills, full disks, damage and bad inputs in their long form; another number draws other ones.
soak: .venv/ready
	SKBENCH_SOAK=$(or $(SEED),1) OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/soak

check: check-code check-board

check-code: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

check-board: .venv/ready
	$(BIN)/skbench docs --check
	$(BIN)/skbench board render --check
	$(BIN)/skbench board verify

perf: .venv/ready
	$(BIN)/python -m pytest tests/perf -m slow --benchmark-enable --benchmark-autosave

# Exits with 1 where a median, over a loop of matrix products timed beside it, is 30 % above that of the last `make perf`
# on this machine, which .benchmarks holds and git does not.
perf-check: .venv/ready
	$(BIN)/python -m pytest tests/perf -m slow --benchmark-enable --benchmark-json .benchmarks/now.json
	$(BIN)/python -m tests.perf.check .benchmarks/now.json

# How costs grow with each size, measured on a quiet machine; writes tests/perf/GROWTH.md.
growth: .venv/ready
	$(BIN)/python -m tests.perf.growth

# What only a GPU can show: its tests, and tests/perf/GPU.md, of real sizes with random weights.
gpu: .venv/ready
	$(BIN)/python -m pytest tests/test_cuda.py
	$(BIN)/python -m tests.perf.gpu

# The project beside others that do the same, in an environment of their own.
peers: .venv/ready .peers/ready
	$(BIN)/python -m pytest tests/peers

# Training and answering beside what others use, on a quiet machine; writes tests/peers/SPEED.md.
bench: .venv/ready .peers/ready
	$(BIN)/python -m tests.peers.speed.compare

# torch first: PyPI's build for Linux brings CUDA; one without comes from the index that PIP_EXTRA_INDEX_URL names.
# Not compiled: of 19,000 files Python does so itself with the few that are imported.
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile "$$(grep '^torch==' requirements.lock)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.peers/ready: tests/peers/requirements.txt
	$(PYTHON) -m venv .peers
	.peers/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' $<)"
	.peers/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@
