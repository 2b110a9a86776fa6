# Everything a newcomer needs is `make demo` and `make test`; each sets itself up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVE ?= 1
PORT ?= 8000
DATA ?= ../shared/data

# Bytecode is kept: every process of the suite would compile all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench serve mlflow docs notebooks format lock packages clean

demo: $(VENV)/.demo
	$(BIN)/regulars demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve,--serve)

# The checks run beside the tests: alone, each leaves cores idle.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory -j 2 suite check-static

# One process compiles everything first: the workers would all compile it at the same time.
.PHONY: suite
suite: $(VENV)/.dev
	$(BIN)/python -m pytest --collect-only --quiet >$(VENV)/collected.log || { cat $(VENV)/collected.log; exit 1; }
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev check-static
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not browser"

.PHONY: check-static
check-static: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks --data $(DATA)

.PHONY: bench-faults
bench-faults: $(VENV)/.dev
	$(BIN)/python -m benchmarks.faults_serving
	$(BIN)/python -m benchmarks.faults_connections
	$(BIN)/python -W ignore -m benchmarks.faults_live
	$(BIN)/python -W ignore -m benchmarks.faults_train
	$(BIN)/python -W ignore -m benchmarks.faults_run
	$(BIN)/python -W ignore -m benchmarks.faults_models
	$(BIN)/python -m benchmarks.faults_rows

serve: $(VENV)/.demo
	$(BIN)/regulars serve --port $(PORT)

mlflow: $(VENV)/.demo
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db --port 5000

docs: $(VENV)/.demo
	$(BIN)/python -m features.documentation

notebooks: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[notebook]'
	$(BIN)/python docs/notebooks.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What is installed, with hashes: requirements/serve.txt answers and scores, train.txt also trains.
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --constraint constraints.txt --generate-hashes --no-header --no-annotate
lock: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[release]'
	$(LOCK) --extra postgres --extra sign-in --output-file requirements/serve.txt
	$(LOCK) --extra postgres --extra sign-in --extra train --output-file requirements/train.txt

packages: $(VENV)/.demo
	$(BIN)/python -m features.packages
	$(BIN)/python -m features.packages --sbom sbom.json

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist sbom.json

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Regulars needs Python 3.11 or newer; $$($(PYTHON) --version) is $(PYTHON). Try: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo
