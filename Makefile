# `make demo` and `make test` need nothing but Python 3.11+: everything is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= ../shared/data

.PHONY: demo test lint format docs tables channels clean

demo: $(VENV)/installed  ## index the sample collection and search it in every language but those that need an extra
	@$(BIN)/scriptbridge demo

test: $(VENV)/developing
	$(BIN)/pytest

lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/installed  ## docs/cli-reference.md, from --help
	$(BIN)/python docs/cli_reference.py

tables: $(VENV)/installed  ## the measured tables of README and docs, from benchmarks/results
	$(BIN)/python -m benchmarks.tables

channels: $(VENV)/installed  ## the shipped weights, estimated again from the data in $(DATA)
	$(BIN)/python -m benchmarks.channels $(DATA)

clean:
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/developing: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
