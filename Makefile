# Every target sets up what it needs; a fresh clone on a fresh machine wants nothing but Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Where it is set, each process that a test or a sweep starts compiles the harness anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo board answers test test-all test-clusters lint format benchmarks clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY) ## train eight networks on real text, rank them, let the best one speak (5 minutes)
	$(BIN)/rnnbench -m experiment=demo
	$(BIN)/rnnbench leaderboard
	$(BIN)/rnnbench sample best --task language_modeling --dataset pydoc --setting word --prompt "The value of the"

board: $(READY) ## five tasks, four networks, three seeds on their defaults, into docs/leaderboard.md (11 minutes)
	$(BIN)/rnnbench -m experiment=board trainer.progress=false
	$(BIN)/python benchmarks/board.py > docs/leaderboard.md

test: $(READY) ## the fast tests (2 minutes)
	$(BIN)/pytest -n 2

test-all: $(READY) ## all tests, those that kill processes and those that need RNNBENCH_DATA included
	$(BIN)/pytest -n 2 -m "not cluster"

test-clusters: $(READY) ## sweeps on a real Ray cluster and, as root on Debian or Ubuntu, on a real SLURM (10 minutes)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ray,slurm]'
	$(BIN)/pytest -m cluster tests/sweep/test_ray.py
	tests/clusters/slurm.sh $(BIN)/pytest -m cluster tests/sweep/test_slurm.py

lint: $(READY) ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

format: $(READY) ## put the code in form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

benchmarks: $(READY) ## measure what the harness costs and how fast its primitives are (10 minutes)
	for script in benchmarks/*.py; do echo "$$script" && $(BIN)/python "$$script" || exit 1; done

answers: $(READY) ## answer the questions of docs/questions by experiments, and check that the pages hold (half an hour)
	$(BIN)/python docs/questions/make.py

clean: ## remove the virtual environment and caches; outputs/ stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis
