"""What the Snakefile asks of the harness."""

from __future__ import annotations

import functools
import getpass
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness import peers
from harness.machine import detection, identity
from harness.machine.lock import exclusive
from harness.native import build
from harness.native.extensions import Host, is_current
from harness.record import configuration, room
from harness.record.errors import HarnessError

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
    """Has all rules use the interpreter that runs Snakemake, whatever the shell's path is, and keeps from them what is
    set for other Pythons, and by a site for Snakemake. Ends Snakemake with one line where there is no room to work."""
    with one_line_errors(HarnessError):
        room.require()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for name in [name for name in os.environ if name.startswith(("PYTHON", "SNAKEMAKE_"))]:
        del os.environ[name]
    try:
        getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs by a bare number; Snakemake wants a name
        os.environ["LOGNAME"] = str(os.getuid())


def configure(config: configuration.Config) -> str:
    """Makes of the command line's `--config` the whole configuration, checked; what it changes in the file, as options
    of `python -m harness measure`. `peers=all` names every one; `again` says how many further runs are wanted. Ends
    Snakemake with one line about what is wrong."""
    if config.get("peers") == "all":
        config["peers"] = peers.names()
    further = {"again": config.pop("again")} if "again" in config else {}
    with one_line_errors(HarnessError):
        if further and (type(further["again"]) is not int or further["again"] < 1):
            raise HarnessError(f"--config again: {further['again']!r} is no number of runs; again=1 measures once more")
        changed = configuration.overrides(config)
        config |= configuration.load(overrides=changed)
        return options(changed | further)


@functools.cache
def alone() -> list[str]:
    """An input of what measures, of no files: asked before Snakemake removes anything, it ends a second Snakemake in
    this checkout with one line. The first keeps the lock as long as it lives."""
    with one_line_errors(HarnessError):
        _held.enter_context(exclusive(MEASURING))
    return []


def is_here(config: configuration.Config, name: str, built: Path) -> bool:
    """Whether this is the machine `name`. Compiles the host part if that is missing or old; where it can't be asked
    (another architecture, no compiler), nothing could be measured anyway."""
    if config.get("machine") is not None:
        return config["machine"] == name
    try:
        detection.require_x86_64()
        compilers, _ = build.find_compilers(config)
        library = build.extension_path(built, compilers[0].name, build.HOST)
        if not (library.exists() and is_current(config, built, compilers[0].name, build.HOST)):
            build.build(config, compilers[0].name, build.HOST, library)
        return identity.identify(detection.facts(Host(built, compilers[0].name).processor())).name == name
    except HarnessError:
        return False


def options(changed: Mapping[str, Any]) -> str:
    """Configuration keys and their values as options."""
    return " ".join(
        f"--{key} {' '.join(value) if isinstance(value, list) else value}" for key, value in changed.items()
    )


now = time.time_ns


def provenance(config: configuration.Config, compiler: str, target: str) -> str:
    """What an extension depends on besides its sources. Ends Snakemake with one line where no compiler is called so."""
    with one_line_errors(HarnessError):
        return build.provenance(config, compiler, target)


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
        *(build.extension_path(folder, names[0], build.ONEDNN) for name in installed if name == build.ONEDNN),
    ]
