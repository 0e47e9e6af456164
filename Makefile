# The few things one does with this repository. Each sets up what it needs.
#
#   make demo     the main job on the bundled data; the report lands in runs/demo/report.html
#   make test     the tests, without the slow ones
#   make setup    .venv with recsmith (editable) and its extras but torch, at the pinned versions; demo needs no more
#   make develop  the same with torch and everything for development; the targets below need it
#   make check    format, lint, types, walls, the map of the house
#   make web      the page of `recsmith web`, built into the package (needs Node.js 20.19 or newer)
#   make test-web page and module of the browser, in Node and in a real Chromium (needs both)
#   make bench    the slow tests, 25 million interactions, the published figures, speed beside the peers; takes hours
#
# PYTHON picks the interpreter (3.11 to 3.13): make setup PYTHON=python3.12
# VENV picks the folder:                       make setup VENV=elsewhere
# INSTALL_FLAGS go to pip, to name an index with CPU builds of torch, say, which spares gigabytes of CUDA on Linux.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.recsmith-installed
DEV_STAMP := $(VENV)/.recsmith-development-installed
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(INSTALL_FLAGS) -c constraints.txt
WORKERS ?= 2
INSTALL_FLAGS ?=

.PHONY: setup develop demo test check web test-web bench
.DEFAULT_GOAL := setup

setup: $(STAMP)
develop: $(DEV_STAMP)

# Made again only when what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "PYTHON must be a Python 3.11, 3.12 or 3.13. Found none; say which: make setup PYTHON=..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[all]'
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(PIP) -e '.[dev]'
	@touch $@

demo: setup
	$(BIN)/recsmith demo --out runs/demo

test: develop
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

check: develop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/house_map.py

# npm's own mark of what was installed: made again only when the lock has changed.
web/node_modules/.package-lock.json: web/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js must be installed for the page. Got no npm. Version 20.19 or newer: https://nodejs.org" >&2; exit 2; }
	cd web && npm ci --no-audit --no-fund
	@touch $@

web: web/node_modules/.package-lock.json
	cd web && npm run --silent build

test-web: develop web
	cd web && npm run --silent check && npm run --silent build:lib && npm test --silent
	OMP_NUM_THREADS=1 $(BIN)/python web/e2e/prepare.py
	cd web && npm run --silent e2e

bench: develop
	$(BIN)/pytest -m "slow or accuracy"
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/quality.py --write
	$(BIN)/python benchmarks/speed.py --write
