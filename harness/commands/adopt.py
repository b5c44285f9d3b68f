"""Checks a packed run and files it among the recorded ones, or those that were measured; nothing in it is
executed."""

import argparse
from pathlib import Path

from harness.exchange import bundle
from harness.reading.command_line import option
from harness.record.files import ROOT, write_whole

RECORDED = ROOT / "results" / "recorded"
OPTIONS = (
    option("bundle", type=Path, metavar="BUNDLE", help="what `pack` made"),
    option("--recorded", type=Path, default=RECORDED, metavar="DIR", help="default: %(default)s"),
    option(
        "--runs",
        type=Path,
        metavar="DIR",
        help="instead, file it below DIR among runs that were measured, where one of smoke may lie too",
    ),
    option("--name-in", type=Path, metavar="FILE", help="write the run's folder into this file"),
)


def run(options: argparse.Namespace) -> None:
    """Prints where the run lies now."""
    if options.runs:
        folder, new = bundle.bring(options.bundle, options.runs)
    else:
        folder, new = bundle.adopt(options.bundle, options.recorded)
    print(f"{folder}: {'adopted' if new else 'already adopted'}")
    if options.name_in:
        write_whole({options.name_in: f"{folder}\n".encode(errors="surrogateescape")})
