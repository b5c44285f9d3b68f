"""Makes anew what predictions are made of: needs gcc, clang and llvm-mca, and some five minutes.

Without --keep-loops compiles the kernels and asks llvm-mca for the cycles of their loops; then fits the model to the
recorded runs of the machine that it was calibrated on, and judges it by what each fit did not see.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from analysis.model import calibrate, in_core, report
from analysis.options import RESULTS
from harness.doctor import assembly
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record import configuration
from harness.record.errors import HarnessError
from harness.record.files import csv_bytes, write_whole
from harness.record.samples import load_runs

OPTIONS = (
    option("--keep-loops", action="store_true", help="leave the recorded cycles of loops as they are"),
    option("--output", type=Path, default=in_core.RECORDED.parent, metavar="DIR", help="default: %(default)s"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes in-core.csv, calibration.json, validation.csv and validation.md; prints the latter."""
    machine = calibrate.load().machine
    runs = load_runs(catalog.complete_runs(options.results).get(machine, ()))
    if not runs:
        raise HarnessError(f"{options.results}: no run of {machine}, by which the model is calibrated")
    if not options.keep_loops:
        in_core.find_simulator(in_core.modelled_cpus())
        assembly.write(configuration.load(), in_core.ASSEMBLY)
        write_whole({options.output / in_core.RECORDED.name: csv_bytes(in_core.table(in_core.ASSEMBLY))})
    comparison = calibrate.compare(runs)
    calibration, table = calibrate.calibrate(runs, comparison), report.judged(comparison)
    page = report.validation(calibration, table)
    files = {
        "calibration.json": (json.dumps(asdict(calibration), indent=1) + "\n").encode(),
        "validation.csv": csv_bytes(table.round(6)),
        "validation.md": page.encode(),
    }
    write_whole({options.output / name: content for name, content in files.items()})
    print(page, end="")
