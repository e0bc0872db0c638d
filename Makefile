# `make run` and `make test` need git, make and Python 3.11 or newer; they set up the rest themselves.
PYTHON_ENV := .venv/bin/python
# Idle OpenMP threads sleep instead of spinning: on few cores the window and the model share them better.
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.PHONY: help run test lint bench screenshots lock setup setup-test clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## open the bundled checkpoint (without a display: render a tour); options: ARGS="..."
	@$(PYTHON_ENV) visualizer.py $(ARGS)

test: setup-test ## style, types, import rules and tests; options for pytest: ARGS="..."
	@ARGS="$(ARGS)" scripts/check.sh all

lint: setup-test ## style, types and import rules only
	@scripts/check.sh lint

bench: setup-test ## measure speed, quality and memory (out/benchmarks); options: ARGS="--only rendering"
	@$(PYTHON_ENV) -m benchmarks $(ARGS)

screenshots: setup-test ## make the pictures in docs/images again
	@$(PYTHON_ENV) scripts/screenshots.py $(ARGS)

lock: setup-test ## write the pinned requirements from what .venv has
	@$(PYTHON_ENV) scripts/lock.py

clean: ## remove what the tools and the program wrote (not data/, runs/, .venv/)
	rm -rf out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test
