"""Draws all machines side by side, with their table."""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from analysis import parallel
from analysis.across import NAME, Compared
from analysis.options import DRAWINGS, write
from analysis.render import render_machines
from harness.reading.command_line import option
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from harness.record.samples import load_runs

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
    by_machine: dict[str, list[Path]] = {}
    for folder in options.runs:
        by_machine.setdefault(folder.resolve().parent.name, []).append(folder)
    found = parallel.each(compared, [*by_machine.values()])
    write({NAME: render_machines([one for one in found if one])}, options)


def compared(folders: Sequence[Path]) -> Compared | None:
    """What of a machine is compared, by the folders of its runs; None where that was not measured."""
    with suppress(MissingRows):
        if runs := load_runs(folders):
            return Compared.of(Evidence.of(runs))
    return None
