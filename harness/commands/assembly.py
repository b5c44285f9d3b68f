"""Compiles the kernels of every compiler and ISA to assembly, for predictions."""

import argparse
from pathlib import Path

from harness.commands.options import BUILT, SETTINGS, settings
from harness.doctor import assembly
from harness.reading.command_line import option

OUTPUT = BUILT / "assembly"
OPTIONS = (*SETTINGS, option("--output", type=Path, default=OUTPUT, metavar="DIR", help="default: %(default)s"))


def run(options: argparse.Namespace) -> None:
    """Writes a file of assembly for each."""
    assembly.write(settings(options), options.output)
