"""Draws all machines side by side, with their table."""

import argparse
from pathlib import Path

from analysis.across import NAME
from analysis.options import DRAWINGS, write
from analysis.render import render_machines
from harness.reading.command_line import option
from harness.reading.evidence import Evidence
from harness.record.samples import Run, load_runs

OPTIONS = (
    option(
        "runs",
        metavar="RUN_FOLDER",
        type=Path,
        nargs="+",
        help="the runs of each machine that are drawn, the newest first",
    ),
    *DRAWINGS,
)


def run(options: argparse.Namespace) -> None:
    """Writes three files."""
    by_machine: dict[str, list[Run]] = {}
    for one in load_runs(options.runs):
        by_machine.setdefault(one.machine.name, []).append(one)
    write({NAME: render_machines([Evidence.of(those) for those in by_machine.values()])}, options)
