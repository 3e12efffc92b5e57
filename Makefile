# Everything a developer does, one word each. `make help` lists them.
# An environment is made in .venv when first needed, and again when its pins change.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
LOCALE := src/checkoutflow/locale
PIP_AUDIT := pip-audit==2.10.1

export PIP_DISABLE_PIP_VERSION_CHECK := 1
INSTALL = $(BIN)/python -m pip install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test simulate lint types docs bench wheel audit locale constraints clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/.runtime ## play the five sales; ARGS="--market NO" and more
	@$(BIN)/checkoutflow demo $(ARGS)

test: $(VENV)/.dev ## run the tests and measure branches; ARGS="-k money" and more
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses=auto $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report $(if $(ARGS),--fail-under=0)

simulate: $(VENV)/.runtime ## play a world that breaks, SEEDS=1000 of it; SEED=7 replays one, ARGS="--db sqlite" and more
	@$(BIN)/python -m checkoutflow.testing.simulation \
		$(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000)) $(ARGS)

lint: $(VENV)/.dev ## check the rules and the format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev ## check the types
	$(BIN)/mypy

docs: $(VENV)/.dev ## build the documentation in docs/_build
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.runtime ## print the table of ratios; BENCH_QUICK=1 for a short run, ARGS=--write to keep it
	@$(BIN)/python benchmarks/run.py $(ARGS)

wheel: $(VENV)/.dev ## build the wheel, install it elsewhere and use it as a user would
	rm -rf build dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist . > build.log || { cat build.log; exit 1; }
	@rm build.log
	$(PYTHON) -m venv build/user
	build/user/bin/python -m pip install --quiet --constraint constraints.txt dist/*.whl
	build/user/bin/python -I tests/typed_user/bare_import.py
	build/user/bin/python -I tests/typed_user/sell.py
	$(BIN)/mypy --config-file= --strict --python-executable build/user/bin/python tests/typed_user

audit: ## look the pins up among known vulnerabilities
	$(CHECK_PYTHON)
	test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && \
		build/audit/bin/python -m pip install --quiet '$(PIP_AUDIT)'; }
	-build/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --format json \
		--progress-spinner off $(ARGS) > build/audit.json 2> build/audit.log
	@build/audit/bin/python .ci/audit.py build/audit.log < build/audit.json

locale: $(VENV)/.runtime ## collect the texts and compile the translations
	$(BIN)/pybabel -q extract --no-default-keywords --keywords='mark translate' \
		--add-comments=Translators: --strip-comments --add-location=file --omit-header \
		--no-wrap --output=$(LOCALE)/checkoutflow.pot src
	$(BIN)/pybabel -q update --domain=checkoutflow --output-dir=$(LOCALE) \
		--input-file=$(LOCALE)/checkoutflow.pot --no-wrap \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile --domain=checkoutflow --directory=$(LOCALE)

constraints: ## pin today's newest versions of everything in constraints.txt
	$(CHECK_PYTHON)
	rm -rf build/pins
	$(PYTHON) -m venv build/pins
	build/pins/bin/python -m pip install --quiet --editable '.[dev]'
	echo "# Made by 'make constraints'; change pyproject.toml instead." > constraints.txt
	build/pins/bin/python -m pip freeze --exclude-editable >> constraints.txt
	rm -rf build/pins

clean: ## remove everything that was made, environments too
	rm -rf $(VENV) build dist docs/_build .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# One clear line for the two things that a fresh machine may lack.
define CHECK_PYTHON
@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	"checkoutflow needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + \
	"; name another one: make PYTHON=python3.12 ...")'
@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { echo >&2 \
	"$(PYTHON) cannot make environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
endef

$(BIN)/pip:
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing checkoutflow in $(VENV) ..."
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing checkoutflow and its tools in $(VENV) ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $(VENV)/.runtime $@
