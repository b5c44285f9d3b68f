"""Options that several commands take, and the configuration that they make."""

import argparse
from pathlib import Path

from harness import peers
from harness.record import configuration
from harness.record.files import ROOT
from harness.run import prepare

BUILT = ROOT / "results" / "build"


def add_settings(parser: argparse.ArgumentParser) -> None:
    """What is configured."""
    parser.add_argument("--isas", nargs="+", metavar="ISA", help="those to take (default: config.yaml's)")
    parser.add_argument("--compilers", nargs="+", metavar="NAME", help="the first is primary (default: config.yaml's)")
    parser.add_argument(
        "--config", type=Path, default=configuration.CONFIG_FILE, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--built", type=Path, default=BUILT, metavar="DIR", help="extensions (default: %(default)s)")


def add_run(parser: argparse.ArgumentParser) -> None:
    """What is configured for a whole run."""
    add_settings(parser)
    parser.add_argument("--protocol", metavar="NAME", help="one of config.yaml's (default: the one that it names)")
    parser.add_argument("--tuning", metavar="NAME", help="measured or paper (default: config.yaml's)")
    parser.add_argument(
        "--peers", nargs="+", metavar="NAME", help=f"other libraries: {', '.join(peers.names())} (see `make peers`)"
    )
    parser.add_argument(
        "--machine", metavar="NAME", help="overrides detection, which is recorded: the run is then no evidence"
    )


def settings(options: argparse.Namespace) -> configuration.Config:
    """The configuration by file and options. Raises HarnessError."""
    overrides = {key: getattr(options, key, None) for key in configuration.OVERRIDABLE}
    return configuration.load(options.config, overrides)


def measurable(options: argparse.Namespace) -> configuration.Config:
    """The configuration by file and options. Raises HarnessError also where an ISA, compiler or library of the options
    is not to be had."""
    config = settings(options)
    peers.check_names(config["peers"])
    prepare.check_named(config, options.built, options.isas, options.compilers)
    return config
