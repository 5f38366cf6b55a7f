# The few commands of this project. `make demo` and `make test` work from a fresh clone.
# Both virtual environments hold exactly what the hash-pinned locks in requirements/ say.

PYTHON ?= python3
VENV := .venv
# Environments that exist already (an image's, a developer's own) are used by VENV=... and never rebuilt.
BIN := $(VENV)/bin
# two more than processors: tests of real processes wait more than they compute
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

.PHONY: help demo test check bench bench-service lock docs clean python sim sim-long crash crash-long

help:
	@echo "make demo    mirror a simulated Salesforce org and Stripe account, both ways"
	@echo "make test    the whole suite          make check   lint, types, layers"
	@echo "make sim     200 seeded simulations  make sim-long  10,000 of them"
	@echo "make crash   kill it at every step       make crash-long   at every two steps, on PostgreSQL, at every COMMIT"
	@echo "make bench   speed against floors     make bench-service  latency, intake, idle cost of the service"
	@echo "make lock    resolve the dependencies again"
	@echo "make docs    write generated pages    make clean   remove what these commands made"

demo: $(VENV)/.program
	$(BIN)/python -m connector demo

# bytecode is kept whatever the environment says: each worker would compile all tests again, each time
test: $(VENV)/.development
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

check: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

crash: $(VENV)/.development
	$(BIN)/python -m tests.support.crash_explore

crash-long: $(VENV)/.development
	$(BIN)/python -m tests.support.crash_explore --pairs
	$(BIN)/python -m tests.support.crash_explore --pairs --postgres
	$(BIN)/python -m tests.support.crash_explore --disk
	$(BIN)/python -m tests.support.crash_explore --commits

bench: $(VENV)/.development
	$(BIN)/python -m bench.run $(BENCH)
	$(BIN)/python -m bench.neighbours

# what the service promises of time; SERVICE="soak" takes half an hour
bench-service: $(VENV)/.development
	$(BIN)/python -m bench.service $(SERVICE)
	$(BIN)/python -m bench.store
	$(BIN)/python -m bench.engine
	$(BIN)/python -m bench.workers

# SEEDS=200 SEED_START=0 runs so many seeds on all cores, SEED=17 replays one and cuts it down
SIM = $(BIN)/python -m tests.simulation.run

sim: $(VENV)/.development
	$(SIM) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200) --start $(or $(SEED_START),0))

sim-long: $(VENV)/.development
	$(SIM) --seeds $(or $(SEEDS),10000) --start $(or $(SEED_START),0)

docs: $(VENV)/.development
	$(BIN)/python -m tools.generate_docs

# The address of the package index is this machine's business and must not be written down.
PIP_COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra postgres

lock: $(VENV)/.development
	$(PIP_COMPILE) --upgrade --output-file requirements/program.txt pyproject.toml requirements/build.in
	$(PIP_COMPILE) --upgrade --extra dev --constraint requirements/program.txt \
		--output-file requirements/development.txt pyproject.toml requirements/build.in

# A stamp is as old as the lock it was made from. The development environment holds the program's too.
$(VENV)/.program: requirements/program.txt pyproject.toml
	@if [ ! -e $(VENV)/.development ] || [ $(VENV)/.development -ot requirements/program.txt ]; then \
		$(MAKE) --no-print-directory python && $(call install,requirements/program.txt); fi
	@touch $@

$(VENV)/.development: requirements/development.txt pyproject.toml
	@$(MAKE) --no-print-directory python && $(call install,requirements/development.txt)
	@touch $@ $(VENV)/.program

# --no-deps and --no-build-isolation: nothing but the lock is ever downloaded.
define install
	echo "installing from $(1)" && \
	{ [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); } && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endef

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "connector needs Python 3.11 or newer as '$(PYTHON)'; name another one: make PYTHON=python3.12 ..." >&2; exit 1; }

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
