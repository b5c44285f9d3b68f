"""Draws all machines side by side, with their table."""

import argparse
from pathlib import Path

from analysis.across import NAME
from analysis.options import DRAWINGS, write
from analysis.render import render_machines
from harness.reading.command_line import option
from harness.record.samples import load_runs

OPTIONS = (
    option("runs", metavar="RUN_FOLDER", type=Path, nargs="+", help="one run of each machine"),
    *DRAWINGS,
)


def run(options: argparse.Namespace) -> None:
    """Writes three files."""
    write({NAME: render_machines(load_runs(options.runs))}, options)
