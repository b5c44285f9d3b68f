"""Says on one screen what a run shows."""

import argparse

from analysis.options import RUN
from analysis.summary import summary
from harness.record.samples import load_run

OPTIONS = (RUN,)


def run(options: argparse.Namespace) -> None:
    """Prints the summary."""
    print(summary(load_run(options.run)), end="")
