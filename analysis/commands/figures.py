"""Draws every figure that a run, or a body of runs, has the rows for, with their tables."""

import argparse

from analysis import figures
from analysis.options import DRAWINGS, RUNS, write
from analysis.render import render
from harness.reading.evidence import Evidence

OPTIONS = (RUNS, *DRAWINGS)


def run(options: argparse.Namespace) -> None:
    """Writes three files of each figure."""
    its = Evidence.load(options.runs)
    write({name: render(name, its) for name in figures.names() if figures.experiment(name) in its.parts}, options)
