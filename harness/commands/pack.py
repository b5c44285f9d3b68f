"""Makes one file of a complete run, to be adopted elsewhere."""

import argparse
from pathlib import Path

from harness.exchange import bundle
from harness.reading.command_line import option

OPTIONS = (
    option("run", type=Path, metavar="RUN", help="the run's folder"),
    option("--output", type=Path, metavar="FILE", help="default: MACHINE-RUN.tar.gz in the current folder"),
)


def run(options: argparse.Namespace) -> None:
    """Prints the file's path."""
    print(bundle.pack(options.run, options.output))
