"""Draws all machines side by side, with their table."""

import argparse
from pathlib import Path

from analysis.across import NAME
from analysis.options import add_drawings, write
from analysis.render import render_machines
from harness.record.samples import load_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("runs", metavar="RUN_FOLDER", type=Path, nargs="+", help="one run of each machine")
    add_drawings(parser)


def run(options: argparse.Namespace) -> None:
    """Writes three files."""
    write({NAME: render_machines(load_runs(options.runs))}, options)
