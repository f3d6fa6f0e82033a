# Targets are short on purpose; what is longer is in tools/.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-pythons test-install test-image arm64 wheels bench check format docs lock soak clean

help: ## Show this list
	@grep -E '^[a-z0-9-]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+): .*## /  make \1\t/' | expand -t 24
	@echo "PYTHON=python3.12 chooses the interpreter of a new environment (3.10 to 3.13)."

run: ## Install into .venv if needed and run the service in the foreground
	@tools/setup_env.sh $(VENV) starter,mqtt $(PYTHON)
	@exec $(BIN)/lunavox-edge run --self-check --with-broker $(if $(URI),--uri $(URI))

test: ## Run all tests, four at a time (JOBS=1 for one)
	@tools/setup_env.sh $(VENV) starter,mqtt,dev $(PYTHON)
	@JOBS=$(JOBS) tools/test.sh $(BIN)/python

test-pythons: ## Run the tests on Python 3.10, 3.12 and 3.13, where found (PARTS="tests/unit tests/wire")
	@JOBS=$(JOBS) tools/test_pythons.sh 3.10 3.12 3.13 -- $(PARTS)

test-install: ## Run install.sh in fresh Debian systems, as root (SUITES="bookworm trixie jammy noble")
	@tests/install/run.sh $(SUITES)

test-image: ## Build docker/Dockerfile in chroots, as root, and run the result
	@python3 tools/image_in_chroot.py

arm64: ## Install and speak in an arm64 system under qemu, as root
	@tools/arm64.sh

wheels: ## Check that all dependencies have wheels for aarch64 and x86-64
	@tools/check_wheels.sh

bench: ## Compare with wyoming-piper and wyoming-faster-whisper (ARGS="--quick --speech DIR")
	@tools/setup_env.sh $(VENV) starter,bench $(PYTHON)
	@tools/bench.sh $(VENV) .venv-peers $(ARGS)

check: ## Lint, format, types, shell scripts
	@tools/setup_env.sh $(VENV) starter,mqtt,dev $(PYTHON)
	@tools/check.sh $(BIN)

format: ## Format the code and fix what can be fixed
	@tools/setup_env.sh $(VENV) starter,mqtt,dev $(PYTHON)
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: ## Pin every dependency with its hashes in requirements.lock
	@tools/setup_env.sh $(VENV) starter,mqtt,dev $(PYTHON)
	@tools/lock.sh $(BIN)

soak: ## Run a soak test and a simulated day with satellites; nothing may grow (MINUTES=5 TURNS=1000)
	@tools/setup_env.sh $(VENV) starter,mqtt,dev $(PYTHON)
	@$(BIN)/python tools/soak.py --minutes $(or $(MINUTES),5)
	@$(BIN)/python -m tests.simulated_day --turns $(or $(TURNS),1000)

docs: ## Generate docs/CONFIG.md and config/lunavox-edge.yaml from the settings
	@tools/setup_env.sh $(VENV) starter,mqtt,dev $(PYTHON)
	@$(BIN)/python tools/config_docs.py

clean: ## Remove environments and caches
	rm -rf .venv .venv-3.* .venv-peers .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
