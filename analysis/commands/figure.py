"""Draws one figure of a run, with its table."""

import argparse

from analysis import figures
from analysis.options import DRAWINGS, RUN, write
from analysis.render import render
from harness.reading.command_line import option
from harness.record.samples import load_run

OPTIONS = (option("name", metavar="NAME", help=f"one of: {', '.join(figures.names())}"), RUN, *DRAWINGS)


def run(options: argparse.Namespace) -> None:
    """Writes three files."""
    figures.caption(options.name)  # an unknown name is told before a run is read
    write({options.name: render(options.name, load_run(options.run))}, options)
