"""Cycles of every hot loop by llvm-mca: two minutes."""

import argparse
from pathlib import Path

from analysis.model import in_core
from harness.record.command_line import option
from harness.record.files import csv_bytes, write_whole

OPTIONS = (
    option(
        "assembly", nargs="?", type=Path, default=in_core.ASSEMBLY, metavar="DIR",
        help="what `python -m harness assembly` wrote (default: %(default)s)",
    ),
    option("--output", type=Path, default=in_core.RECORDED, help="default: %(default)s"),
)  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Writes the table of cycles."""
    table = in_core.table(options.assembly)
    write_whole({options.output: csv_bytes(table)})
    unknown = table["cycles_per_vector_low"].isna().sum()
    print(f"{options.output}: {len(table)} rows, {unknown} of them loops that are no single block of code")
