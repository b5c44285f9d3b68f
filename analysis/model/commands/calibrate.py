"""Fits the model to half of a run, judges it by the rest: a minute."""

import argparse
from pathlib import Path

import pandas as pd

from analysis.model import calibrate, in_core, report
from analysis.options import RUN
from harness.record.command_line import option
from harness.record.files import csv_bytes, write_whole
from harness.record.samples import load_run

OPTIONS = (
    RUN,
    option(
        "--output", type=Path, default=in_core.RECORDED.parent, metavar="DIR",
        help="gets calibration.json, validation.md and validation.csv (default: %(default)s)",
    ),
)  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Writes the calibration and how it was judged, and prints the latter."""
    its = load_run(options.run)
    calibration, comparisons = calibrate.calibrate(its)
    page = report.validation(calibration, comparisons, its)
    table = pd.concat([one.table.assign(fitted_isa=one.isa) for one in comparisons])
    write_whole(
        {
            options.output / "calibration.json": calibrate.save(calibration),
            options.output / "validation.md": page.encode(),
            options.output / "validation.csv": csv_bytes(table),
        }
    )
    print(page, end="")
