# One short command for each chore. `make help` tells them.
SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=
# Tests in parallel: as many processes as there are processors, at most four.
JOBS ?= -n logical --maxprocesses=4
CODE := $(wildcard src tests bench)
export PYTHON

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install everything for development into .venv
	@scripts/setup dev

.PHONY: setup-run
setup-run:
	@scripts/setup run

.PHONY: run
run: setup-run ## Serve on http://127.0.0.1:8000 (ARGS="--port 9000" and so on)
	@exec $(BIN)/talkwire serve $(ARGS)

.PHONY: test
test: setup ## Run all tests (ARGS="tests/engine -k abort" narrows)
	@scripts/setup-tests
	@$(BIN)/pytest $(JOBS) -q $(ARGS)

.PHONY: check
check: setup ## Format, lint, types, layers, architecture: changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/architecture

.PHONY: fmt
fmt: setup ## Format the code and repair what ruff can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure, and write docs/performance.md
	@$(BIN)/python -m bench $(ARGS)

.PHONY: chaos
chaos: setup ## Kill the server at random and count what its readers saw
	@$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: fuzz
fuzz: setup ## Ask the server thousands of generated requests, over its OpenAPI document
	@$(BIN)/python -m tests.e2e.fuzzing $(ARGS)

COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: lock
lock: setup ## Lock dependencies after an edit of pyproject.toml (ARGS="-P NAME" upgrades one)
	$(COMPILE) $(ARGS) pyproject.toml -o requirements/run.txt
	$(COMPILE) $(ARGS) pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) $(ARGS) requirements/installer.in -o requirements/installer.txt
	@! grep -nE '[a-z]+://' requirements/*.txt

.PHONY: clean
clean: ## Remove .venv and everything generated
	rm -rf .venv build dist htmlcov .coverage .coverage.* \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
