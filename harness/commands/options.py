"""Options that several commands take, and the configuration that they make."""

import argparse
from pathlib import Path

from harness import peers
from harness.reading.command_line import option
from harness.record import configuration
from harness.record.files import ROOT
from harness.run import prepare

BUILT = ROOT / "results" / "build"
SETTINGS = (
    option("--isas", nargs="+", metavar="ISA", help="those to take (default: config.yaml's)"),
    option("--compilers", nargs="+", metavar="NAME", help="the first is primary (default: config.yaml's)"),
    option("--config", type=Path, default=configuration.CONFIG_FILE, metavar="FILE", help="default: %(default)s"),
    option("--built", type=Path, default=BUILT, metavar="DIR", help="extensions (default: %(default)s)"),
)
OF_A_RUN = (
    *SETTINGS,
    option("--protocol", metavar="NAME", help="one of config.yaml's (default: the one that it names)"),
    option("--tuning", metavar="NAME", help="measured or paper (default: config.yaml's)"),
    option(
        "--peers", nargs="+", metavar="NAME", help=f"other libraries: {', '.join(peers.names())} (see `make peers`)"
    ),
    option("--machine", metavar="NAME", help="overrides detection, which is recorded: the run is then no evidence"),
)


def positive(text: str) -> int:
    """An argument that counts something: 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is too small; it is at least 1")
    return value


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
