# One command for each thing. `make` alone lists them.
PY := .venv/bin/python
# A test tier starts hundreds of Python processes: none of them compiles what another has.
unexport PYTHONDONTWRITEBYTECODE
PORTS = $(if $(HTTP_PORT),--http-port $(HTTP_PORT)) $(if $(BLOB_PORT),--blob-port $(BLOB_PORT)) \
	$(if $(QUEUE_PORT),--queue-port $(QUEUE_PORT)) $(if $(TABLE_PORT),--table-port $(TABLE_PORT)) \
	$(if $(FILE_PORT),--file-port $(FILE_PORT)) $(if $(ARM_PORT),--arm-port $(ARM_PORT))

.PHONY: help screenshots demo up runner status down check test unit integration e2e chaos soak lint types audit infra machine clients functions browser engines analysis setup setup-dev schema clean

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: setup  ## train a classifier through the whole pipeline and watch it
	@$(PY) -m local demo

up: setup  ## start the stack and leave it running: make up RUNNERS=4 (at most) FIXED=1 (from the start) HTTP_PORT=7071
	@$(PY) -m local up $(if $(RUNNERS),--runners $(RUNNERS)) $(if $(FIXED),--fixed) $(PORTS)

runner: setup  ## one more runner beside the stack's own, in the foreground: make runner CLUSTER=default/c1
	@$(PY) -m local runner --cluster $(or $(CLUSTER),default/default)

status: setup  ## what runs where
	@$(PY) -m local status

down: setup  ## stop the stack
	@$(PY) -m local down

check: setup-dev  ## lint, types, audit and unit tests: under a minute
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types audit unit

lint: setup-dev  ## ruff: format and rules; import-linter: who may import whom
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/lint-imports --no-logo

types: setup-dev  ## mypy --strict; of the console: tsc, biome, and its unit tests
	@.venv/bin/mypy
	@scripts/check-console

audit: setup-dev  ## bandit, and known advisories on what is pinned
	@.venv/bin/bandit -q -c pyproject.toml -r shared runner api cli local scripts function_app.py
	@$(PY) scripts/audit.py

infra: setup-dev  ## the Bicep of infra/ and deploy/: by the Bicep compiler where az is, and by the project's own check
	@if az bicep version >/dev/null 2>&1; then for main in infra/main.bicep deploy/container-apps/main.bicep; do \
		az bicep build --file $$main --stdout >/dev/null || exit 1; done; \
		else echo "no az with bicep here: only the project's own check" >&2; fi
	@$(PY) scripts/check_infra.py infra
	@$(PY) scripts/check_infra.py deploy

unit: setup-dev  ## unit tests
	@.venv/bin/pytest -q --forks auto tests/unit

integration: setup-dev  ## tests with real parts: Azurite, mounts, child processes
	@.venv/bin/pytest -q tests/integration

e2e: setup-dev  ## tests of the whole stack
	@.venv/bin/pytest -q tests/e2e

chaos: setup-dev  ## break runners and storage at random: make chaos MINUTES=10 SEED=7
	@$(PY) -m tests.e2e.chaos --minutes $(or $(MINUTES),2) $(if $(SEED),--seed $(SEED))

soak: setup-dev  ## chaos and what grows meanwhile, as curves: make soak HOURS=2 (or MINUTES=30) SEED=7
	@$(PY) -m tests.soak --minutes $(or $(MINUTES),$$(($(or $(HOURS),2) * 60))) $(if $(SEED),--seed $(SEED)) $(if $(OUT),--out $(OUT))

screenshots: setup-dev machine browser  ## the pictures of the console in docs/
	@$(PY) -m tests.support.screenshots

test:  ## everything; installs what it needs
	@scripts/test-all

# What `make test` makes beside the first tests: most of it waits for downloads.
machine:
	@scripts/setup-machine
clients: setup-dev
	@scripts/client-envs azure-cli
functions: setup-dev
	@scripts/functions-env
browser: setup-dev
	@scripts/browser-env
engines: setup-dev machine
	@scripts/engine-envs
analysis: setup-dev
	@$(MAKE) --no-print-directory lint types audit infra

schema: setup-dev  ## write schemas/*.json from the models
	@$(PY) scripts/export_schemas.py

console: setup  ## build the page from console/ into api/console_files (setup does it, too, where sources have changed)
	@scripts/build-console

setup:
	@scripts/setup local

setup-dev:
	@scripts/setup dev

clean: down  ## stop the stack and remove its data, the environment and caches
	rm -rf .local .venv local/node/node_modules console/node_modules tests/browser/node_modules api/console_files .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
