"""Makes one file of a complete run, to be adopted elsewhere."""

import argparse
from pathlib import Path

from harness.exchange import bundle
from harness.reading.command_line import option

OPTIONS = (
    option("run", type=Path, metavar="RUN", help="the run's folder"),
    option("--output", type=Path, metavar="FILE", help="default: MACHINE-RUN.tar.gz in the current folder"),
    option(
        "--crate", action="store_true", help="describe the run as a Process Run Crate as well (ro-crate-metadata.json)"
    ),
)


def run(options: argparse.Namespace) -> None:
    """Prints the file's path."""
    if not options.crate:
        print(bundle.pack(options.run, options.output))
        return
    from harness.exchange import crate  # what it is made with takes a while to load

    print(bundle.pack(options.run, options.output, lambda run, files: {bundle.CRATE: crate.metadata(run, files)}))
