# `make` lists the targets. ARGS are arguments of the command: make test ARGS="-k cooldown -x"

PYTHON := $(or $(PYTHON),$(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3))
PIP = .venv/bin/python -I -m pip install --no-user --no-input --disable-pip-version-check
PYTEST = .venv/bin/python -m pytest
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras

VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)

# Without bytecode files every run would compile all modules again.
export PYTHONDONTWRITEBYTECODE :=

# Tests of one file run in one process, because they share fixtures. Some wait, so two processors have
# three processes. Each collects all tests, which takes ten seconds.
WORKERS = 3
PARALLEL ?= -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install install-dev run call test test-slow test-all test-unit test-long test-adapter
.PHONY: test-samples test-containers test-pooler test-browser test-clients coverage coverage-report mutants servers
.PHONY: check format diagrams docs docs-serve openapi retention screenshots lock sbom bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^## / { print "\n" substr($$0, 4) } \
	  /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

## Service
# A .venv is complete if it has a stamp: an empty file whose name has the Python, the folder and the
# content of what was installed. Each install deletes all stamps first, and creates its own at the end.
sha256 = $(shell { $(1); } 2>&1 | sha256sum | cut -c -12)
# A .venv has one distribution of this project, so another name of it needs another .venv.
ORIGIN := $(call sha256,readlink -f "$$(command -v $(PYTHON))"; $(PYTHON) -VV; pwd; grep ^name pyproject.toml)
RUN := .venv/installed-$(ORIGIN)-run-$(call sha256,cat pyproject.toml requirements.lock)
DEV := .venv/installed-$(ORIGIN)-dev-$(call sha256,cat pyproject.toml requirements.lock requirements-dev.lock)

install: $(RUN) ## install the packages of the service into .venv
install-dev: $(DEV) ## install the packages of tests and checks too

$(RUN): LOCKS = requirements.lock
$(DEV): LOCKS = requirements.lock requirements-dev.lock

# pip inherits the lock on file 9, so another install waits even for a pip whose make was killed.
# An incomplete .venv is made again, because pip trusts a package that it has half installed.
# The locks have all that is needed, so pip looks for nothing else. Afterwards all processors compile:
# the user of a service may not write bytecode. Some packages have files for other Pythons.
$(RUN) $(DEV):
	@$(PYTHON) -I -c 'import ensurepip, sqlite3, ssl, sys, venv; assert (3, 11) <= sys.version_info[:2] <= (3, 13)' \
	  || { printf '%s\n' "" \
	    "Python 3.11, 3.12 or 3.13 with its modules venv, ssl and sqlite3 is needed." \
	    "This is $$($(PYTHON) -V 2>&1) ($(PYTHON))." \
	    "  Debian, Ubuntu: sudo apt install python3.11 python3.11-venv" \
	    "  Fedora:         sudo dnf install python3.11" \
	    "If it is installed elsewhere: make PYTHON=/path/to/python3.11 install"; exit 1; }
	@set -e; unset PYTHONHOME PYTHONPATH; exec 9> .venv.lock; \
	if command -v flock > /dev/null && ! flock -n 9; then \
	  echo "Another install runs in this folder: waiting for it."; flock 9; fi; \
	if [ -e $@ ]; then exit; fi; \
	echo "Installing $(LOCKS) into .venv. The first time takes some minutes."; \
	ls .venv/installed-$(ORIGIN)-* > /dev/null 2>&1 || $(PYTHON) -I -m venv --clear .venv; \
	rm -f .venv/installed-*; \
	$(PIP) --no-deps --no-compile --require-hashes $(LOCKS:%=--requirement=%); \
	$(PIP) --no-deps --no-build-isolation --editable .; \
	.venv/bin/python -I -m compileall -qq -j 0 .venv/lib || :; \
	.venv/bin/python -I -m compileall -q adapters application domain entrypoints; \
	touch $@ $(RUN)

run: install ## start the service
	.venv/bin/dialtone run $(ARGS)

call: install-dev ## call the service in the terminal, with a simulated Twilio
	.venv/bin/python -m tests.support.servers.fake_twilio.call $(ARGS)

## Tests
test: install-dev ## what one waits for: all rules, all databases, a walk through the API
	$(PYTEST) $(PARALLEL) --ignore=tests/e2e --ignore=tests/faults -m "not slow" --hypothesis-profile=quick $(ARGS)

test-slow: install-dev ## the running service, kills, lost connections, full disks, S3, TLS
	$(PYTEST) $(PARALLEL) -m slow $(ARGS)

test-all: test test-slow test-long test-samples test-containers test-pooler test-browser test-clients ## both, and long properties, samples, containers, browser, clients

## Parts and variants of the tests

# Unit tests share no fixtures, so a process that is done takes the next test of any file.
test-unit: PARALLEL = -n 2 --dist worksteal
test-unit: install-dev ## only the unit tests, without properties
	$(PYTEST) $(PARALLEL) tests/unit -m "not hypothesis and not slow" $(ARGS)

test-long: install-dev ## properties, with 20 times as many examples
	$(PYTEST) $(PARALLEL) -m hypothesis --hypothesis-profile=long --timeout=3000 $(ARGS)

