# Needs make, bash and Python 3.11 or newer with its venv module. Everything else comes into .venv.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two pips in one environment would be in each other's way.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# The first of these that is new enough; name another one with `make install PYTHON=/path/to/python`.
PYTHON ?= $(shell for python in python3 python python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
PORT ?= 8080
# An index with the CPU build of torch. Unset, pip takes torch from where it looks anyway: on PyPI, for
# Linux on x86-64, that is the build with CUDA, several GB of it.
TORCH_INDEX_URL ?=
EXPERIMENT ?= training/experiments/default.toml
MODEL ?= models/default
IMAGE ?= closeloop
# Further arguments of pytest, such as ARGS='-k queue -x'.
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PIP_INSTALL := $(PIP) install $(if $(TORCH_INDEX_URL),--extra-index-url "$(TORCH_INDEX_URL)")
# Of pip's hundreds of lines, the large downloads: they are what one waits for.
ONLY_LARGE := { grep --line-buffered -E 'Downloading .*\(([0-9]{2,}(\.[0-9]+)? MB|.* GB)\)' || true; }
FAST := not weights and not postgres and not qdrant and not data and not slow

.PHONY: help install install-dev encoder run test test-fast check fix openapi train evaluate bench image clean

help: ## Print this list
	@echo 'Times are of two cores and a common line; what is done already is not done again.'
	@echo
	@sed -n -E 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

install: $(VENV)/.project encoder ## Make .venv with `closeloop` in it and bring the encoder (2 to 5 minutes)

install-dev: $(VENV)/.dev-packages $(VENV)/.project ## The same with what tests and checks need, without the encoder

run: install ## Install, then serve on http://127.0.0.1:8080 without keys (PORT=...; ready in 10 s)
	CLOSELOOP_AUTH=off $(BIN)/closeloop serve --host 127.0.0.1 --port $(PORT)

test: install-dev encoder ## Install, then run all tests (minutes); tests of data need CLOSELOOP_DATA
	$(BIN)/python -m pytest $(ARGS)

test-fast: install-dev ## Tests that need no weights, no PostgreSQL and no data (a minute or so)
	$(BIN)/python -m pytest -m "$(FAST)" $(ARGS)

check: install-dev ## Lint, format, types and imports between the rooms (a minute; seconds the second time)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: install-dev ## Mend what ruff can mend (seconds)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: install-dev ## Write docs/openapi.json anew from the application (seconds)
	$(BIN)/python -c "$$WRITE_OPENAPI"

train: install ## Train branch and heads, gate and register them (an hour on two cores; needs CLOSELOOP_DATA)
	$(BIN)/python -m training run $(EXPERIMENT)

evaluate: install ## Measure MODEL anew and compare with what it states (ten to twenty minutes; needs CLOSELOOP_DATA)
	$(BIN)/python -m training evaluate $(EXPERIMENT) --model $(MODEL)

bench: install-dev encoder ## Run the benchmarks (many minutes; leave the machine idle)
	for script in tests/benchmarks/*.py; do \
		if grep -q '__main__' "$$script"; then echo "== $$script"; $(BIN)/python "$$script"; fi; done

image: ## Build the container image, encoder included (5 to 10 minutes; needs docker)
	docker build --build-arg TORCH_INDEX_URL="$(TORCH_INDEX_URL)" --tag $(IMAGE) .

clean: ## Remove .venv, caches and build output; keep var/, runs/, .env and the model cache
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

encoder: $(VENV)/.project
	@$(BIN)/closeloop prepare

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "closeloop needs Python 3.11 or newer; python3 here is" \
		"$$(python3 --version 2>&1 || true). Install a newer one, or name it: make install PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "closeloop needs Python 3.11" \
		"or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>&1 || true)." >&2; exit 1; }
	@echo "Making $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv --clear $(VENV) || { echo "Python's venv module is not whole; on Debian and Ubuntu" \
		"it comes with the package python3-venv." >&2; exit 1; }
	@touch $@

$(VENV)/.packages: requirements.txt $(VENV)/.made
	@echo "Installing $$(grep -c '^[^#]' $<) packages (1 to 4 minutes, most of it torch; 1.5 GB on disk)"
	@$(PIP_INSTALL) --progress-bar off --requirement $< | $(ONLY_LARGE)
	@touch $@

$(VENV)/.dev-packages: requirements-dev.txt $(VENV)/.packages
	@echo "Installing $$(grep -c '^[^#]' $<) packages for tests and checks (20 seconds)"
	@$(PIP_INSTALL) --progress-bar off --requirement requirements.txt --requirement $< | $(ONLY_LARGE)
	@touch $@

# Its dependencies are pinned and installed already; setuptools, which builds it, is one of them.
$(VENV)/.project: pyproject.toml $(VENV)/.packages
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

define WRITE_OPENAPI
import json
from pathlib import Path
from service.app import create_app, openapi_of
from service.settings import Settings
document = json.dumps(openapi_of(create_app(Settings())), indent=2, ensure_ascii=False)
Path("docs/openapi.json").write_text(document + "\n", encoding="utf-8")
endef
export WRITE_OPENAPI
