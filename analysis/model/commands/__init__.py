"""Predictions for machines that are not here, and what they are made of.

`predict` needs neither a compiler nor LLVM: what it reads is recorded in results/model/. The other commands make that
anew: `in-core` (after `python -m harness assembly`), `simulate` and `calibrate`.

examples:
  python -m analysis.model predict --output results/predicted
      figures and tables of the paper's machines, and a page that says why
  python -m analysis.model calibrate results/recorded/MACHINE/RUN
      fits the model to half of a run, judges it by the rest, and records both
"""

NAMES = ("in-core", "simulate", "calibrate", "predict")
