"""Judges the paper's claims by the runs that are on disk, and prints the verdicts; `page` writes them."""

import argparse
from pathlib import Path

from analysis.claims import told
from analysis.claims.claims import load_claims
from analysis.claims.verdicts import strict_status
from analysis.options import RESULTS
from analysis.page.found import judged
from harness.reading.command_line import option

OPTIONS = (
    RESULTS,
    option("--claims", metavar="FILE", type=Path, default=Path("config/claims.yaml"), help="default: %(default)s"),
    option(
        "--strict", action="store_true", help="exit 1 if a tested claim is not reproduced, 2 if none could be tested"
    ),
)


def run(options: argparse.Namespace) -> int:
    """Prints the verdicts."""
    judgements = judged(options.results, load_claims(options.claims))
    print(told.terminal(judgements))
    return strict_status(judgements) if options.strict else 0
