# A bare `make` lists what there is to do. ARGS are handed on: make test ARGS="-k cooldown -x"

PYTHON ?= $(or $(shell command -v python3.11 || command -v python3),$(error $(NO_PYTHON)))
NO_PYTHON = Python 3.11 is needed. Debian, Ubuntu: apt install python3.11 python3.11-venv. Fedora: dnf install python3.11

# -I keeps entrypoints/http from standing in for the standard library's http.
INSTALL = @$(PYTHON) -I entrypoints/install.py
PYTEST = .venv/bin/python -m pytest
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# Whoever wants no bytecode written means other folders: without it every run compiles all it reads.
export PYTHONDONTWRITEBYTECODE :=

# Tests of one file stay in one process, which keeps what they share. Now and then one waits, so
# three keep two cores busy.
WORKERS = 3
PARALLEL ?= -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test test-unit test-long test-adapter test-faults
.PHONY: test-containers coverage mutants servers check format lock bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

install: ## install what the service runs on into .venv
	$(INSTALL) run

install-dev: ## install what tests and checks need as well
	$(INSTALL) dev

run: install ## start the service
	.venv/bin/dialtone run $(ARGS)

test: install-dev ## every test whose outcome hangs on no clock
	$(PYTEST) $(PARALLEL) $(ARGS)

# These share nothing, so any of them may go to whoever is done first.
test-unit: PARALLEL = -n 2 --dist worksteal
test-unit: install-dev ## the unit tests alone, but for what tries very much
	$(PYTEST) $(PARALLEL) tests/unit -m "not hypothesis and not exhaustive" $(ARGS)

test-long: install-dev ## what makes examples of its own: twenty times as many, others each time
	$(PYTEST) $(PARALLEL) -m hypothesis --hypothesis-profile=long --timeout=3000 $(ARGS)

test-adapter: install-dev ## our suites over an adapter of yours: ADAPTER=package.module:factory
	.venv/bin/python -m tests.adapter_run "$(ADAPTER)" $(ARGS)

# Faults ask whether an answer came in time, which a machine with too much to do would deny, and
# containers take some of it for themselves.
test-faults test-containers: WORKERS = 2
test-faults: install-dev ## kills, lost connections, full disks
	$(PYTEST) $(PARALLEL) tests/faults $(ARGS)

test-containers: install-dev ## what uses servers, with these in containers; says if none can be had
	.venv/bin/python -m tests.support.servers.container_run $(PARALLEL) $(ARGS)

coverage: install-dev ## make test, measured: of the rules 95 % of the branches have to be reached
	.venv/bin/coverage erase
	$(MAKE) test ARGS="--cov --cov-report= $(ARGS)"
	.venv/bin/coverage report --include='adapters/*,entrypoints/*'
	.venv/bin/coverage report --include='domain/*,application/*' --fail-under=95

mutants: install-dev ## change the rules in every small way and see the tests notice (ARGS=domain/phone.py)
	.venv/bin/python -m tests.mutants $(ARGS)

servers: install-dev ## MongoDB and S3 for the tests of another terminal, until Ctrl-C
	.venv/bin/python -m tests.support.servers

check: install-dev ## style, types, who may import whom, dependencies
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/deptry .

format: install-dev ## put the code into the one format
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

lock: install-dev ## write both locks from pyproject.toml (ARGS=--upgrade for newer versions)
	$(COMPILE) pyproject.toml --group build --output-file requirements.lock $(ARGS)
	$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock $(ARGS)

bench: install-dev ## measure: rates, what abuse brings, what times tell (ARGS=abuse for one)
	.venv/bin/python -m tests.benchmarks $(ARGS)

# .venv.lock stays: taking it away would let two installs into one .venv.
clean: ## remove .venv and caches; settings and var/ stay
	rm -rf .venv .coverage* htmlcov mutants build dialtone.egg-info .hypothesis .*_cache
	find adapters application domain entrypoints tests -name __pycache__ -prune -exec rm -rf {} +
