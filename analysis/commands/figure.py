"""Draws one figure of a run, with its table."""

import argparse

from analysis import figures
from analysis.options import add_drawings, add_run, write
from analysis.render import render
from harness.record.samples import load_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("name", metavar="NAME", help=f"one of: {', '.join(figures.names())}")
    add_run(parser)
    add_drawings(parser)


def run(options: argparse.Namespace) -> None:
    """Writes three files."""
    figures.caption(options.name)  # an unknown name is told before a run is read
    write({options.name: render(options.name, load_run(options.run))}, options)
