"""Lists the figures, and the runs that are on disk."""

import argparse

from analysis import figures
from analysis.options import RESULTS
from harness.reading import catalog, parallel

OPTIONS = (RESULTS,)


def run(options: argparse.Namespace) -> None:
    """Prints both."""
    print("figures")
    for name in figures.names():
        print(f"  {name:16} {figures.caption(name)}")
    runs = catalog.find_runs(options.results)
    print("runs (* = drawn)" if runs else f"runs: none under {options.results}")
    drawn = {folder for those in catalog.evidence(options.results).values() for folder in those}
    whole = parallel.each(lambda run: run if run.is_read or not run.facts else catalog.read(run.folder), runs, 20)
    for run in whole:
        state = run.problem or (f"ended {run.ended.isoformat()}" if run.ended else "not complete")
        print(f"{'*' if run.folder in drawn and not run.problem else ' '} {run.machine:16} {run.folder}  {state}")
