"""Find the runs that are on disk, and which of them are one body of evidence. Imports neither pandas nor Matplotlib."""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from harness.reading import kept, parallel
from harness.record import exactness
from harness.record.errors import DamagedRun, tell_skipped
from harness.record.files import ROOT
from harness.record.machines import emulator
from harness.record.parsing import text_of
from harness.record.run import SCHEMA_VERSION, Record, plain, typed
from harness.record.schema import SCHEMAS
from harness.record.store import (
    INFO,
    beside_of,
    check_whole,
    digest,
    fitting,
    read_content,
    read_record,
    samples_file,
)

ROOMS = ("runs", "recorded")
POOLED = ("algorithms", "passes")
"""The experiments whose numbers are pooled over runs."""
CATALOG = "catalog.json"
Its = TypeVar("Its")


@dataclass(frozen=True)
class Facts:
    """What there is to know of a complete run before it is drawn."""

    ended: str
    body: str
    """Hash of its `body`."""
    content: str
    """Hash of all that it says, however its samples are compressed."""
    is_of_machine: bool
    """Its machine was neither given by name nor emulated."""
    is_smoke: bool
    experiments: tuple[str, ...]

    @classmethod
    def of(cls, record: Record, content: Iterable[str]) -> "Facts":
        """Those of a run, and of all that it says as texts."""
        return cls(
            record.ended or "",
            digest([str(body(record))]),
            digest(content),
            not (record.machine.overridden or emulator(record)),
            record.protocol.is_smoke,
            tuple(record.experiments),
        )


@dataclass(frozen=True)
class FoundRun:
    """A folder ROOM/MACHINE/RUN that holds a run.json."""

    folder: Path
    facts: Facts | None = None
    """None where the run is not complete, or cannot be drawn."""
    problem: str = ""
    """Why the run cannot be drawn, complete or not; empty where nothing speaks against it."""
    is_read: bool = False
    """Nothing is wrong with its tables either, and its rows are those that were measured."""

    @property
    def machine(self) -> str:
        """Name of the machine, as the folder has it."""
        return self.folder.parent.name

    @property
    def ended(self) -> datetime | None:
        """None while the run is not complete."""
        return datetime.fromisoformat(self.facts.ended) if self.facts else None


@dataclass(frozen=True)
class Looked:
    """What was found in a folder when its files were in this state."""

    state: str
    facts: Facts
    is_read: bool


@dataclass(frozen=True)
class Catalog:
    """What is kept of all that was looked at, by the code of this hash; runs by ROOM/MACHINE/RUN."""

    code: str
    runs: dict[str, Looked]


def find_runs(results: Path) -> list[FoundRun]:
    """Every run under results/runs and results/recorded, complete or not, sorted by machine and folder.

    Of a complete run it is what run.json says, and where the rest of it decides which runs are drawn that as well
    (`_deciding`). The others are checked where they are loaded, as all are. What was found is kept for as long as the
    files are as they were.
    """
    known, states = _kept(results), dict(_folders(results))
    found = {
        folder: FoundRun(folder, its.facts, is_read=its.is_read)
        for folder, state in states.items()
        if (its := known.get(_name(folder))) and its.state == state
    }
    found |= _each(_look, {folder: state for folder, state in states.items() if folder not in found})
    while unread := [run.folder for run in _deciding(found.values()) if not run.is_read]:
        found |= _each(read, {folder: states[folder] for folder in unread})
    looked = {
        _name(run.folder): Looked(states[run.folder], run.facts, run.is_read) for run in found.values() if run.facts
    }
    if looked != known:
        kept.write(results, CATALOG, json.dumps(plain(Catalog(_code(), looked)), indent=0) + "\n")
    return sorted(found.values(), key=lambda run: (run.machine, str(run.folder)))


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
    """For each machine the folders of the runs that are `drawn`."""
    return {machine: [run.folder for run in runs] for machine, runs in drawn(results, newest).items()}


def drawn(results: Path, newest: Path | None = None) -> dict[str, list[FoundRun]]:
    """For each machine the runs that are drawn: the body of evidence that its newest run belongs to, or with `newest`
    the body of the run in that folder, its newest run first. Behind one that stands alone come those of the next body
    that has several: they tell how much runs of the machine differ."""
    found = {}
    for machine, runs in _complete(results).items():
        groups = in_bodies(runs, lambda run: run.facts and run.facts.body)
        at = next((place for place, group in enumerate(groups) if newest in [run.folder for run in group]), 0)
        its, others = groups[at], groups[:at] + groups[at + 1 :]
        lent = next((group for group in others if len(group) > 1), []) if len(its) == 1 else []
        found[machine] = [*its, *lent]
    return found


def in_bodies(runs: Iterable[Its], its_body: Callable[[Its], Hashable]) -> list[list[Its]]:
    """Runs of one machine as bodies of evidence, each where the first of it stood."""
    found: dict[Hashable, list[Its]] = {}
    for run in runs:
        found.setdefault(its_body(run), []).append(run)
    return list(found.values())


def body(run: Record) -> Hashable:
    """What runs of a machine have in common if they are one body of evidence: the product, the kernels, and all else
    that decides what is timed; how long and how often may differ. A run that claims nothing, is no evidence about its
    machine, has wrong results, or is from before kernels had a hash, stands alone."""
    is_evidence = not (run.protocol.is_smoke or run.machine.overridden or emulator(run) or exactness.faults(run))
    if run.kernels_hash is None or not is_evidence:
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
    for run in sorted((run for run in runs if run.facts), key=_age, reverse=True):
        first = found.setdefault(run.machine, {}).setdefault(run.folder.name, run)
        if first.facts and run.facts and first.facts.content != run.facts.content:
            tell_skipped(DamagedRun(f"{run.folder}: {first.folder} is another run of this name; remove one of them"))
    return {machine: list(runs.values()) for machine, runs in sorted(found.items())}


