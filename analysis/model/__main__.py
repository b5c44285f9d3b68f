"""Make anew, from the command line, what predictions are made of."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.files import csv_bytes, write_whole
from analysis.model import in_core


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors that a person can mend are one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except AnalysisError as error:
        print(f"analysis.model: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"analysis.model: cannot write: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis.model", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    core = commands.add_parser("in-core", help="cycles of every hot loop by llvm-mca: two minutes")
    core.add_argument(
        "assembly", nargs="?", type=Path, default=in_core.ASSEMBLY, metavar="DIR",
        help="what `python -m harness assembly` wrote (default: %(default)s)",
    )  # fmt: skip
    core.add_argument("--output", type=Path, default=in_core.RECORDED, help="default: %(default)s")
    core.set_defaults(command=_in_core)
    return parser


def _in_core(options: argparse.Namespace) -> None:
    table = in_core.table(options.assembly)
    write_whole({options.output: csv_bytes(table)})
    unknown = table["cycles_per_vector_low"].isna().sum()
    print(f"{options.output}: {len(table)} rows, {unknown} of them loops that are no single block of code")


if __name__ == "__main__":
    sys.exit(main())