test-adapter: install-dev ## the contract tests for your adapter (ADAPTER=package.module:factory PORT=messages)
	$(PYTEST) -c tests/contract/suites/pytest.toml --adapter="$(ADAPTER)" --port="$(PORT)" $(ARGS)

# What was tried is written down when all tests pass, so `.ci/run` need not try it again.
test-samples: install-dev ## the samples in docs/deploy: nginx, Compose, Kubernetes, systemd, Prometheus
	$(PYTEST) $(PARALLEL) tests/samples $(ARGS)
	$(if $(ARGS),,.venv/bin/python -m tests.samples --write)

test-containers: install-dev ## the contract tests and the walk with MongoDB and S3 in containers
	.venv/bin/python -m tests.support.servers.containers $(PARALLEL) tests/contract tests/walk \
	  -k "in_mongo or on_mongo or s3" $(ARGS)

test-pooler: install-dev ## the contract tests and the walk with PgBouncer in front of PostgreSQL
	.venv/bin/python -m tests.support.servers.pgbouncer $(PARALLEL) tests/contract tests/walk \
	  -k "in_postgres or on_postgres" $(ARGS)

# Its tests share one browser.
test-browser: PARALLEL =
test-browser: install-dev ## what pages of other origins can do, in Chromium
	$(PYTEST) $(PARALLEL) tests/browser $(ARGS)

test-clients: install-dev ## lint the API description; generate clients, sign in and upload with them
	$(PYTEST) $(PARALLEL) tests/clients $(ARGS)

coverage: install-dev ## make test with coverage; of all branches the domain needs 98 %
	$(MAKE) test ARGS="--cov --cov-report= $(ARGS)"
	$(MAKE) coverage-report

# Each gate is a full point below the lowest of several runs: races and time limits decide which lines
# of a few tests run.
coverage-report: install-dev ## the report of the last run with coverage
	.venv/bin/coverage report --include='domain/*' --fail-under=98
	.venv/bin/coverage report --include='application/*' --fail-under=96
	.venv/bin/coverage report --include='adapters/*' --fail-under=90
	.venv/bin/coverage report --include='entrypoints/*' --fail-under=89

mutants: install-dev ## mutation tests of the domain (ARGS='domain.phone.*' for one module)
	.venv/bin/mutmut run $(ARGS)
	@! .venv/bin/mutmut results | grep -v 'not checked'

servers: install-dev ## run MongoDB, PostgreSQL and S3 for tests in another terminal, until Ctrl-C
	.venv/bin/python -m tests.support.servers

## Code
check: install-dev ## style, types, imports, dependencies, dead code, spelling, prose
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/deptry .
	.venv/bin/vulture
	.venv/bin/codespell
	.venv/bin/python -m tests.tooling.prose

format: install-dev ## format the code
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# Without this package the theme would load it from another host, so diagrams stay text then.
diagrams:
	@if command -v npm > /dev/null; then npm ci --ignore-scripts --prefix tests/docs_site/npm; \
	else echo "npm is missing, so diagrams stay text."; fi

# The variable ends an advertisement of the theme.
docs docs-serve: MKDOCS = NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs
docs: install-dev diagrams ## write the documentation as a site into site/
	$(MKDOCS) build --strict $(ARGS)

docs-serve: install-dev diagrams ## show the site at http://127.0.0.1:8001, and each change at once
	$(MKDOCS) serve --dev-addr 127.0.0.1:8001 $(ARGS)

# Written to a temporary file first: a failure must not empty it.
openapi: install-dev ## write docs/openapi.json after a change of the API
	.venv/bin/python -m entrypoints.composition.openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

retention: install-dev ## write the tables of docs/retention.md after a change of stored fields
	.venv/bin/python -m entrypoints.composition.retention > docs/retention.md.new
	mv docs/retention.md.new docs/retention.md

screenshots: install-dev ## take those of the docs again, in Chromium
	.venv/bin/python -m tests.browser.screenshots $(ARGS)

lock: install-dev ## update all locks from pyproject.toml (ARGS=--upgrade for newer versions)
	$(COMPILE) pyproject.toml --group build --all-extras --output-file requirements.lock $(ARGS)
	$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock $(ARGS)

## Release
# Its warning is right: a lock does not say which library needs which.
sbom: install-dev ## write the SBOM of a release into dist/, from the lock (CycloneDX)
	mkdir -p dist
	.venv/bin/cyclonedx-py requirements --output-reproducible --pyproject=pyproject.toml \
	  --output-file=dist/dialtone-$(VERSION).cdx.json $(ARGS) requirements.lock

## Measurements
bench: install-dev ## speed, in 5 minutes; ARGS=sizing
	.venv/bin/python -m tests.benchmarks $(ARGS)

# .venv.lock stays: without it two installs could run at once.
clean: ## delete .venv and caches, but not .env and var/
	rm -rf .venv .coverage* htmlcov mutants dist site .hypothesis .*_cache
	find adapters application domain entrypoints tests -name __pycache__ -prune -exec rm -rf {} +
