"""Simulates the caches of every known machine: minutes."""

import argparse
from pathlib import Path

from analysis.model import simulation
from harness.record.command_line import option

OPTIONS = (option("--output", type=Path, metavar="FILE", help="default: results/model/traffic.csv"),)


def run(options: argparse.Namespace) -> None:
    """Writes the lines that cross each boundary."""
    print(simulation.record(options.output))
