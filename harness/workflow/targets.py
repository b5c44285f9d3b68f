"""What the Snakefile asks of the harness."""

from __future__ import annotations

import functools
import getpass
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness import peers
from harness.machine import detection
from harness.machine.lock import exclusive
from harness.native import build
from harness.record import configuration, room
from harness.record.errors import HarnessError
from harness.workflow import reproduce

MEASURING = Path(".snakemake/measuring.lock")
_held = ExitStack()


@contextmanager
def one_line_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Ends Snakemake with one line and status 2 about something that a person can mend."""
    try:
        yield
    except kinds as error:
        print(f"snakemake: {error}", file=sys.stderr)
        sys.exit(2)


def prepare() -> None:
    """Has all rules, and the Snakemakes that they start, use the interpreter that runs this one, whatever the shell's
    path is, and keeps other Pythons' settings and a site's profile from them. Ends Snakemake with one line where there
    is no room to work."""
    with one_line_errors(HarnessError):
        room.require()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for name in [name for name in os.environ if name.startswith("PYTHON") or name == "SNAKEMAKE_PROFILE"]:
        del os.environ[name]
    try:
        getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs by a bare number; Snakemake wants a name
        os.environ["LOGNAME"] = str(os.getuid())


def configure(config: configuration.Config) -> str:
    """Makes of the command line's `--config` the whole configuration, checked; what it changes in the file, as options
    of `python -m harness`. Ends Snakemake with one line about either."""
    with one_line_errors(HarnessError):
        changed = configuration.overrides(config)
        config |= configuration.load(overrides=changed)
        return options(changed)


@functools.cache
def alone() -> list[str]:
    """An input of what measures, of no files: asked before Snakemake removes anything, it ends a second Snakemake in
    this checkout with one line. The first keeps the lock as long as it lives."""
    with one_line_errors(HarnessError):
        _held.enter_context(exclusive(MEASURING))
    return []


def reproduction(config: configuration.Config, name: str, built: Path) -> str:
    """The command behind `reproduce-MACHINE`. Ends Snakemake with one line where no run of the machine can be had."""
    with one_line_errors(HarnessError, HarnessError):
        return shlex.join(reproduce.command(config, configuration.overrides(config), name, built))


def with_peers(config: configuration.Config) -> str:
    """The command behind `peers`. Ends Snakemake with one line where their environment is missing."""
    with one_line_errors(HarnessError):
        return shlex.join(reproduce.with_peers(config, configuration.overrides(config)))


def options(changed: Mapping[str, Any]) -> str:
    """Configuration keys and their values as options."""
    return " ".join(
        f"--{key} {' '.join(value) if isinstance(value, list) else value}" for key, value in changed.items()
    )


provenance = build.provenance


def extensions(config: configuration.Config, folder: Path) -> list[Path]:
    """The extensions that a run needs, below `folder`: the host part of the primary compiler, and every ISA of every
    compiler that is installed."""
    with one_line_errors(HarnessError):
        detection.require_x86_64()
        compilers, _ = build.find_compilers(config)
        build.python_headers()
        peers.check_names(config["peers"])
    installed, _ = peers.find(config["peers"])
    names = [compiler.name for compiler in compilers]
    return [
        build.extension_path(folder, names[0], build.HOST),
        *(build.extension_path(folder, name, isa) for name in names for isa in config["isas"]),
        *(build.extension_path(folder, names[0], build.ONEDNN) for peer in installed if peer.name == build.ONEDNN),
    ]
