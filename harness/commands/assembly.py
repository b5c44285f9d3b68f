"""Compiles the kernels of every compiler and ISA to assembly, for predictions."""

import argparse
from pathlib import Path

from harness.commands.options import BUILT, add_settings, settings
from harness.doctor import assembly


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_settings(parser)
    parser.add_argument("--output", type=Path, default=BUILT / "assembly", metavar="DIR", help="default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Writes a file of assembly for each."""
    assembly.write(settings(options), options.output)
