"""Writes what a reviewer reads of all runs that are on disk: report.html, claims.md with its table, and artifact.md."""

import argparse
from pathlib import Path

from analysis.claims import told
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
    written = made(options.results)
    write_whole({options.output / name: content for name, content in written.items()})
    megabytes = len(written["report.html"]) / 1e6
    print(f"{options.output / 'report.html'}: {megabytes:.1f} MB; open it in a browser")


def made(results: Path) -> dict[str, bytes]:
    """The files, by their names below the folder that they are written to."""
    found = Found.of(results)
    appendix = found.without_places(artifact.render(found, artifact.Measured.here(results)))
    return {
        "tables/claims.csv": csv_bytes(told.table(found.judgements)),
        "claims.md": told.report(found.judgements, [its.said for its in found.in_short.values()]).encode(),
        "artifact.md": appendix.encode(),
        "report.html": report.render(found, appendix).encode(),
    }
