"""Which run is measured next, and in which folder: what was stopped is gone on with, and further runs of the same stand
beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from harness.record import instance, store
from harness.record.errors import DamagedRun, HarnessError
from harness.record.files import write_whole
from harness.record.run import Record


def ordinals_wanted(runs: Path, first: Record, again: int) -> list[int]:
    """Which runs of one content and instance are to be measured, by their ordinals: what is stopped comes first.

    Where none is wanted `again`, one: the first that is not complete, or else the last. Otherwise as many as that, the
    stopped among them and the others behind all that there are. Their ordinals are noted in a
    file beside the runs. While one of them is incomplete, asking for the same number again means those that are left.
    """
    room = runs / first.machine.name
    here, recorded = (ordinals(its / room.name, first) for its in earlier_runs(room / first.name))
    last = max([*here, *recorded], default=0)
    if not again:
        return [*stopped(room, first, here), *here[-1:], last + 1][:1]
    note = note_of(room, first)
    with suppress(OSError, ValueError):
        noted = {int(word) for word in note.read_text(encoding="utf-8").split()}
        if len(noted) == again and (left := stopped(room, first, sorted(noted - {*recorded}))):
            return left
    asked = [*stopped(room, first, here), *range(last + 1, last + 1 + again)][:again]
    if again > 1:  # one that is stopped is known by itself
        write_whole({note: " ".join(map(str, asked)).encode()})
    return asked


def note_of(room: Path, run: Record) -> Path:
    """The file that has the ordinals of the runs that were asked for at once, of this one's content and instance."""
    return room / f"{instance.run_name(run)}.again"


def stopped(room: Path, first: Record, among: Sequence[int]) -> list[int]:
    """Those of some ordinals whose run is not complete."""
    return [ordinal for ordinal in among if not is_complete(room / instance.run_name(first, ordinal))]


def ordinals(room: Path, first: Record) -> list[int]:
    """The ordinals, ascending, of those runs in a folder that are of the same content and instance."""
    found = {folder.name: instance.ordinal_of(folder.name) for folder in room.glob(f"{first.name}*")}
    return sorted(ordinal for name, ordinal in found.items() if name == instance.run_name(first, ordinal))


def is_complete(folder: Path) -> bool:
    """Whether a run's folder holds all that was to be measured; what a kill left there of its journals is removed."""
    try:
        complete = (folder / store.INFO).exists() and store.read_record(folder).is_complete
    except DamagedRun as error:
        raise HarnessError(f"{error}; remove {folder} to measure anew") from error
    if complete:
        store.clear_away(folder, is_complete=True)
    return complete


def begun_elsewhere(folder: Path, record: Record) -> Iterator[str]:
    """A line for each run of the same content that is not complete and can't be gone on with here, with the reason."""
    for file in sorted(folder.parents[1].glob(f"*/{instance.content_name(record)}-*/{store.INFO}")):
        try:
            begun = store.read_record(file.parent)
        except HarnessError as error:
            yield f"not looked at: {error}"
            continue
        if not begun.is_complete:
            names = f"the machine's name was {begun.machine.name}, and now is {record.machine.name}"
            changed = instance.changes(begun, record) or ([names] if begun.machine.name != record.machine.name else [])
            yield f"a new run begins: for {file.parent} this was another: {', '.join(changed)}"


def earlier_runs(folder: Path) -> tuple[Path, Path]:
    """Where runs lie that one in this folder may learn from: those that were measured here, and those recorded."""
    runs = folder.parents[1]
    return runs, runs.absolute().parent / "recorded"
