"""Predictions for machines that are not here, and what they are made of.

`predict` needs neither a compiler nor LLVM: what it reads is recorded in results/model/. The other commands make that
anew: `in-core` (after `python -m harness assembly`), `simulate` and `calibrate`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.record.console import interrupted_in_one_line, print_everywhere

with interrupted_in_one_line("analysis.model"):
    from analysis.model import in_core
    from harness.record.errors import HarnessError
    from harness.record.files import csv_bytes, write_whole

EXAMPLES = """\
examples:
  python -m analysis.model predict --output results/predicted
      figures and tables of the paper's machines, and a page that says why
  python -m analysis.model calibrate results/recorded/MACHINE/RUN
      fits the model to half of a run, judges it by the rest, and records both"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors that a person can mend are one line on standard error."""
    print_everywhere()
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except HarnessError as error:
        print(f"analysis.model: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"analysis.model: cannot write: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis.model",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    core = commands.add_parser("in-core", help="cycles of every hot loop by llvm-mca: two minutes")
    core.add_argument(
        "assembly", nargs="?", type=Path, default=in_core.ASSEMBLY, metavar="DIR",
        help="what `python -m harness assembly` wrote (default: %(default)s)",
    )  # fmt: skip
    core.add_argument("--output", type=Path, default=in_core.RECORDED, help="default: %(default)s")
    core.set_defaults(command=_in_core)
    traffic = commands.add_parser("simulate", help="simulate the caches of every known machine: minutes")
    traffic.add_argument("--output", type=Path, metavar="FILE", help="default: results/model/traffic.csv")
    traffic.set_defaults(command=_simulate)
    fit = commands.add_parser("calibrate", help="fit the model to half of a run, judge it by the rest: a minute")
    fit.add_argument("run", metavar="RUN_FOLDER", type=Path, help="folder that holds run.json and samples.csv[.gz]")
    fit.add_argument(
        "--output", type=Path, default=in_core.RECORDED.parent, metavar="DIR",
        help="gets calibration.json, validation.md and validation.csv (default: %(default)s)",
    )  # fmt: skip
    fit.set_defaults(command=_calibrate)
    predict = commands.add_parser("predict", help="draw what the model expects of the paper's machines, and say why")
    predict.add_argument(
        "--output", type=Path, default=Path("results/predicted"), metavar="DIR", help="default: %(default)s"
    )
    predict.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: %(default)s")
    predict.set_defaults(command=_predict)
    return parser


def _in_core(options: argparse.Namespace) -> None:
    table = in_core.table(options.assembly)
    write_whole({options.output: csv_bytes(table)})
    unknown = table["cycles_per_vector_low"].isna().sum()
    print(f"{options.output}: {len(table)} rows, {unknown} of them loops that are no single block of code")


# What draws and fits takes a second to import, so only what needs it does.


def _simulate(options: argparse.Namespace) -> None:
    from analysis.model import simulation

    print(simulation.record(options.output))


def _calibrate(options: argparse.Namespace) -> None:
    import pandas as pd

    from analysis.model import calibrate, report
    from harness.record.samples import load_run

    run = load_run(options.run)
    calibration, comparisons = calibrate.calibrate(run)
    page = report.validation(calibration, comparisons, run)
    table = pd.concat([one.table.assign(fitted_isa=one.isa) for one in comparisons])
    write_whole(
        {
            options.output / "calibration.json": calibrate.save(calibration),
            options.output / "validation.md": page.encode(),
            options.output / "validation.csv": csv_bytes(table),
        }
    )
    print(page, end="")


def _predict(options: argparse.Namespace) -> None:
    import pandas as pd

    from analysis.model import figures, forecast, report
    from analysis.model.predict import limits_table
    from analysis.render import rendered
    from harness.record import catalog
    from harness.record.machines import is_evidence, load_machines
    from harness.record.samples import load_runs

    loaded = load_runs(catalog.newest_complete(options.results).values())
    runs = {run.information["machine"]["name"]: run for run in loaded}
    known, written = load_machines(), {}
    for machine, isas in forecast.predicted_machines().items():
        run = runs.get(machine)
        own = run if run and is_evidence(known[machine], run.information) else None
        for name in figures.FIGURES:
            drawn = rendered(lambda name=name, machine=machine, own=own: figures.draw(name, machine, own))
            written |= drawn.files(options.output / machine / name)
        limits = pd.concat([limits_table(forecast.forecast(machine, isa)) for isa in isas])
        written[options.output / machine / "limits.csv"] = csv_bytes(limits)
    measured = [run for run in runs.values() if "algorithms" in run.information["experiments"]]
    written |= rendered(lambda: figures.draw_machines(measured)).files(options.output / figures.MACHINES_NAME)
    written[options.output / "model.md"] = report.explanation().encode()
    write_whole(written)
    print(f"{options.output}: {len(written)} files; {options.output / 'model.md'} says why")


if __name__ == "__main__":
    with interrupted_in_one_line("analysis.model"):
        sys.exit(main())
