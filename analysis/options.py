"""Options that several commands take, and what they write."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.record.files import write_whole

if TYPE_CHECKING:
    from analysis.render import Rendered


def add_run(parser: argparse.ArgumentParser) -> None:
    """The run that is looked at."""
    parser.add_argument("run", metavar="RUN_FOLDER", type=Path, help="folder that holds run.json and samples.csv[.gz]")


def add_results(parser: argparse.ArgumentParser) -> None:
    """Where all runs lie."""
    parser.add_argument("--results", metavar="DIR", type=Path, default=Path("results"), help="default: %(default)s")


def add_drawings(parser: argparse.ArgumentParser) -> None:
    """Where figures and their tables go."""
    parser.add_argument("--figures", metavar="DIR", type=Path, required=True, help="gets an SVG and a PNG of each")
    parser.add_argument("--tables", metavar="DIR", type=Path, required=True, help="gets a CSV of each")


def write(drawn: Mapping[str, Rendered], options: argparse.Namespace) -> None:
    """Writes figures and their tables, by name; all of them or none."""
    files = {}
    for name, rendered in drawn.items():
        files[options.figures / f"{name}.svg"] = rendered.svg
        files[options.figures / f"{name}.png"] = rendered.png
        files[options.tables / f"{name}.csv"] = rendered.csv
    write_whole(files)
