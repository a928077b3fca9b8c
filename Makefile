# Two commands: `make run` and `make test`. The rest is for whoever changes the program.
PYTHON ?= python3
CONFIG ?= config.json
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
PIP_COMPILE := $(VENV)/bin/pip-compile --quiet --generate-hashes --allow-unsafe --build-deps-for=editable \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help run test test-daemons test-others check format bench coverage pins clean

help:
	@echo "make run [CONFIG=config.json]   install into .venv on first use, then run the daemon in the foreground"
	@echo "make test [ARGS=...]            all tests"
	@echo "make check                      format, lint, types, import contracts"
	@echo "make bench [ARGS=SCENE...] [DATA=folder]   the measurements of docs/performance.md"
	@echo "make coverage | format | pins | clean"

# `exec`: Ctrl-C and SIGTERM reach the daemon itself.
run: $(VENV)/.installed
	@exec $(VENV)/bin/attritiond run --config "$(CONFIG)"

# Those that start whole daemons mostly wait, the others mostly compute: side by side they take little more than half the
# time. What they print comes when each of the two has ended.
ifdef ARGS
test: $(VENV)/.installed-dev
	$(PY) -m pytest $(ARGS)
else
test: $(VENV)/.installed-dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-daemons test-others
endif

test-daemons: $(VENV)/.installed-dev
	$(PY) -m pytest tests/end_to_end

test-others: $(VENV)/.installed-dev
	$(PY) -m pytest --ignore=tests/end_to_end

check: $(VENV)/.installed-dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.installed-dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

# DATA: a folder of tables in the order of time, which the scene `decisions` takes beside the generated ones.
bench: $(VENV)/.installed-dev
	$(if $(DATA),ATTRITIOND_BENCH_DATA="$(DATA)") $(PY) -m tests.benchmarks $(ARGS)

coverage: $(VENV)/.installed-dev
	$(PY) -m pytest --cov --cov-report=term $(ARGS)

# The pinned lists, made anew from the ranges in pyproject.toml.
pins: $(VENV)/.installed-dev
	CUSTOM_COMPILE_COMMAND="make pins" $(PIP_COMPILE) --upgrade --output-file=requirements.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND="make pins" $(PIP_COMPILE) --upgrade --extra=dev --constraint=requirements.txt \
		--output-file=requirements-dev.txt pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .coverage .coverage.* htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find daemon handlers server tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "attritiond needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1)." \
			"Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "No virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }

# The project itself is linked in with the pinned build tool, so that nothing unpinned is downloaded.
$(VENV)/.installed: requirements.txt pyproject.toml | $(PY)
	$(PIP) install --quiet --require-hashes -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@
