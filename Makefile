# Every target makes the virtual environment when it is missing; nothing outside this folder is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
USED   := $(VENV)/.for-use
READY  := $(VENV)/.for-development
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check bench league docs clean

$(USED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("earmark needs Python 3.11 or newer, got " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt torch
	$(PIP) -c constraints.txt -e .
	touch $@

$(READY): $(USED)
	$(PIP) -c constraints.txt -e '.[dev]'
	touch $@

demo: $(USED)  ## the whole arc on generated sounds
	$(BIN)/earmark demo

test: $(READY)  ## all tests: the quick ones on all cores, then the slow ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "not slow" -n auto --dist worksteal
	$(BIN)/python -m pytest -q -m slow

check: $(READY)  ## style, types, and that the generated pages are up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/settings_page.py --check

docs: $(READY)  ## the pages that are generated from the source
	$(BIN)/python scripts/settings_page.py

league: $(READY)  ## every published system and the own recipes, each with the same time to learn; hours; writes docs/league.md
	$(BIN)/python -m bench.league $(if $(DATA),--data $(DATA)) $(LEAGUE)

bench: $(READY)  ## speed as ratios against peers; writes docs/benchmarks.md
	$(BIN)/python -m bench

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
