"""Checks a packed run and files it among the recorded ones; nothing in it is executed."""

import argparse
from pathlib import Path

from harness.exchange import bundle
from harness.record.files import ROOT

RECORDED = ROOT / "results" / "recorded"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes; nothing need be built or configured."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="what `pack` made")
    parser.add_argument("--recorded", type=Path, default=RECORDED, metavar="DIR", help="default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Prints where the run lies now."""
    folder, new = bundle.adopt(options.bundle, options.recorded)
    print(f"{folder}: {'adopted' if new else 'already adopted'}")
