"""Find the runs that are on disk, and which of them are one body of evidence. Imports neither pandas nor Matplotlib."""

import json
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

from harness.record import exactness
from harness.record.errors import DamagedRun, tell_skipped
from harness.record.machines import emulator
from harness.record.run import Record, plain
from harness.record.store import check_whole, read_record, samples_file, text_of

ROOMS = ("runs", "recorded")
POOLED = ("algorithms", "passes")
"""The experiments whose numbers are pooled over runs."""
Its = TypeVar("Its")


@dataclass(frozen=True)
class FoundRun:
    """A folder ROOM/MACHINE/RUN that holds a run.json."""

    folder: Path
    record: Record | None
    """What run.json and its tables say; None where they cannot be used."""
    problem: str = ""
    """Why the run cannot be drawn, complete or not; empty where nothing speaks against it."""

    @property
    def machine(self) -> str:
        """Name of the machine, as the folder has it."""
        return self.folder.parent.name

    @property
    def ended(self) -> datetime | None:
        """None while the run is not complete."""
        return datetime.fromisoformat(self.record.ended) if self.record and self.record.ended else None


def find_runs(results: Path) -> list[FoundRun]:
    """Every run under results/runs and results/recorded, complete or not, sorted by machine and folder."""
    return sorted(_look(results), key=lambda run: (run.machine, str(run.folder)))


def newest_complete(results: Path) -> dict[str, Path]:
    """For each machine the folder of the newest run that is drawn: the first of its `complete_runs`."""
    return {machine: folders[0] for machine, folders in complete_runs(results).items()}


def complete_runs(results: Path) -> dict[str, list[Path]]:
    """For each machine the folders of its complete runs, the newest (by the time it ended) first. Smoke runs, which
    claim nothing, come after all others; so do runs whose machine was given by name, or emulated. Those that lack
    something that is pooled come after those that have it all (`standing`).

    A run that is in both rooms is listed once, as the recorded one. Machines without a complete run are left out. A run
    that is damaged is skipped, with a line on standard error, and an older one takes its place; so is one of two that
    have a name and are not the same.
    """
    return {machine: [run.folder for run in runs] for machine, runs in _complete(results).items()}


def evidence(results: Path, newest: Path | None = None) -> dict[str, list[Path]]:
    """For each machine the folders of the runs that are drawn: the body of evidence that its newest run belongs to, or
    with `newest` the body of that run, its newest run first. Behind one that stands alone come those of the next body
    that has several: they tell how much runs of the machine differ."""
    found = {}
    for machine, runs in _complete(results).items():
        groups = in_bodies(runs, lambda run: run.record)
        at = next((place for place, group in enumerate(groups) if newest in [run.folder for run in group]), 0)
        drawn, others = groups[at], groups[:at] + groups[at + 1 :]
        lent = next((group for group in others if len(group) > 1), []) if len(drawn) == 1 else []
        found[machine] = [run.folder for run in [*drawn, *lent]]
    return found


def in_bodies(runs: Iterable[Its], record: Callable[[Its], Record]) -> list[list[Its]]:
    """Runs of one machine as bodies of evidence, each where the first of it stood."""
    found: dict[Hashable, list[Its]] = {}
    for run in runs:
        found.setdefault(body(record(run)), []).append(run)
    return list(found.values())


def body(run: Record) -> Hashable:
    """What runs of a machine have in common if they are one body of evidence: the product, the kernels, and all else
    that decides what is timed; how long and how often may differ. A run that claims nothing, is no evidence about its
    machine, has wrong results, or is from before kernels had a hash, stands alone."""
    if run.kernels_hash is None or run.protocol.is_smoke or run.machine.overridden or emulator(run):
        return run.name
    if exactness.faults(run):
        return run.name
    protocol = run.protocol
    states = {name: plain(asked) for name, asked in protocol.experiments.items() if name in POOLED}
    timed = (run.primary, plain(run.algorithms), protocol.input, protocol.rotation, protocol.tuning, states)
    return json.dumps([run.machine.brand, run.kernels_hash, *timed], sort_keys=True, default=str)


def _complete(results: Path) -> dict[str, list[FoundRun]]:
    runs = find_runs(results)
    for run in runs:
        if run.problem:
            tell_skipped(DamagedRun(run.problem))
    found: dict[str, dict[str, FoundRun]] = {}
    for run in sorted((run for run in runs if run.ended and not run.problem), key=_age, reverse=True):
        first = found.setdefault(run.machine, {}).setdefault(run.folder.name, run)
        try:
            if not holds_the_same(first.folder, run.folder):
                raise DamagedRun(f"{run.folder}: {first.folder} is another run of this name; remove one of them")
        except DamagedRun as error:
            tell_skipped(error)
    return {machine: list(runs.values()) for machine, runs in sorted(found.items())}


def holds_the_same(one: Path, other: Path) -> bool:
    """Whether two folders hold one run, however its samples are compressed. Raises DamagedRun."""
    return one == other or (
        read_record(one) == read_record(other) and text_of(samples_file(one)) == text_of(samples_file(other))
    )


def standing(run: Record) -> tuple[bool, datetime]:
    """What puts runs in order: of a machine, or of a body of evidence, the last by this stands for all. That is the
    newest (by the time it ended) that has all that is pooled; one of a few lengths more is evidence beside it."""
    return run.experiments.keys() >= {*POOLED}, datetime.fromisoformat(run.ended or run.started)


def _age(run: FoundRun) -> tuple[bool, bool, tuple[bool, datetime], bool, str]:
    assert run.record is not None and run.ended is not None
    return (
        not (run.record.machine.overridden or emulator(run.record)),
        not run.record.protocol.is_smoke,
        standing(run.record),
        run.folder.parents[1].name == "recorded",
        run.folder.name,
    )


def _look(results: Path) -> Iterator[FoundRun]:
    for room in ROOMS:
        for path in (results / room).glob("*/*/run.json"):
            files = [path, *sorted(path.parent.glob("*.csv*"))]
            yield _found(path.parent, tuple(map(_state, files)))


def _state(file: Path) -> tuple[str, int, int]:
    """What changes with a file's content; zeros for a link to nothing, or what was removed meanwhile."""
    try:
        found = file.stat()
    except OSError:
        return file.name, 0, 0
    return file.name, found.st_mtime_ns, found.st_size


def machines(results: Path) -> set[str]:
    """The name of every machine that has a folder of runs."""
    return {path.parents[1].name for room in ROOMS for path in (results / room).glob("*/*/run.json")}


@cache
def _found(folder: Path, _: object) -> FoundRun:
    """A folder is looked at again only where its files, as the second argument tells them, have changed."""
    record = None
    try:
        record = read_record(folder)
        for field, name, its in (
            ("machine.name", record.machine.name, folder.parent.name),
            ("run", record.name, folder.name),
        ):
            if name != its:
                raise DamagedRun(f"{folder / 'run.json'}, {field}: '{name}' is not the name of its folder, '{its}'")
        if record.is_complete:
            # Not its rows one by one: to read them takes a second, to see that they are all there some milliseconds.
            path = samples_file(folder)
            check_whole(path, text_of(path), record)
    except DamagedRun as error:
        return FoundRun(folder, record, str(error))
    return FoundRun(folder, record)
