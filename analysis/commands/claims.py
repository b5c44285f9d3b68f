"""Judges the paper's claims by the runs that are on disk."""

import argparse
from pathlib import Path

from analysis.claims import verdicts
from analysis.model import forecast
from analysis.options import RESULTS
from harness.reading import catalog
from harness.reading.claims import load_claims
from harness.reading.command_line import option
from harness.record.files import csv_bytes, write_whole
from harness.record.samples import load_runs

OPTIONS = (
    RESULTS,
    option("--claims", metavar="FILE", type=Path, default=Path("config/claims.yaml"), help="default: %(default)s"),
    option("--tables", metavar="DIR", type=Path, help="gets claims.csv"),
    option("--report", metavar="FILE", type=Path, help="gets the verdicts as a page of Markdown"),
    option(
        "--strict", action="store_true", help="exit 1 if a tested claim is not reproduced, 2 if none could be tested"
    ),
)


def run(options: argparse.Namespace) -> int:
    """Prints the verdicts, and writes them where asked."""
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
