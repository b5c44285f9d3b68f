"""Writes down what the model expects of a machine, before it is measured."""

import argparse

from analysis.model import forecast, sealed
from analysis.options import RESULTS
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record.errors import HarnessError
from harness.record.samples import load_runs

OPTIONS = (
    option("machine", metavar="MACHINE"),
    option("--elements", type=int, nargs="+", metavar="N", help="lengths that no run of it has, if it has runs"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes results/model/sealed/MACHINE.json."""
    runs = load_runs(catalog.complete_runs(options.results).get(options.machine, ()))
    if options.elements and runs:
        expected = sealed.of_runs(runs, options.elements)
    elif options.machine in forecast.predicted_machines():
        expected = sealed.of_machine(options.machine)
    else:
        raise HarnessError(f"{options.machine}: give --elements and a run of it; the model knows no such machine")
    print(sealed.seal(options.machine, *expected))
