"""Says on one screen what a run shows, together with all others on disk that are one body of evidence with it."""

import argparse

from analysis.options import RUN
from analysis.summary import summary
from harness.reading import catalog
from harness.reading.evidence import bodies
from harness.record.samples import load_run, load_runs

OPTIONS = (RUN,)


def run(options: argparse.Namespace) -> None:
    """Prints the summary."""
    folder = options.run.resolve()
    its = load_run(options.run)
    beside = catalog.evidence(folder.parent.parent.parent, folder).get(folder.parent.name, [])
    evidence = bodies([its, *load_runs(other for other in beside if other != folder)])[0]
    print(summary(its, evidence if its in evidence.runs else None), end="")
