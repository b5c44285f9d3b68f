# Two commands do everything: `make reproduce-all` and `make test`. `make setup` is their set-up alone; `make again` measures
# once more, with RUNS=3 so many times.
PROTOCOL ?=
PEERS ?= all
PYTHON ?= python3
JOBS ?= 2
RUNS ?= 1

# Settings of other Pythons and Snakemakes stay outside. Of pip's only those come in that say where packages are.
FROM_WHERE := CACHE_DIR CERT CLIENT_CERT CONFIG_FILE DEFAULT_TIMEOUT EXTRA_INDEX_URL FIND_LINKS INDEX_URL \
  KEYRING_PROVIDER NO_CACHE_DIR NO_INDEX PROXY RETRIES TIMEOUT TRUSTED_HOST
unexport $(filter-out $(FROM_WHERE:%=PIP_%),$(filter PIP_% PYTHON% SNAKEMAKE_%,$(.VARIABLES)))

# The interpreter that environments are made with; not .venv's own, which may be gone.
FOUND := $(shell $(PYTHON) -I -c 'import os, sys; \
  print("%d.%d" % sys.version_info[:2], os.path.realpath(getattr(sys, "_base_executable", sys.executable)))')
export BASE := $(wordlist 2,99,$(FOUND))
export MADE_FOR := $(CURDIR) by Python $(FOUND)
# FORCE where an environment is there that was made for another place or interpreter.
moved = $(if $(and $(wildcard $1/ready),$(subst :$(MADE_FOR):,,:$(file <$1/ready):)),FORCE)
PIP := bin/python -m pip install --quiet --disable-pip-version-check --no-user --require-hashes

export PATH := $(CURDIR)/.venv/bin:$(PATH)
QUIET := --quiet rules progress reason host
SETTINGS = $(if $(PROTOCOL),protocol=$(PROTOCOL))
# If make is killed, so is Snakemake, and with it what it measures.
SNAKEMAKE := setpriv --pdeathsig KILL snakemake

.PHONY: reproduce-all again figures test test-cluster lint setup room zig peers lock clean FORCE
.DEFAULT_GOAL := reproduce-all

# What the programs keep and read beside the project lies in the checkout: a home may be read-only, have settings of its
# own, or not be there, in which case pip wants one too.
OWN := $(CURDIR)/.snakemake/home
$(foreach name,XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME MPLCONFIGDIR,\
  $(eval reproduce-all figures test test-cluster peers: private export $(name) := $$(OWN)))
ifeq ($(shell [ -d "$$HOME" ] && echo there),)
export HOME := $(OWN)
endif

reproduce-all: setup
	@echo "Building what is out of date (a minute), then measuring."
	$(SNAKEMAKE) reproduce-all $(QUIET) $(if $(SETTINGS),--config $(SETTINGS))

again: SETTINGS += again=$(RUNS)
again: reproduce-all

figures: setup
	$(SNAKEMAKE) figures $(QUIET)

test: setup
	$(SNAKEMAKE) build $(QUIET)
	PYTHONUTF8=1 pytest -n $(JOBS)

# The cluster's target with Slurm's daemons, which only root may start, on this machine.
test-cluster: setup
	$(SNAKEMAKE) build $(QUIET)
	tests/cluster/run

lint: setup
	ruff check . && ruff format --check . && snakefmt --check Snakefile harness/workflow analysis/workflow
	mypy

setup: room .venv/ready

# Known before minutes are spent.
room:
	@[ -n "$$BASE" ] && "$$BASE" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; $(PYTHON) is $(or $(FOUND),not there). Try make PYTHON=python3.12" >&2; exit 1; }
	@"$$BASE" -m harness.reading.room

.venv/ready: config/requirements.lock $(call moved,.venv)
.venv-peers/ready: config/requirements.lock config/peers.lock $(call moved,.venv-peers) | .venv/ready
.venv/ready .venv-peers/ready: | room
	$(info Setting up $(@D) (a minute or two)$(if $(wildcard $@), anew: $(if $(filter FORCE,$^),it was made for \
	  $(or $(file <$@),an unknown place) but this is $(MADE_FOR),a lock changed)).)
	@"$$BASE" -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@"$$BASE" -m venv --clear $(@D)
	@for lock in $(filter %.lock,$^); do $(@D)/$(PIP) -r $$lock || exit 1; done
	@told=$$({ $(@D)/bin/snakemake --version && $(@D)/bin/python -c 'import analysis.render, harness.run.measure'; } 2>&1) || \
	  { echo "$$told" | tail -n 1 >&2; \
	    echo "$(@D) does not hold what was installed: look for target, prefix or root in 'pip config list'" >&2; exit 1; }
	@echo "$$MADE_FOR" > $@

# The pinned clang of PyPI, as the compiler `zig`; some 90 MB.
zig: setup
	.venv/$(PIP) -r config/zig.lock

# An environment of their own for the libraries that ours is compared with, and a run that measures both; of some of them:
# make peers PEERS=[numpy,onednn]. PyTorch is not in it (PyPI's brings CUDA, 3 GB); to have it measured too:
# .venv-peers/bin/pip install torch
peers: setup .venv-peers/ready
	PATH="$(CURDIR)/.venv-peers/bin:$$PATH" $(SNAKEMAKE) reproduce-all $(QUIET) --config peers=$(PEERS) $(SETTINGS)

# Renews the locks: every version pinned by hash, no registry host in it. Needs uv.
lock:
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header config/requirements.in -o config/requirements.lock
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header config/zig.in -o config/zig.lock
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header -c config/requirements.lock config/peers.in -o config/peers.lock

# All but what was measured (results/runs, results/cluster) or is in git.
clean:
	rm -rf .venv .venv-peers .snakemake \
	  $(addprefix results/,build kept logs figures tables predicted report.html claims.md artifact.md)
