"""Draws all machines side by side, with their table."""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from analysis.across import NAME, Compared
from analysis.options import DRAWINGS, write
from analysis.render import render_machines
from harness.reading import catalog, kept, parallel
from harness.reading.command_line import option
from harness.reading.evidence import Evidence
from harness.record import store
from harness.record.errors import HarnessError, MissingRows
from harness.record.files import ROOT
from harness.record.samples import load_runs

OPTIONS = (
    option(
        "runs",
        metavar="RUN_FOLDER",
        type=Path,
        nargs="+",
        help="the runs of each machine that are drawn, the newest first",
    ),
    *DRAWINGS,
)


def run(options: argparse.Namespace) -> None:
    """Writes three files."""
    by_machine: dict[str, list[Path]] = {}
    for folder in options.runs:
        by_machine.setdefault(folder.resolve().parent.name, []).append(folder)
    found = parallel.each(compared, [*by_machine.values()])
    write({NAME: render_machines([one for one in found if one])}, options)


def compared(folders: Sequence[Path]) -> Compared | None:
    """What of a machine is compared, by the folders of its runs; None where that was not measured. Each run takes half
    a second, so it is kept as long as the files of the runs and the code stay the same."""
    machine = folders[0].resolve().parent
    results, name = machine.parents[1], f"{NAME}/{machine.name}.json"
    of = decided_by(folders) if machine.parent.name in catalog.ROOMS else ""
    with suppress(ValueError, TypeError, LookupError):
        if of and (known := kept.read_made(results, name, of)):
            return Compared.from_json(known)
    runs, found = load_runs(folders), None
    with suppress(MissingRows):
        found = Compared.of(Evidence.of(runs)) if runs else None
    # What is told of a run that cannot be loaded is told each time.
    if of and found and len(runs) == len(folders):
        kept.write_made(results, name, of, found.as_json())
    return found


def decided_by(folders: Sequence[Path]) -> str:
    """Hash of all that decides what is found in these runs: their files, the modules, the configuration with the
    versions of libraries that are locked. Empty where a file cannot be read."""
    its = [path for package in ("analysis", "harness") for path in (ROOT / package).rglob("*.py")]
    its += [path for path in (ROOT / "config").rglob("*") if path.is_file()]
    with suppress(HarnessError, OSError):
        return kept.hash_of([*sorted(its), *(file for folder in folders for file in store.files(folder))])
    return ""
