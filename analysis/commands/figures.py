"""Draws every figure that a run has the rows for, with their tables."""

import argparse

from analysis import figures
from analysis.options import DRAWINGS, RUN, write
from analysis.render import render
from harness.record.samples import load_run

OPTIONS = (RUN, *DRAWINGS)


def run(options: argparse.Namespace) -> None:
    """Writes three files of each figure."""
    its = load_run(options.run)
    write({name: render(name, its) for name in figures.names() if figures.experiment(name) in its.parts}, options)
