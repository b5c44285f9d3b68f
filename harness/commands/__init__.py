"""Measures softmax algorithms on this machine.

To measure, the kernels must be built: `snakemake build` (or `make reproduce-all`, which does everything).

examples:
  python -m harness doctor                      what was detected, what disturbs measurements here
  python -m harness passes --elements 4096      every pass in cache
  python -m harness passes --elements 33554432 --isas avx2 --json
  python -m harness plan --protocol full        what a run would do, and how long
  python -m harness advise --elements 1000000   which algorithm is the fastest there, by this machine's runs
  python -m harness measure --protocol smoke    the run itself (`snakemake reproduce-all` builds, measures and draws)
  python -m harness measure --again             a further run of the same: runs are pooled
  python -m harness pack results/runs/MACHINE/RUN   one file that carries a complete run to another machine
  python -m harness adopt MACHINE-RUN.tar.gz    checks it there, and files it below results/recorded
"""

from harness.machine.limits import require_address_space

NAMES = ("doctor", "passes", "plan", "advise", "measure", "build", "pack", "adopt")

# Before any library is loaded that would fail in a way of its own.
require_address_space()
