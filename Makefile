# Everything sets itself up: a virtual environment in .venv, dependencies, staged functions.
PYTHON ?= python3
BACKEND ?= embedded
SEEDS ?= 10000
REQUESTS ?= 10000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo up test simulate fuzz bench evaluate lint lock contracts format clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; say which with PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once, a minute or so) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(READY) ## Run sample orders through the whole chain
	@$(BIN)/python -m local demo --backend $(BACKEND)

up: $(READY) ## Start the local world and keep it until Ctrl-C
	@$(BIN)/python -m local up --backend $(BACKEND)

test: $(READY) ## Run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

simulate: $(READY) ## Run the steps through SEEDS random worlds (10000) and check every promise
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

fuzz: $(READY) ## Send REQUESTS odd requests (10000) to all functions and check every answer
	@$(BIN)/python -m tests.fuzz --requests $(REQUESTS)

evaluate: $(READY) ## Write the evaluation as one page, benchmarks/results/evaluation.html
	@$(BIN)/python -m benchmarks.report

bench: $(READY) ## Run the benchmarks, or only ONLY=cold_start; figures go to benchmarks/results
	@$(BIN)/python -m benchmarks $(ONLY)

lint: $(READY) ## Run the linters and the type checker
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/shellcheck deploy.sh .ci/run
	@$(BIN)/mypy

lock: $(READY) ## Write requirements.lock, which is deployed, from requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make lock" requirements.txt --output-file requirements.lock

contracts: $(READY) ## Write docs/contracts from the event types
	@$(BIN)/python -m local.contracts

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove the environment and the local worlds
	rm -rf $(VENV) .local .stage
