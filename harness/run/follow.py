"""A process of a run, started and followed: what it does is shown, what it finds out is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.machine import processes
from harness.machine.processes import Message
from harness.record.run import UNKNOWN, plain
from harness.run.begun import Begun
from harness.run.progress import Bar
from harness.run.worker import ToMeasure, ToTune


def run_worker(
    run: Begun, process: int | str, deadline: float, late: float, wanted: ToMeasure | ToTune | None = None
) -> Iterator[Message]:
    """Runs one process of a run (or of its tuning, or accuracy) over what is `wanted` of it, of which it begins nothing
    that would end after the `deadline` (by time.monotonic), and yields what it tells. Raises HarnessError if it fails,
    TimeSpent if it is so `late` that it is killed."""
    job: dict[str, Any] = {"folder": str(run.folder), "extensions": str(run.host.folder), "config": run.config}
    job |= {"process": process, "wanted": plain(wanted), "deadline": deadline}
    return processes.ask("harness.run.worker", job, "a measuring process", late)


def follow(run: Begun, told: Iterable[Message], progress: Bar, costs: Mapping[str, float]) -> float:
    """Shows on a bar what a process has done, by the `costs` of each part of it, and keeps what it finds out about the
    run. Returns the seconds that it waited, or spent beyond what it was asked for."""
    beyond = 0.0
    for message in told:
        if "done" in message:
            progress.set_postfix_str(message["done"], refresh=False)
            progress.update(costs[message["done"]])
        elif "again" in message:
            progress.set_postfix_str(f"{message['again']}, again", refresh=False)
        elif "waiting" in message:
            progress.show_wait(message["waiting"])
        elif "beyond" in message:
            beyond = message["beyond"]
        elif "arena_bytes" in message:
            note_memory(run, message)
        elif "domain" in message:
            run.write(domain=tuple(message["domain"]))
        else:
            note_canary(run, message)
    return beyond


def note_canary(run: Begun, fastest: Mapping[str, int]) -> None:
    """Keeps the fastest canaries that any process has seen."""
    seen = {name: min(getattr(run.record.canary, name), nanoseconds) for name, nanoseconds in fastest.items()}
    run.learn(canary=replace(run.record.canary, **seen))


def note_memory(run: Begun, memory: Mapping[str, Any]) -> None:
    """Keeps the least that any process got in huge pages."""
    counts = (run.record.memory.huge_page_bytes, memory["huge_page_bytes"])
    least = min((count for count in counts if count != UNKNOWN), default=UNKNOWN)
    run.learn(memory=replace(run.record.memory, **{**memory, "huge_page_bytes": least}))
