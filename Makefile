# What a person types here. Python 3.11, git and make are enough; each recipe gets what else it needs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo test bench browser engines lint docs site dashboards-page
.DELETE_ON_ERROR:

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

setup: $(READY)  ## install meshscope and its tools into .venv, once

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "meshscope needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": run `make PYTHON=python3.11`")'
	@echo "installing meshscope and its tools into .venv: about 150 MB to download, about a minute"
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) can't make a virtual environment: install its venv module (on Debian: apt-get install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

engines: setup  ## build the real programs that tests run, once
	@$(BIN)/python engines/build.py

browser:  # the pages of the console are tested in a real browser
	@command -v chromium > /dev/null || command -v chromium-browser > /dev/null || { \
	  echo "installing chromium, in which pages are tested"; \
	  { apt-get update -qq && apt-get install -qq -y chromium > /dev/null; } \
	  || { echo "install chromium (on Debian: apt-get install chromium), then run this again"; exit 1; }; }

test: setup  ## prove everything against the real programs
	@echo "about 35 minutes on two cores; the first time 25 minutes more and 11 GiB of disk, to build the engines"
	@$(MAKE) --no-print-directory browser
	@$(MAKE) --no-print-directory engines
	@# One process more than processors: with as many, a quarter of their time nothing ran.
	@failed=0; \
	$(BIN)/pytest --engines=required -m "not alone" --numprocesses=$$(($$(getconf _NPROCESSORS_ONLN) + 1)) \
	  --dist=loadfile --no-loadscope-reorder || failed=1; \
	$(BIN)/pytest --engines=required -m alone || failed=1; \
	exit $$failed

demo: setup  ## show the loop on this machine: about 75 seconds live, 15 recorded; then it is yours
	@$(BIN)/meshscope demo

bench: setup  ## measure how fast and how small, into build/bench.json
	@$(MAKE) --no-print-directory browser
	@$(BIN)/python engines/build.py prometheus alertmanager > /dev/null
	@$(BIN)/python -m bench $(ARGS)

lint: setup  ## hold the laws: formatting, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

dashboards-page: setup  ## draw the dashboards with Grafana's own components (needs node, npm and chromium)
	@$(BIN)/python engines/grafana-page/draw.py

docs: setup  ## write the pages that are made from the code
	@$(BIN)/meshscope explain --pages docs/rules --reference docs/reference

site: docs  ## write the documentation site to build/site
	@$(BIN)/mkdocs build --quiet
	@echo "wrote build/site: open build/site/index.html"