def standing(run: Record | Facts) -> tuple[bool, datetime]:
    """What puts complete runs in order: of a machine, or of a body of evidence, the last by this stands for all. It is
    the newest (by the time it ended) that has all that is pooled; one of a few lengths more is evidence beside it."""
    return has_all_pooled(run), datetime.fromisoformat(str(run.ended))


def has_all_pooled(run: Record | Facts) -> bool:
    """Whether a run has every experiment that is pooled."""
    return {*run.experiments} >= {*POOLED}


def _age(run: FoundRun) -> tuple[bool, bool, tuple[bool, datetime], bool, str]:
    assert run.facts is not None
    is_recorded = run.folder.parents[1].name == "recorded"
    return run.facts.is_of_machine, not run.facts.is_smoke, standing(run.facts), is_recorded, run.folder.name


def _deciding(runs: Iterable[FoundRun]) -> list[FoundRun]:
    """Of each machine the run that stands for it and the next of its body, so that one which is damaged gives its place
    to another, and no run is thought to have company that it has not; and those that are twice."""
    complete = sorted((run for run in runs if run.facts), key=_age, reverse=True)
    named = Counter((run.machine, run.folder.name) for run in complete)
    found = [run for run in complete if named[run.machine, run.folder.name] > 1]
    for its in in_bodies(complete, lambda run: run.machine):
        found += in_bodies(its, lambda run: run.facts and run.facts.body)[0][:2]
    return found


def _name(folder: Path) -> str:
    return "/".join(folder.parts[-3:])


def _folders(results: Path) -> Iterable[tuple[Path, str]]:
    """Every folder that holds a run.json, with the state of its files."""
    for room in ROOMS:
        for path in (results / room).glob("*/*/run.json"):
            yield path.parent, digest(map(_state, [path, *sorted(path.parent.glob("*.csv*"))]))


def _state(file: Path) -> str:
    """What changes with a file's content; zeros for a link to nothing, or what was removed meanwhile."""
    try:
        found = file.stat()
    except OSError:
        return f"{file.name} 0 0\n"
    return f"{file.name} {found.st_mtime_ns} {found.st_size}\n"


def _kept(results: Path) -> dict[str, Looked]:
    """What is kept of what this code has found; nothing where that cannot be read."""
    with suppress(ValueError, TypeError, AttributeError):
        catalog = typed(Catalog, json.loads(kept.read(results, CATALOG)))
        if catalog.code == _code():
            return catalog.runs
    return {}


@cache
def _code() -> str:
    """Hash of all that decides what is found in a folder."""
    return kept.hash_of(sorted([*SCHEMAS.glob("*.json"), *(ROOT / "harness" / "record").glob("*.py"), Path(__file__)]))


def machines(results: Path) -> set[str]:
    """The name of every machine that has a folder of runs."""
    return {path.parents[1].name for room in ROOMS for path in (results / room).glob("*/*/run.json")}


def _each(find: Callable[[Path], FoundRun], states: dict[Path, str]) -> dict[Path, FoundRun]:
    return {run.folder: run for run in _found(find, tuple(states.items()))}


@cache
def _found(find: Callable[[Path], FoundRun], states: tuple[tuple[Path, str], ...]) -> list[FoundRun]:
    """What is found in folders; it is looked for again only where their files, as their states tell, have changed."""
    return parallel.each(find, [folder for folder, _ in states], 20)


def _look(folder: Path) -> FoundRun:
    """What run.json says of a complete run, a tenth of the time that it takes to read it; of another, and of an old
    version's, all is read."""
    try:
        content = read_content(folder)
        beside = beside_of(content)
        if content.get("schema_version") != SCHEMA_VERSION or not beside or "samples_sha256" not in content:
            return read(folder)
        record = fitting(content | {table: [] for table in beside}, folder / INFO, beside)
        _refuse_strange(folder, record)
        samples_file(folder)
        # What tables in files of their own say of results is presumed to be right.
        return FoundRun(folder, Facts.of(replace(record, accuracy_elements=None), [_text(content)]))
    except DamagedRun as error:
        return FoundRun(folder, problem=str(error))


def read(folder: Path) -> FoundRun:
    """What is found in a folder, but for the rows one by one: to read these takes as long again."""
    try:
        record = read_record(folder)
        _refuse_strange(folder, record)
        if not record.is_complete:
            return FoundRun(folder)
        path = samples_file(folder)
        text = text_of(path)
        check_whole(path, text, record)
        content = [_text(read_content(folder)), "" if record.samples_sha256 else text]
        return FoundRun(folder, Facts.of(record, content), is_read=True)
    except DamagedRun as error:
        return FoundRun(folder, problem=str(error))


def _refuse_strange(folder: Path, record: Record) -> None:
    """Raises DamagedRun for a run in a folder that is not its own."""
    for field, name, its in (
        ("machine.name", record.machine.name, folder.parent.name),
        ("run", record.name, folder.name),
    ):
        if name != its:
            raise DamagedRun(f"{folder / INFO}, {field}: '{name}' is not the name of its folder, '{its}'")


def _text(content: Mapping[str, Any]) -> str:
    """All that run.json says, the hashes of the tables and of the rows as well, however it was written."""
    return json.dumps(content, sort_keys=True)
