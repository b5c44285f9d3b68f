"""Draws what the model expects of the paper's machines, and says why."""

import argparse
from pathlib import Path

import pandas as pd

from analysis.model import figures, forecast, report
from analysis.model.predict import limits_table
from analysis.options import RESULTS
from analysis.render import rendered
from harness.record import catalog
from harness.record.command_line import option
from harness.record.files import csv_bytes, write_whole
from harness.record.machines import is_evidence, load_machines
from harness.record.samples import load_runs

OPTIONS = (
    option("--output", type=Path, default=Path("results/predicted"), metavar="DIR", help="default: %(default)s"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes a folder for each machine, all machines side by side, and the page."""
    loaded = load_runs(catalog.newest_complete(options.results).values())
    runs = {run.machine.name: run for run in loaded}
    known, written = load_machines(), {}
    for machine, isas in forecast.predicted_machines().items():
        its = runs.get(machine)
        own = its if its and is_evidence(known[machine], its) else None
        folder = options.output / machine
        for name in figures.FIGURES:
            drawn = rendered(lambda name=name, machine=machine, own=own: figures.draw(name, machine, own))
            written |= drawn.files(name, folder, folder)
        limits = pd.concat([limits_table(forecast.forecast(machine, isa)) for isa in isas])
        written[folder / "limits.csv"] = csv_bytes(limits)
    measured = [run for run in runs.values() if "algorithms" in run.experiments]
    drawn = rendered(lambda: figures.draw_machines(measured))
    written |= drawn.files(figures.MACHINES_NAME, options.output, options.output)
    written[options.output / "model.md"] = report.explanation().encode()
    write_whole(written)
    print(f"{options.output}: {len(written)} files; {options.output / 'model.md'} says why")
