"""Draws one figure of a run, or of a body of runs, with its table."""

import argparse

from analysis import figures
from analysis.options import DRAWINGS, RUNS, write
from analysis.render import render
from harness.reading.command_line import option
from harness.reading.evidence import Evidence

OPTIONS = (option("name", metavar="NAME", help=f"one of: {', '.join(figures.names())}"), RUNS, *DRAWINGS)


def run(options: argparse.Namespace) -> None:
    """Writes three files."""
    figures.caption(options.name)  # an unknown name is told before a run is read
    write({options.name: render(options.name, Evidence.load(options.runs))}, options)
