"""Compiles one extension."""

import argparse
from pathlib import Path

from harness.commands.options import add_settings, settings
from harness.native import build
from harness.record.schema import schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_settings(parser)
    parser.add_argument("--compiler", required=True, metavar="NAME")
    targets = (*schema("config")["$defs"]["isa"]["enum"], build.HOST, build.ONEDNN)
    parser.add_argument("--target", required=True, choices=targets)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")


def run(options: argparse.Namespace) -> None:
    """Writes the extension, whole or not at all."""
    build.build(settings(options), options.compiler, options.target, options.output)
