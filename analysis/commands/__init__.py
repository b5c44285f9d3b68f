"""Turn a recorded run into figures, tables and a summary. Nothing is measured here: the same rows give the same bytes,
on any machine.

A run is a folder with run.json and samples.csv (or samples.csv.gz), found as
  results/runs/MACHINE/RUN/      what was measured here
  results/recorded/MACHINE/RUN/  what came with the project

examples:
  python -m analysis list
      which figures there are, and which runs; * marks those of each machine that are drawn
  python -m analysis summary results/recorded/MACHINE/RUN
      what the run shows, on one screen
  python -m analysis figure speedup results/recorded/MACHINE/RUN \\
      --figures results/figures/MACHINE --tables results/tables/MACHINE
      writes speedup.svg, speedup.png and speedup.csv, all three or none
  python -m analysis compare results/recorded/MACHINE/RUN results/runs/MACHINE/RUN
      what differs between two runs and by how much
  python -m analysis claims --strict
      the paper's claims, judged by the runs on disk; exits 1 if a claim that could be tested is not reproduced, 2 if
      none could be tested
  python -m analysis page
      writes results/report.html, one file for a browser, with the verdicts, and results/claims.md
"""

NAMES = ("figure", "figures", "machines", "summary", "compare", "claims", "page", "list")
