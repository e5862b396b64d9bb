# `make ask` and `make test` do everything on a fresh machine with python3 (>= 3.10), make and a network with PyPI.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The user's words reach the recipe through the environment and as they were typed: quotes, spaces and $ survive.
export LLAMO_FILE := $(if $(value FILE),$(value FILE),examples/squats.bvh)
export LLAMO_QUESTION := $(value Q)

.PHONY: ask test test-browser demo docs lint init clean

ask: llamo/config.json
	@if [ -n "$$LLAMO_QUESTION" ]; then \
	  $(BIN)/llamo ask -- "$$LLAMO_FILE" "$$LLAMO_QUESTION"; \
	elif [ "$$LLAMO_FILE" != examples/squats.bvh ]; then \
	  $(BIN)/llamo ask -q "What is the person doing?" -- "$$LLAMO_FILE"; \
	else \
	  $(BIN)/llamo ask "$$LLAMO_FILE" -q "What is the person doing?" -q "How many squats does the person do?" \
	    -q "Is the movement slow, normal or fast?"; \
	fi

# The browser demo on http://127.0.0.1:7860; PORT=8000 for another.
demo: llamo/config.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo]"
	$(BIN)/llamo demo --port $(or $(PORT),7860)

# Two processes with a thread each: threads of torch that wait for a core are slower than one that does not. Tests in a browser
# come after the others, alone.
test: lint llamo/config.json
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow and not gpu and not browser"
	$(MAKE) --no-print-directory test-browser

# In headless Chromium (Debian: apt-get install chromium chromium-driver); skipped where there is none.
test-browser: $(VENV)/installed
	$(BIN)/python -m pytest -q -m browser tests/browser

# The pages of docs/ as a site in build/docs; a link or a name that leads nowhere fails.
docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

lint: $(VENV)/installed
	$(BIN)/ruff check .

init: llamo/config.json

llamo/config.json: $(VENV)/installed $(wildcard weights/* modeling_llamo/* processing/*) train/initialise.py model_card.md
	$(BIN)/llamo init --out llamo
	@touch $@

# torch goes first and pinned, so that nothing else asks for another build of it.
$(VENV)/installed: setup.py constraints.txt
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[train,test,video]"
	@touch $@

clean:
	rm -rf $(VENV) llamo build dist *.egg-info .pytest_cache .ruff_cache
