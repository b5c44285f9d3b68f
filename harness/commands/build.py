"""Compiles one extension."""

import argparse
from pathlib import Path

from harness.commands.options import SETTINGS, settings
from harness.native import build
from harness.reading.command_line import option
from harness.record.schema import schema

OPTIONS = (
    *SETTINGS,
    option("--compiler", required=True, metavar="NAME"),
    option("--target", required=True, choices=(*schema("config")["$defs"]["isa"]["enum"], build.HOST, build.ONEDNN)),
    option("--output", type=Path, required=True, metavar="FILE"),
)


def run(options: argparse.Namespace) -> None:
    """Writes the extension, whole or not at all."""
    build.build(settings(options), options.compiler, options.target, options.output)
