"""Writes down what the model expects of a machine, before it is measured."""

import argparse

from analysis.model import forecast, sealed
from analysis.model.commands import refresh
from analysis.options import RESULTS
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record.errors import HarnessError
from harness.record.machines import MACHINES, llvm_models
from harness.record.samples import load_runs

OPTIONS = (
    option("machine", metavar="MACHINE"),
    option("--elements", type=int, nargs="+", metavar="N", help="lengths that no run of it has, if it has runs"),
    option("--compiler", metavar="NAME", help="of a compiler that no run of it has: compiles, and asks llvm-mca"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes results/model/sealed/MACHINE.json, or MACHINE-COMPILER.json."""
    name, runs = options.machine, load_runs(catalog.complete_runs(options.results).get(options.machine, ()))
    if options.elements and runs:
        models = {name: its for name, its in llvm_models().items() if name == runs[0].machine.microarchitecture}
        loops = refresh.loops_now([options.compiler], models) if options.compiler else None
        table, made_of = sealed.of_runs(runs, options.elements, loops), [run.folder / "run.json" for run in runs]
    elif name in forecast.predicted_machines():
        table, made_of = forecast.table(name), [MACHINES / f"{name}.yaml"]
    else:
        raise HarnessError(f"{name}: give --elements and a run of it; the model knows no such machine")
    print(sealed.seal(name, "-".join(filter(None, (name, options.compiler))), table, made_of))
