"""Options that several commands take, and what they write."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.reading.command_line import option
from harness.record.files import write_whole

if TYPE_CHECKING:
    from analysis.render import Rendered


RUN = option("run", metavar="RUN_FOLDER", type=Path, help="folder that holds run.json and samples.csv[.gz]")
RUNS = option(
    "runs",
    metavar="RUN_FOLDER",
    type=Path,
    nargs="+",
    help="the run that is drawn, and others of its machine: those of its body of evidence are pooled with it",
)
RESULTS = option("--results", metavar="DIR", type=Path, default=Path("results"), help="default: %(default)s")
DRAWINGS = (
    option("--figures", metavar="DIR", type=Path, required=True, help="gets an SVG and a PNG of each"),
    option("--tables", metavar="DIR", type=Path, required=True, help="gets a CSV of each"),
)


def write(drawn: Mapping[str, Rendered], options: argparse.Namespace) -> None:
    """Writes figures and their tables, by name; all of them or none."""
    written = (rendered.files(name, options.figures, options.tables) for name, rendered in drawn.items())
    write_whole({path: content for files in written for path, content in files.items()})
