# Two commands do everything: `make reproduce-all` and `make test`. `make setup` is their set-up alone.
PROTOCOL ?=
PYTHON ?= python3
JOBS ?= 2
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: reproduce-all figures test lint setup zig peers lock clean
.DEFAULT_GOAL := reproduce-all

# If make is killed, so is Snakemake, and with it what it measures.
reproduce-all: setup
	@echo "Building what is out of date (20 s), then measuring."
	setpriv --pdeathsig KILL snakemake reproduce-all --quiet rules progress reason host $(if $(PROTOCOL),--config protocol=$(PROTOCOL))

figures: setup
	snakemake figures --quiet rules progress reason host

test: setup
	snakemake build --quiet rules progress reason host
	pytest -n $(JOBS)

lint: setup
	ruff check . && ruff format --check . && snakefmt --check Snakefile harness/rules analysis/rules

setup: .venv/ready

.venv/ready: config/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up .venv (about a minute)."
	$(PYTHON) -m venv --clear .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r config/requirements.lock
	touch .venv/ready

# The pinned clang of PyPI, as the compiler `zig`; some 90 MB.
zig: setup
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r config/zig.lock

# An environment of their own for the libraries that ours is compared with, and a run that measures both.
peers: .venv-peers/ready
	setpriv --pdeathsig KILL snakemake peers --quiet rules progress reason host $(if $(PROTOCOL),--config protocol=$(PROTOCOL))

.venv-peers/ready: config/requirements.lock config/peers.lock | .venv/ready
	@echo "Setting up .venv-peers (a minute or two)."
	$(PYTHON) -m venv --clear .venv-peers
	for lock in requirements peers; do \
	  .venv-peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r config/$$lock.lock || exit 1; done
	@echo "PyTorch is not in it (PyPI's brings CUDA, 3 GB). To have it measured too: .venv-peers/bin/pip install torch"
	touch .venv-peers/ready

# Renews the locks: every version pinned by hash, no registry host in it. Needs uv.
lock:
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header config/requirements.in -o config/requirements.lock
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header config/zig.in -o config/zig.lock
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header -c config/requirements.lock config/peers.in -o config/peers.lock

clean:
	rm -rf .venv .venv-peers .snakemake results/build results/runs results/figures results/tables
