"""Times every pass and ISA at one length: the best variant against this machine's limits."""

import argparse
import json

from harness.commands.options import SETTINGS, measurable, positive
from harness.doctor import passes
from harness.machine.lock import exclusive
from harness.reading.command_line import option

OPTIONS = (
    *SETTINGS,
    option("--elements", type=positive, required=True, metavar="N", help="length of the vectors"),
    option(
        "--cache-state",
        choices=("warm", "paper", "cold", "reused"),
        default="warm",
        help="what holds before each call: the same operands as before; the input just read and the output evicted, "
        "as in the paper; nothing in any cache; the input just read and the output as before (default: %(default)s)",
    ),
    option("--json", action="store_true", help="for programs"),
)


def run(options: argparse.Namespace) -> None:
    """Measures and prints the table."""
    config = measurable(options)
    with exclusive():
        results = passes.measure_passes(config, options.built, options.elements, options.cache_state)
    print(json.dumps(passes.as_data(results), indent=1) if options.json else passes.table(results))
