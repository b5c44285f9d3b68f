"""Times every pass and ISA at one length: the best variant against this machine's limits."""

import argparse
import json

from harness.commands.options import add_settings, measurable
from harness.doctor import passes
from harness.machine.lock import exclusive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_settings(parser)
    parser.add_argument("--elements", type=positive, required=True, metavar="N", help="length of the vectors")
    parser.add_argument(
        "--cache-state",
        choices=("warm", "paper", "cold"),
        default="warm",
        help="what holds before each call: the same operands as before; the input just read and the output evicted, "
        "as in the paper; nothing in any cache (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def positive(text: str) -> int:
    """An argument that counts elements."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a length; it is at least 1")
    return value


def run(options: argparse.Namespace) -> None:
    """Measures and prints the table."""
    config = measurable(options)
    with exclusive():
        results = passes.measure_passes(config, options.built, options.elements, options.cache_state)
    print(json.dumps(passes.as_data(results), indent=1) if options.json else passes.table(results))
