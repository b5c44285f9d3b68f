"""Draw figures and sum up runs from the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.record.console import interrupted_in_one_line, print_everywhere, print_no_more

with interrupted_in_one_line("analysis"):
    from analysis import figures
    from harness.record import catalog
    from harness.record.errors import HarnessError
    from harness.record.files import write_whole

if TYPE_CHECKING:
    from analysis.render import Rendered

DESCRIPTION = """\
Turn a recorded run into figures, tables and a summary. Nothing is measured here: the same rows give the same bytes,
on any machine.

A run is a folder with run.json and samples.csv (or samples.csv.gz), found as
  results/runs/MACHINE/RUN/      what was measured here
  results/recorded/MACHINE/RUN/  what came with the project"""

EXAMPLES = """\
examples:
  python -m analysis list
      which figures there are, and which runs; * marks the run of each machine that is drawn
  python -m analysis summary results/recorded/MACHINE/RUN
      what the run shows, on one screen
  python -m analysis figure speedup results/recorded/MACHINE/RUN \\
      --figures results/figures/MACHINE --tables results/tables/MACHINE
      writes speedup.svg, speedup.png and speedup.csv, all three or none

  python -m analysis claims --strict
      the paper's claims, judged by the runs on disk; exits 1 if a claim that could be tested is not reproduced, 2 if
      none could be tested

exit status: 0 done; 1 a file could not be written; 2 the arguments or the run's files are not good"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors that a person can mend are one line on standard error."""
    print_everywhere()
    options = _parser().parse_args(arguments)
    try:
        status = options.command(options) or 0
        if sys.stdout:  # closed by whoever called
            sys.stdout.flush()
        return status
    except HarnessError as error:
        print(f"analysis: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        print_no_more()
        return 0
    except OSError as error:
        print(f"analysis: cannot write: {error}", file=sys.stderr)
        if error.filename is None:  # of the output
            print_no_more()
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    figure = commands.add_parser("figure", help="draw one figure of a run, with its table")
    figure.add_argument("name", metavar="NAME", help=f"one of: {', '.join(figures.names())}")
    figure.add_argument("run", metavar="RUN_FOLDER", type=Path, help="folder that holds run.json and samples.csv[.gz]")
    figure.add_argument("--figures", metavar="DIR", type=Path, required=True, help="gets NAME.svg and NAME.png")
    figure.add_argument("--tables", metavar="DIR", type=Path, required=True, help="gets NAME.csv")
    figure.set_defaults(command=_figure)

    everything = commands.add_parser("figures", help="draw every figure that a run has the rows for, with their tables")
    everything.add_argument(
        "run", metavar="RUN_FOLDER", type=Path, help="folder that holds run.json and samples.csv[.gz]"
    )
    everything.add_argument("--figures", metavar="DIR", type=Path, required=True, help="gets an SVG and a PNG of each")
    everything.add_argument("--tables", metavar="DIR", type=Path, required=True, help="gets a CSV of each")
    everything.set_defaults(command=_figures)

    machines = commands.add_parser("machines", help="draw all machines side by side, with their table")
    machines.add_argument("runs", metavar="RUN_FOLDER", type=Path, nargs="+", help="one run of each machine")
    machines.add_argument(
        "--figures", metavar="DIR", type=Path, required=True, help="gets machines.svg and machines.png"
    )
    machines.add_argument("--tables", metavar="DIR", type=Path, required=True, help="gets machines.csv")
    machines.set_defaults(command=_machines)

    summary = commands.add_parser("summary", help="say on one screen what a run shows")
    summary.add_argument("run", metavar="RUN_FOLDER", type=Path, help="folder that holds run.json and samples.csv[.gz]")
    summary.set_defaults(command=_summary)

    claims = commands.add_parser("claims", help="judge the paper's claims by the runs that are on disk")
    claims.add_argument("--results", metavar="DIR", type=Path, default=Path("results"), help="default: results")
    claims.add_argument(
        "--claims", metavar="FILE", type=Path, default=Path("config/claims.yaml"), help="default: config/claims.yaml"
    )
    claims.add_argument("--tables", metavar="DIR", type=Path, help="gets claims.csv")
    claims.add_argument("--report", metavar="FILE", type=Path, help="gets the verdicts as a page of Markdown")
    claims.add_argument(
        "--strict", action="store_true", help="exit 1 if a tested claim is not reproduced, 2 if none could be tested"
    )
    claims.set_defaults(command=_claims)

    listing = commands.add_parser("list", help="list the figures, and the runs that are on disk")
    listing.add_argument("--results", metavar="DIR", type=Path, default=Path("results"), help="default: results")
    listing.set_defaults(command=_list)
    return parser


# pandas and Matplotlib take a second to import, so only what needs them does.


def _figure(options: argparse.Namespace) -> None:
    from analysis.render import render
    from harness.record.samples import load_run

    figures.caption(options.name)  # an unknown name is told before a run is read
    _write(options.name, render(options.name, load_run(options.run)), options)


def _figures(options: argparse.Namespace) -> None:
    from analysis.render import render
    from harness.record.run import parts
    from harness.record.samples import load_run

    run = load_run(options.run)
    held = parts(run.information)
    drawn = {name: render(name, run) for name in figures.names() if figures.experiment(name) in held}
    write_whole({path: content for name, one in drawn.items() for path, content in _files(name, one, options).items()})


def _machines(options: argparse.Namespace) -> None:
    from analysis.across import NAME
    from analysis.render import render_machines
    from harness.record.samples import load_runs

    _write(NAME, render_machines(load_runs(options.runs)), options)


def _write(name: str, rendered: "Rendered", options: argparse.Namespace) -> None:
    write_whole(_files(name, rendered, options))


def _files(name: str, rendered: "Rendered", options: argparse.Namespace) -> dict[Path, bytes]:
    return {
        options.figures / f"{name}.svg": rendered.svg,
        options.figures / f"{name}.png": rendered.png,
        options.tables / f"{name}.csv": rendered.csv,
    }


def _summary(options: argparse.Namespace) -> None:
    from analysis.summary import summary
    from harness.record.samples import load_run

    print(summary(load_run(options.run)), end="")


def _claims(options: argparse.Namespace) -> int:
    from analysis.claims import verdicts
    from analysis.model import forecast
    from harness.record.claims import load_claims
    from harness.record.files import csv_bytes
    from harness.record.samples import load_runs

    wanted = load_claims(options.claims)
    found = {machine: load_runs(folders) for machine, folders in catalog.complete_runs(options.results).items()}
    runs = {machine: those for machine, those in found.items() if those}
    judgements = verdicts.judge_all(wanted, runs, forecast.of_claim)
    written = {}
    if options.tables:
        written[options.tables / "claims.csv"] = csv_bytes(verdicts.table(judgements))
    if options.report:
        written[options.report] = verdicts.report(judgements, runs).encode()
    write_whole(written)
    print(verdicts.terminal(judgements))
    return verdicts.strict_status(judgements) if options.strict else 0


def _list(options: argparse.Namespace) -> None:
    print("figures")
    for name in figures.names():
        print(f"  {name:16} {figures.caption(name)}")
    runs = catalog.find_runs(options.results)
    print("runs (* = drawn)" if runs else f"runs: none under {options.results}")
    drawn = set(catalog.newest_complete(options.results).values())
    for run in runs:
        state = run.problem or (f"ended {run.ended.isoformat()}" if run.ended else "not complete")
        print(f"{'*' if run.folder in drawn else ' '} {run.machine:16} {run.folder}  {state}")


if __name__ == "__main__":
    with interrupted_in_one_line("analysis"):
        sys.exit(main())
