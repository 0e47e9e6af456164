# The few things one does with this repository. `make setup` first; every other target calls it.
#
#   make setup    .venv with recsmith (editable) and everything for development, at the pinned versions
#   make demo     the main job on the bundled data; the report lands in runs/demo/report.html
#   make test     the tests, without the slow ones
#   make check    format, lint, types, walls, the map of the house
#   make bench    the slow tests, 25 million interactions, the published figures; fills docs/results.md; takes hours
#
# PYTHON picks the interpreter (3.11 to 3.13): make setup PYTHON=python3.12
# VENV picks the folder:                       make setup VENV=elsewhere
# INSTALL_FLAGS go to pip. Without a GPU, on Linux, this spares gigabytes of CUDA:
#   make setup INSTALL_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.recsmith-installed
WORKERS ?= 2
INSTALL_FLAGS ?=

.PHONY: setup demo test check bench
.DEFAULT_GOAL := setup

setup: $(STAMP)

# Made again only when what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "PYTHON must be a Python 3.11, 3.12 or 3.13. Found none; say which: make setup PYTHON=..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(INSTALL_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup
	$(BIN)/recsmith demo --out runs/demo

test: setup
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/house_map.py

bench: setup
	$(BIN)/pytest -m "slow or accuracy"
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/quality.py --write
