# Freshledger: `make` lists the targets. Python 3.11 to 3.14 and make are all that is needed.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DEV := .venv/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SOURCES := dal webapp sql migrations tests docs
DATA ?= ../shared/data
ROWS ?= 1000000
READS ?= 20000
EDITS ?= 200
CASES ?= 120
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test check lint types docs docs-check format migrate sql plans indexes matrix import-shared measure freshness latency measure-streams measure-memory write-cost diagnosis prune bench bench-data lock clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --no-deps --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(STAMP) requirements-dev.lock
	$(PIP) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

run: $(STAMP) ## serve the ledger on http://127.0.0.1:8000 (PORT=8123, DATABASE_URL=…, FRESHLEDGER_HOME=…)
	$(BIN)/freshledger serve

test: $(DEV) ## run the tests on a real PostgreSQL and in a real headless Chromium (ARGS=…, JOBS=…)
	$(BIN)/pytest --cov --numprocesses $(JOBS) --dist loadfile $(ARGS)

check: lint types docs-check test ## all that CI runs

lint: $(DEV) ## ruff: rules and format
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(DEV) ## mypy, strict
	$(BIN)/mypy

format: $(DEV) ## let ruff write the format
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

docs: $(DEV) ## print what the code says into the README and the diagnosis, and draw its pictures
	$(BIN)/python docs/print.py --write
	$(BIN)/python docs/drawings.py --write

docs-check: $(DEV) ## fail if the README is not what the code says
	$(BIN)/python docs/print.py --check

migrate: $(STAMP) ## bring the database's schema up to date
	$(BIN)/freshledger migrate

sql: $(STAMP) ## list every statement that a page can need, ready for psql
	@$(BIN)/freshledger statements

plans: $(DEV) ## write the plan of every statement on a generated ledger to sql/plans/, to be reviewed as a diff
	$(BIN)/python sql/plan.py

matrix: $(DEV) ## every filter and every two of them, beside the naive statement (ROWS=…, CASES=… of each group)
	$(BIN)/python sql/matrix.py $(ROWS) $(CASES)

indexes: $(DEV) ## print docs/indexes.md: what each index is for and costs, on 100,000 generated transactions
	$(BIN)/python sql/indexes.py

import-shared: $(STAMP) ## import real exports from DATA=… and check that every row is accounted for
	$(BIN)/python tests/import_shared.py $(DATA)

measure: $(DEV) ## buffers by depth, page against raw psycopg and against REPEATABLE READ, import against INSERT … SELECT (ROWS=…)
	$(BIN)/python sql/measure.py $(ROWS)

freshness: $(DEV) ## hold READS=… answers under load and faults against what was written; writes docs/freshness.md
	$(BIN)/python -m tests.freshness --reads $(READS) --report docs/freshness.md

measure-streams: $(DEV) ## memory, processor and latency of 100 to 2,000 open pages of one process
	$(BIN)/python docs/measure_streams.py

latency: $(DEV) ## from COMMIT to the screen in a real Chromium: p50 and p99 of EDITS=200; and the back button
	$(BIN)/python -m tests.webapp.latency $(EDITS)

measure-memory: $(DEV) ## resident memory: a stream and an export of ROWS=… transactions, a worker of 10,000 requests
	$(BIN)/python docs/measure_memory.py $(ROWS)

bench: $(DEV) ## our page beside the tools one would otherwise use, on ROWS=… rows; writes docs/benchmarks.md
	$(BIN)/python -m tests.bench --rows $(ROWS) --report docs/benchmarks.md

write-cost: $(DEV) ## what the change log costs those who write: throughput with its triggers on ÷ off
	$(BIN)/python sql/write_cost.py

diagnosis: $(DEV) ## put every claim about stale pages on trial, build the matrix, print docs/diagnosis.md
	$(BIN)/python -m tests.staleness.matrix
	VERDICTS=tests/staleness/verdicts.json $(BIN)/pytest tests/staleness -m "" \
	  --deselect tests/staleness/test_matrix.py::test_the_whole_matrix_is_as_it_was_kept \
	  --deselect tests/staleness/test_document.py $(ARGS)
	$(BIN)/python -m tests.staleness.instruments
	$(BIN)/python docs/print.py --write
	$(BIN)/pytest tests/staleness/test_document.py

prune: $(STAMP) ## forget the changes that are older than KEEP_HISTORY_DAYS
	$(BIN)/freshledger prune

bench-data: $(STAMP) ## fill the empty ledger of DATABASE_URL with ROWS=… generated transactions (needs psql)
	$(BIN)/freshledger migrate
	psql "$(DATABASE_URL)" -X -v rows=$(ROWS) -c "\timing on" -f sql/seed/ledger.sql

lock: ## write the hashed locks anew (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group build --group dev --group staleness --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q -o requirements-dev.lock

clean: ## remove the virtual environment and caches; the ledger in .freshledger/ stays
	rm -rf .venv .bench-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
