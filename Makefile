# Minutebook. A bare `make` prints the menu.
# Everything is installed into .venv, from the hashed lists in requirements/; nothing outside this folder is
# touched, except that `make test` may install a browser from the system's packages when it runs as root.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev demo serve test bench check format docs lock clean

# Minutebook's own folder may have spaces in its path, so all paths here are relative.
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

# The first Python that is new enough. Choose another with `make setup PYTHON=/path/to/python`.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,\
  $(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))

# Arguments for the program behind a target: `make demo ARGS="--port 8100"`, `make test ARGS="-k invite -x"`.
ARGS ?=
# FULL=1 runs the long scenarios at full length.
export FULL
# What `make bench` stores and asks; 10000000 takes two hours and 25 GB.
EVENTS ?= 1000000
# How many test processes there are; `make test WORKERS=0` runs all in one process, which a debugger needs.
WORKERS ?= auto

help:
	@echo 'Minutebook: the audit log of an organization'"'"'s seats'
	@echo
	@echo '  make demo       set up, fill an organization with a year of history, start it, print sign-in links'
	@echo '  make serve      set up and start the server'
	@echo '  make test       set up whatever the tests need, a browser included, and run them all (FULL=1: at full length)'
	@echo '  make bench      measure storing and finding a million events beside two baselines (EVENTS=10000000: the full table)'
	@echo '  make check      lint, format, types, import rules, generated documentation'
	@echo '  make format     mend what ruff can mend by itself'
	@echo '  make docs       write the generated documentation anew'
	@echo '  make setup      install Minutebook into .venv; make setup-dev: with the tools for working on it'
	@echo '  make lock       write requirements/ anew from pyproject.toml (UPGRADE=1: with the newest versions)'
	@echo '  make clean      remove .venv and all caches'
	@echo
	@echo 'ARGS="..." is passed on: make demo ARGS="--port 8100", make test ARGS="-k invite"'

# --- set-up: a stamp in .venv tells what is up to date -----------------------------------------------------------

setup: .venv/run.stamp
setup-dev: .venv/dev.stamp

.venv/venv.stamp:
	@if [ -z "$(PYTHON)" ]; then \
	  echo 'Minutebook needs Python 3.11 or newer, and found none on the PATH.' >&2; \
	  echo 'Install it, or name one: make setup PYTHON=/path/to/python3.11' >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Minutebook needs Python 3.11 or newer; $(PYTHON) is not.' >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo '$(PYTHON) cannot make virtual environments: its modules venv and ensurepip are missing.' >&2; \
	  echo 'On Debian and Ubuntu they are in a package of their own: apt install python3-venv' >&2; exit 1; }
	@echo 'Making .venv with $(PYTHON)'
	@"$(PYTHON)" -m venv --clear .venv
	@touch $@

.venv/run.stamp: .venv/venv.stamp pyproject.toml requirements/build.txt requirements/run.txt
	@echo 'Installing Minutebook into .venv'
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	@echo 'Installing the tools for working on it'
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# --- running -----------------------------------------------------------------------------------------------------

demo: setup
	@$(BIN)/minutebook demo $(ARGS)

serve: setup
	@$(BIN)/minutebook serve $(ARGS)

# --- working on it -----------------------------------------------------------------------------------------------

test: setup-dev
	@browser="$$($(BIN)/python tools/find_browser.py)" && echo "Browser: $$browser" && \
	  MINUTEBOOK_TEST_BROWSER="$$browser" \
	  $(BIN)/python -m pytest --numprocesses=$(WORKERS) --maxprocesses=4 $(ARGS)

bench: setup-dev
	@$(BIN)/python -m bench --events $(EVENTS) $(ARGS)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src tests tools bench
	$(BIN)/lint-imports
	$(if $(wildcard tools/generate_docs.py),$(BIN)/python tools/generate_docs.py --check)

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup-dev
	$(BIN)/python tools/generate_docs.py

# The lists hold for every platform and every Python from 3.11 on. They name no host, so that any index or mirror
# can serve them; the hashes say that it served the right files.
LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
  --annotation-style line --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

lock: setup
	@$(BIN)/python -c 'import uv' 2>/dev/null || $(PIP) install uv
	@$(LOCK) pyproject.toml --group dev --output-file requirements/dev.txt
	@$(LOCK) pyproject.toml --constraints requirements/dev.txt --output-file requirements/run.txt
	@$(LOCK) --group build --constraints requirements/dev.txt --output-file requirements/build.txt
	@! grep -nE '://|^-' requirements/*.txt

clean:
	rm -rf .venv .bench dist test-results .coverage* htmlcov .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests tools bench -name __pycache__ -type d -exec rm -rf {} +
