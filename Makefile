# `make ask` and `make test` do everything on a fresh machine with python3 (>= 3.10), make and a network with PyPI.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FILE ?= examples/squats.bvh
# Taken from the environment by the recipe, never pasted into its shell lines: any character is allowed.
export FILE Q

.PHONY: ask test lint init clean

ask: llamo/config.json
	@if [ -n "$$Q" ]; then \
	  $(BIN)/llamo ask "$$FILE" "$$Q"; \
	else \
	  $(BIN)/llamo ask "$$FILE" -q "What is the person doing?" -q "How many squats does the person do?" \
	    -q "Is the movement slow or fast?"; \
	fi

test: lint llamo/config.json
	$(BIN)/python -m pytest -q -m "not slow and not gpu and not browser"

lint: $(VENV)/installed
	$(BIN)/ruff check .

init: llamo/config.json

llamo/config.json: $(VENV)/installed $(wildcard weights/* modeling_llamo/* processing/*) train/initialise.py model_card.md
	$(BIN)/llamo init --out llamo
	@touch $@

# torch goes first and pinned, so that nothing else asks for another build of it.
$(VENV)/installed: setup.py constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[train,test]"
	@touch $@

clean:
	rm -rf $(VENV) llamo build dist *.egg-info .pytest_cache .ruff_cache
