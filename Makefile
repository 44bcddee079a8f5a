# The two commands of the README are `make run` and `make test`; both need only Python 3.11, make and a package index.
PYTHON ?= python3
BIN := .venv/bin
WORKERS = $(shell $(BIN)/python -c "import os; print(2 * os.cpu_count())")

.PHONY: run test lint audit generate golden site dashboard-recordings dashboard-pictures grafana-libraries benchmark stack delay silence kubernetes operator chaos siege soak lab lab-table lock clean

# Each of them writes files from the code, and with --check says which are not current.
GENERATORS := tools.models tools.docs tools.commands tools.architecture tools.pages tools.diagnosis_table tools.device_formats tools.grafana_managed grafana.build tools.build_chart

run: .venv/run
	$(BIN)/aws-vpn-exporter demo

# Files side by side, two for each core: most tests wait for real programs rather than compute. Those that take longest
# come first (tests/conftest.py), not those with the most tests.
test: .venv/dev lint grafana-libraries
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive exporter

# Asks an index of known vulnerabilities about every package that is locked; needs the internet.
audit: .venv/dev
	$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements/run.txt --requirement requirements/build.txt --requirement requirements/dev.txt

# Rewrites everything that is made from the code; tests fail where it is not current.
generate: golden
	set -e; for generator in $(GENERATORS); do $(BIN)/python -m $$generator; done

# Rewrites the expected pages and messages; the diff is what a change means to users.
golden: .venv/dev grafana-libraries
	$(BIN)/python -m pytest -q tests/config/test_config.py tests/devices/test_files.py tests/grafana/test_dashboards_shown.py tests/iam/test_iam_policy.py tests/metrics/test_golden.py --rewrite

# Ten thousand polls of an AWS that fails in every way, for each of five seeds, with a checker of the truth.
chaos: .venv/dev
	$(BIN)/python -m tools.chaos

# Hostile clients, one kind after the other; and the long run. Like the one above they rewrite docs/RELIABILITY.md.
siege: .venv/dev
	$(BIN)/python -m tools.siege

soak: .venv/dev
	$(BIN)/python -m tools.soak

# A real Prometheus's answers to all that the dashboards ask now, and what they show of them; the diff is the change.
dashboard-recordings: .venv/dev grafana-libraries
	$(BIN)/python -m tests.grafana.record
	$(MAKE) golden

# The pictures in README and docs, drawn by Grafana's own components in Chromium.
dashboard-pictures: .venv/dev grafana-libraries
	$(BIN)/python -m tests.grafana.pictures

# Grafana's own libraries, from npm, into a cache outside this folder. Without npm the tests that need them are skipped.
grafana-libraries:
	@if command -v npm >/dev/null; then tests/grafana/node/install.sh; else echo "npm is not here: skipping Grafana's libraries"; fi

# The documents as a site, in .cache/site/html.
site: .venv/dev
	$(BIN)/python -m tools.site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

benchmark: .venv/dev
	$(BIN)/python -m tools.benchmarks

# How good the silence rules are, measured on a synthetic fleet: rewrites the tables of docs/SILENCE.md.
silence: .venv/dev
	tools/real-parts.sh
	$(BIN)/python -m tools.silence

# How long a page takes: rewrites the figures in alerts/README.md.
delay: .venv/dev
	tools/real-parts.sh
	$(BIN)/python -m tools.delay

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

# The chart and the image on a real Kubernetes node; needs root, Go and Debian's buildah, podman, runc, debootstrap.
kubernetes: .venv/dev
	tools/kubernetes/parts.sh
	tools/image/build.sh
	CI=true $(BIN)/python -m pytest tests/helm

# What the Prometheus Operator, on such a node, makes of the chart's objects.
operator: .venv/dev
	tools/kubernetes/parts.sh
	tools/kubernetes/operator.sh
	tools/image/build.sh
	CI=true $(BIN)/python -m pytest tests/helm/by_operator.py

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv

# The hashes keep out a package that is not the one that was tested.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
LOCKED := $(INSTALL) --require-hashes --requirement
ITSELF := $(INSTALL) --no-deps --no-build-isolation --editable .

.venv/run: .venv/bin/python pyproject.toml requirements/run.txt requirements/build.txt
	$(LOCKED) requirements/run.txt --requirement requirements/build.txt
	$(ITSELF)
	touch $@

.venv/dev: .venv/bin/python pyproject.toml requirements/dev.txt
	$(LOCKED) requirements/dev.txt
	$(ITSELF)
	touch .venv/run $@

# Writes which version of every package is installed, after a change of what pyproject.toml asks for. The newest
# versions: `make lock UPGRADE=--upgrade`.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

# Without .venv/dev, which cannot be made while a package that builds this one is not locked yet.
lock: .venv/bin/python
	test -x $(BIN)/uv || $(INSTALL) uv
	$(COMPILE) $(UPGRADE) pyproject.toml --output-file requirements/run.txt
	$(COMPILE) $(UPGRADE) requirements/build.in --output-file requirements/build.txt
	$(COMPILE) $(UPGRADE) pyproject.toml requirements/build.in --extra dev --constraint requirements/run.txt --output-file requirements/dev.txt

clean:
	rm -rf .venv .cache dist build
