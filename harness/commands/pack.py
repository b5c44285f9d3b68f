"""Makes one file of a complete run, to be adopted elsewhere."""

import argparse
from pathlib import Path

from harness.exchange import bundle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes; nothing need be built or configured."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: MACHINE-RUN.tar.gz in the current folder")


def run(options: argparse.Namespace) -> None:
    """Prints the file's path."""
    print(bundle.pack(options.run, options.output))
