"""Writes what a reviewer reads of all runs that are on disk: report.html, claims.md with its table, and artifact.md."""

import argparse
from pathlib import Path

from analysis.claims import verdicts
from analysis.options import RESULTS
from analysis.page import artifact, report
from analysis.page.found import Found
from harness.reading.command_line import option
from harness.record.files import csv_bytes, write_whole

OPTIONS = (
    RESULTS,
    option("--output", metavar="DIR", type=Path, default=Path("results"), help="default: %(default)s"),
)


def run(options: argparse.Namespace) -> None:
    """Writes them, all or none."""
    found = Found.of(options.results)
    appendix = found.without_places(artifact.render(found, artifact.Measured.here(options.results)))
    page = report.render(found, appendix).encode()
    written = {
        "tables/claims.csv": csv_bytes(verdicts.table(found.judgements)),
        "claims.md": verdicts.report(found.judgements, [its.said for its in found.in_short.values()]).encode(),
        "artifact.md": appendix.encode(),
        "report.html": page,
    }
    write_whole({options.output / name: content for name, content in written.items()})
    print(f"{options.output / 'report.html'}: {len(page) / 1e6:.1f} MB; open it in a browser")
