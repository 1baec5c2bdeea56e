# make demo | test | sessions | browser | lint | crash | fuzz | diff | bench
CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)

.PHONY: demo test sessions browser lint crash fuzz diff bench

demo: ## builds, serves, pushes the example project, streams events, shows the ranking
	$(CARGO) build --release -p roost-server
	$(PYTHON) docs/examples/ux-personalization/demo.py --binary target/release/roost

test: $(VENV)/ready ## everything, on a fresh machine
ifeq ($(NEXTEST),yes)
	ROOST_PYTHON=$(CURDIR)/$(VENV)/bin/python $(CARGO) nextest run --workspace --features roost-server/kafka --no-fail-fast
	$(CARGO) test --doc --workspace --features roost-server/kafka
else
	ROOST_PYTHON=$(CURDIR)/$(VENV)/bin/python $(CARGO) test --workspace --features roost-server/kafka --no-fail-fast
endif

$(VENV)/ready: tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	while read -r line; do $(VENV)/bin/pip install --quiet --disable-pip-version-check $$line || exit 1; done < tests/requirements.txt
	touch $@

# The clients do not fit into one environment: each has its own.
SESSIONS := tb5:tinybird-cli==5.22.2 tb6:tinybird-cli==6.5.5 fwd:tinybird==5.0.2

sessions: ## whole scripted sessions of three command line clients, minutes
	$(CARGO) build --workspace --bins
	for one in $(SESSIONS); do \
	  venv=$(VENV)-$${one%%:*}; \
	  test -x $$venv/bin/tb || { $(PYTHON) -m venv $$venv && $$venv/bin/pip install --quiet --disable-pip-version-check $${one#*:}; } || exit 1; \
	  $(PYTHON) tests/clients/sessions.py --binary target/debug/roost --python $$venv/bin/python || exit 1; \
	done

browser: ## the examples' pages on another origin, in Chromium when it is installed
	$(CARGO) build --release -p roost-server
	$(PYTHON) tests/clients/browser.py --binary target/release/roost

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features roost-server/kafka -- -D warnings

crash: ## all crash images, and 50 kills of the real server, minutes
	ROOST_CRASH_FULL=1 $(CARGO) test --release --workspace --test crash --test view_crash --test job_crash -- --nocapture
	ROOST_CRASH_FULL=1 $(CARGO) test --release --workspace --test api crash:: -- --nocapture
	$(CARGO) build --release --workspace --bins
	$(PYTHON) tests/crash/kill.py --binary target/release/roost

fuzz: ## damaged input for everything that reads bytes from outside; SECONDS_EACH=60
	$(CARGO) run --release -p roost-fuzz --bin roost-fuzz -- --seconds $(or $(SECONDS_EACH),60)

$(VENV)/oracle: $(VENV)/ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-oracle.txt
	touch $@

diff: $(VENV)/oracle ## generated and written queries against ClickHouse itself
	$(CARGO) build --release -p roost-server
	$(VENV)/bin/python tests/diff/run.py --binary target/release/roost

bench: $(VENV)/oracle ## side by side with ClickHouse, DuckDB and PostgreSQL; needs wrk and PostgreSQL 15 for the last parts
	$(CARGO) build --profile dist -p roost-server
	$(VENV)/bin/python benches/compare.py --binary target/dist/roost --write docs/performance.md
	$(VENV)/bin/python benches/suite.py --binary target/dist/roost --write docs/performance.md
	$(VENV)/bin/python benches/serving.py --binary target/dist/roost --write docs/performance.md
	$(VENV)/bin/python benches/replacing.py --binary target/dist/roost --write docs/performance.md
	$(VENV)/bin/python benches/stress.py --binary target/dist/roost --write docs/performance.md
