"""Says which softmax algorithm is the fastest at a length, by this machine's runs. It measures nothing."""

import argparse
import textwrap
from pathlib import Path

from harness.commands.options import BUILT, positive
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.isa import ISAS

RESULTS = ROOT / "results"
OPTIONS = (
    option("--elements", type=positive, required=True, metavar="N", help="length of the vectors"),
    option(
        "--output",
        choices=("cold", "warm"),
        help="whether a call writes where nothing was written lately, or where the call before did (default: both)",
    ),
    option("--isa", choices=tuple(ISAS), help="default: the widest that was measured"),
    option("--threads", type=positive, default=1, metavar="T", help="that share a vector (default: %(default)s)"),
    option("--machine", metavar="NAME", help="default: this one"),
    option("--results", metavar="DIR", type=Path, default=RESULTS, help="default: %(default)s"),
    option("--built", metavar="DIR", type=Path, default=BUILT, help="default: %(default)s"),
)


def run(options: argparse.Namespace) -> None:
    """Prints the advice. Raises HarnessError, in one line, where no run tells."""
    from harness.experiments.base import UNIFORM
    from harness.reading.advice import advised
    from harness.reading.evidence import bodies
    from harness.reading.frontier import measured
    from harness.record.samples import load_runs

    machine = options.machine or _here(options.built)
    folders = catalog.complete_runs(options.results).get(machine, [])
    found = bodies(load_runs(folders)) if folders else []
    told = next((body for body in found if any(measured(run, UNIFORM) for run in body.runs)), None)
    if told is None:
        lacks = "no run with a frontier" if folders else "no complete run"
        raise HarnessError(f"there is {lacks} of {machine} below {options.results}: `make reproduce-all` makes one")
    outputs = [options.output] if options.output else []
    lines = advised(told, options.elements, outputs, options.isa, options.threads)
    newest = told.newest
    lines = [f"{newest.machine.name}: {newest.machine.brand}, {newest.primary}; {told.told}", *lines]
    print("\n".join(line for text in lines for line in textwrap.wrap(text, 100, subsequent_indent="  ")))


def _here(built: Path) -> str:
    """The name of this machine. Raises HarnessError where the host part can't tell."""
    from harness.machine import detection, identity
    from harness.native import build
    from harness.native.extensions import first_host
    from harness.record import configuration

    config = configuration.load()
    detection.require_x86_64()
    compilers, _ = build.find_compilers(config)
    processor = first_host(config, built, compilers).processor()
    return identity.identify(detection.facts(processor), config.get("machine")).name
