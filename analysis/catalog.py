"""Find the runs that are on disk. Reads only run.json, and imports neither pandas nor Matplotlib."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analysis.errors import DamagedRun
from analysis.information import one_line, read_information, read_json

ROOMS = ("runs", "recorded")


@dataclass(frozen=True)
class FoundRun:
    """A folder ROOM/MACHINE/RUN that holds a run.json."""

    folder: Path
    ended: datetime | None
    """None while the run is not complete."""
    overridden: bool = False
    """Whether the machine's name was given, not detected."""
    problem: str = ""
    """Why it cannot be said whether and when the run ended; empty where it can."""

    @property
    def machine(self) -> str:
        """Name of the machine, as the folder has it."""
        return self.folder.parent.name


def find_runs(results: Path) -> list[FoundRun]:
    """Every run under results/runs and results/recorded, complete or not, sorted by machine and folder."""
    return sorted(_look(results), key=lambda run: (run.machine, str(run.folder)))


def newest_complete(results: Path) -> dict[str, Path]:
    """For each machine the folder of the run that is drawn: the first of its `complete_runs`. Raises DamagedRun."""
    newest = {machine: folders[0] for machine, folders in complete_runs(results).items()}
    for machine, folder in newest.items():
        _check_name(machine, folder)
    return newest


def complete_runs(results: Path) -> dict[str, list[Path]]:
    """For each machine the folders of its complete runs, the newest (by the time it ended) first. Smoke runs, which
    claim nothing, come after all others; so do runs whose machine was given by name.

    A run that is in both rooms is listed once, as the recorded one. Machines without a complete run are left out.

    Raises DamagedRun where it cannot be told which run is the newest because a run.json cannot be read.
    """
    runs = find_runs(results)
    for run in runs:
        if run.problem:
            raise DamagedRun(run.problem)
    found: dict[str, dict[str, Path]] = {}
    for run in sorted((run for run in runs if run.ended is not None), key=_age, reverse=True):
        found.setdefault(run.machine, {}).setdefault(run.folder.name, run.folder)
    return {machine: list(folders.values()) for machine, folders in sorted(found.items())}


def _check_name(machine: str, folder: Path) -> None:
    """Raises DamagedRun where a run does not fit its schema or lies in another machine's folder."""
    name = read_information(folder)["machine"]["name"]
    if name != machine:
        raise DamagedRun(f"{folder / 'run.json'}, machine.name: '{name}' is not the name of its folder, '{machine}'")


def _age(run: FoundRun) -> tuple[bool, bool, datetime, bool, str]:
    assert run.ended is not None
    return (
        not run.overridden,
        not run.folder.name.startswith("smoke-"),
        run.ended,
        run.folder.parents[1].name == "recorded",
        run.folder.name,
    )


def _look(results: Path) -> Iterator[FoundRun]:
    for room in ROOMS:
        for path in (results / room).glob("*/*/run.json"):
            yield _found(path.parent)


def _found(folder: Path) -> FoundRun:
    try:
        content = read_json(folder)
        ended = content.get("ended")
        if ended is None:
            return FoundRun(folder, None)
        moment = datetime.fromisoformat(ended)
        if moment.tzinfo is None:
            raise ValueError(f"'{ended}' has no offset from UTC")
        return FoundRun(folder, moment, content["machine"]["overridden"] is True)
    except DamagedRun as error:
        return FoundRun(folder, None, problem=str(error))
    except (TypeError, ValueError) as error:
        return FoundRun(folder, None, problem=f"{folder / 'run.json'}, ended: {one_line(error)}")
    except KeyError as error:
        return FoundRun(folder, None, problem=f"{folder / 'run.json'}: {error} is missing")
