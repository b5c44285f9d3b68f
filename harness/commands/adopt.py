"""Checks a packed run and files it among the recorded ones; nothing in it is executed."""

import argparse
from pathlib import Path

from harness.exchange import bundle
from harness.reading.command_line import option
from harness.record.files import ROOT

RECORDED = ROOT / "results" / "recorded"
OPTIONS = (
    option("bundle", type=Path, metavar="BUNDLE", help="what `pack` made"),
    option("--recorded", type=Path, default=RECORDED, metavar="DIR", help="default: %(default)s"),
)


def run(options: argparse.Namespace) -> None:
    """Prints where the run lies now."""
    folder, new = bundle.adopt(options.bundle, options.recorded)
    print(f"{folder}: {'adopted' if new else 'already adopted'}")
