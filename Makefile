# Two commands matter: `make demo` and `make test`. Both need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SEED   ?= 7

.PHONY: demo test serve load bench bench-population clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'emr-sandbox needs Python 3.11 or newer; $(PYTHON) is '"$$($(PYTHON) -V 2>&1)" >&2; echo >&2; \
	  echo 'hint: make PYTHON=python3.12' >&2; exit 4; }
	@$(PYTHON) -m venv $(VENV) || { echo 'hint: on Debian and Ubuntu the venv module is the package python3-venv' >&2; exit 4; }

$(VENV)/.ready: pyproject.toml $(BIN)/python
	@echo 'installing emr-sandbox into $(VENV) …' >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.ready-dev: pyproject.toml $(BIN)/python
	@echo 'installing emr-sandbox and its development tools into $(VENV) …' >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.ready

# Clients of other languages for tests/clients, where npm is found; the tests name themselves skipped without them.
$(VENV)/.ready-node: tests/clients/package-lock.json $(BIN)/python
	@if command -v npm >/dev/null; then npm ci --prefix tests/clients --no-audit --no-fund --silent \
	  || echo 'npm could not install the clients of tests/clients: those tests are skipped' >&2; fi
	@touch $@

# The reference integration must be green, the one with a named bug must be red (exit 1): anything else is an error.
demo: $(VENV)/.ready
	@$(BIN)/emr-sandbox check --reference --seed $(SEED) --report report
	@$(BIN)/emr-sandbox check --reference --mutant first_page_only --seed $(SEED) --report report/mutant; test $$? -eq 1
	@echo 'reports: report/index.html (reference), report/mutant/index.html (with the bug first_page_only)'

test: $(VENV)/.ready-dev $(VENV)/.ready-node
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

serve: $(VENV)/.ready
	@$(BIN)/emr-sandbox serve

load: $(VENV)/.ready-dev
	@$(BIN)/emr-sandbox load chart-open

bench: $(VENV)/.ready-dev
	@$(BIN)/python -m loadtests.bench
	@$(BIN)/python -m loadtests.bench_faults

bench-population: $(VENV)/.ready-dev
	@$(BIN)/python -m loadtests.population

clean:
	rm -rf $(VENV) report dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
