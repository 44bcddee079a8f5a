# The two commands of the README are `make run` and `make test`; both need only Python 3.11, make and a package index.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint generate golden benchmark stack silence lab lab-table clean

# Each of them writes files from the code, and with --check says which are not current.
GENERATORS := tools.models tools.docs tools.diagnosis_table grafana.build tools.build_chart

run: .venv/run
	$(BIN)/aws-vpn-exporter demo

# Files side by side: most tests wait for real programs rather than compute.
test: .venv/dev lint
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Rewrites everything that is made from the code; tests fail where it is not current.
generate: golden
	set -e; for generator in $(GENERATORS); do $(BIN)/python -m $$generator; done

# Rewrites the expected pages and messages; the diff is what a change means to users.
golden: .venv/dev
	$(BIN)/python -m pytest -q tests/metrics/test_golden.py tests/config/test_config.py tests/iam/test_iam_policy.py --rewrite

# Ten thousand polls of an AWS that fails in every way, for each of five seeds, with a checker of the truth.
chaos: .venv/dev
	$(BIN)/python -m tools.chaos

benchmark: .venv/dev
	$(BIN)/python -m tools.benchmarks

# How good the silence rules are, measured on a synthetic fleet: rewrites the tables of docs/SILENCE.md.
silence: .venv/dev
	tools/real-parts.sh
	$(BIN)/python -m tools.silence

# The whole chain on this machine: simulated AWS, exporters, Prometheus, Alertmanager, and pages on the terminal.
stack: .venv/run
	tools/real-parts.sh
	$(BIN)/python -m tools.stack

# Real tunnels on this machine under the simulated AWS, to cut and repair: docs/LAB.md. FAULT=NAME builds it for a fault.
lab: .venv/dev
	tools/real-parts.sh
	$(BIN)/python -m lab $(if $(FAULT),--fault=$(FAULT))

# Rehearses every fault of the lab and writes docs/LAB-FAULTS.md from what happened.
lab-table: .venv/dev
	tools/real-parts.sh
	$(BIN)/python -m lab.table

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv

.venv/run: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch .venv/run $@

clean:
	rm -rf .venv .cache dist build
