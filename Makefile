# The two commands are `make up` and `make test`; both make their own environment first.
# Distributions optimise their Python by profile, pyenv as a rule does not: the gateway takes a fifth less
# CPU with the former (docs/decisions/0014). PYTHON=... chooses another.
PYTHON ?= $(shell (for each in /usr/bin/python3.1[1-9]; do \
            $$each -c 'import ensurepip, venv' 2>/dev/null && echo $$each; done; echo python3) | head -1)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.locked
ARGS   ?=
# A shell may forbid Python to keep what it has compiled; the tests start it hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := $(STAMP)
.PHONY: up test check format lock bench e2e-assistants lock-assistants clean

# uv comes first, checked against its own hashes in the lock; then uv installs the whole lock.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gatehouse needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	awk '/^uv==/{p=1} /^[a-z]/&&!/^uv==/{p=0} p' requirements.lock > $(VENV)/uv.txt
	$(BIN)/python -m pip install -q --require-hashes --no-deps -r $(VENV)/uv.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync -q --require-hashes requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	$(BIN)/python -c 'import gateway.cli, gateway.main, gateway.telemetry.shipper'  # a start finds these compiled
	LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_MODE=PRODUCTION $(BIN)/python -c 'import litellm'
	touch $@

up: $(STAMP)            ## start the gateway on 127.0.0.1:7070 (options: make up ARGS="--port 8080")
	@exec $(BIN)/gatehouse up $(ARGS)

test: check             ## every test, after every check
	$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

check: $(STAMP)         ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)        ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)          ## resolve requirements.lock anew: versions and hashes, no addresses, nothing newer than a week
	$(BIN)/uv pip compile pyproject.toml --extra local --extra dev --extra bench --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements.lock

bench: $(STAMP)         ## the gateway beside its peers, in one run (minutes; see benchmarks/README.md)
	$(BIN)/python -m benchmarks $(ARGS)

e2e-assistants: $(STAMP)  ## the real assistants, installed and run through the gateway (minutes, about 2 GB)
	$(BIN)/python -m tests.assistants $(ARGS)

lock-assistants: $(STAMP)  ## resolve the assistants' locks anew, after editing tests/assistants/pins.toml
	$(BIN)/python -m tests.assistants.lock

clean:                  ## remove the environment and caches, keep data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
