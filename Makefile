# One command for each habit. `make up` needs Python 3.11 or 3.12 and nothing else.
PYTHON ?= $(shell command -v python3 || command -v python3.12 || command -v python3.11 || command -v python)
VENV := .venv/bin
DATA ?= ../shared/data
MARKET ?= us
WORKERS ?=
STORE ?= ceph

.DEFAULT_GOAL := help
.PHONY: help up test servers lint types e2e bench real soak venv venv-dev need-python clean

help:  ## what there is
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1	/' | expand -t 16

need-python:
	@test -n "$(PYTHON)" || { echo "Q-Brain: no Python was found; install Python 3.11 or 3.12 and run the same command again." >&2; exit 1; }

venv: need-python
	@$(PYTHON) deploy/bootstrap.py base

venv-dev: need-python
	@$(PYTHON) deploy/bootstrap.py dev

up: venv  ## start everything: http://127.0.0.1:8501 (QBRAIN_PORT, QBRAIN_HOME, WORKERS=train:2)
	@exec env QBRAIN_WORKERS="$(WORKERS)" $(VENV)/qbrain up

test: venv-dev  ## the fast suite, four at a time: tests wait as long as they compute
	@$(VENV)/python -m pytest -q -n 4 --dist worksteal -m "not e2e and not soak" $(ARGS)

servers: venv-dev  ## the fast suite on S3 and PostgreSQL: make servers STORE=ceph|moto
	@QBRAIN_TEST_SERVERS=$(STORE) $(VENV)/python -m pytest -q -n 4 --dist worksteal -m "not e2e and not soak" $(ARGS)

soak: venv-dev  ## long random and crash runs
	@$(VENV)/python -m pytest -q -m soak --timeout 3600 $(ARGS)

e2e: venv-dev  ## the browser tests (needs chromium on the PATH)
	@$(VENV)/python -m pytest -q -m e2e $(ARGS)

lint: venv-dev types  ## ruff and mypy
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .

types: venv-dev
	@$(VENV)/mypy

bench: venv-dev  ## every claim against its peer, as ratios; as large as claimed: make bench FULL=1
	@for f in bench/[a-z]*.py; do \
		case $$f in \
			bench/real.py) continue ;; \
			bench/minutes.py) size="$(if $(FULL),,100)" ;; \
			bench/arctic.py | bench/factors.py | bench/lakehouse.py | bench/qlib_features.py | bench/search.py) size="$(if $(FULL),--full)" ;; \
			*) size="" ;; \
		esac; \
		echo "== $$f $$size"; $(VENV)/python $$f $$size || exit 1; \
	done

real: venv  ## the whole path on real data: make real DATA=../shared/data MARKET=us|cn
	@$(VENV)/python bench/real.py --data "$(DATA)" --market "$(MARKET)"

clean:  ## remove what was built; the home folder with your data stays
	@rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage* *.egg-info
