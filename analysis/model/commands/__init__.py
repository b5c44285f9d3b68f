"""Predictions for machines that are not here, and what they are made of.

`predict` needs neither a compiler nor LLVM: what it reads is recorded in results/model/, which `refresh` makes anew.

examples:
  python -m analysis.model predict --output results/predicted
      a figure and a table for each of the paper's machines, and a page that says why
  python -m analysis.model refresh
      compiles the kernels, asks llvm-mca, and judges the model by the recorded runs
  python -m analysis.model seal MACHINE --elements 7500000 130000000
      writes down what is expected of a machine that has runs, at lengths or of a compiler that none of them has
"""

NAMES = ("predict", "refresh", "seal")
