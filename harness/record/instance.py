"""Which instance of a machine a run is of: the host, and what of it was there and allowed; and which of its runs.

A run is gone on with where all of this is as it was; everywhere else one of its own begins.
"""

import hashlib
import json
import re
import zlib
from dataclasses import replace
from typing import Any

from harness.record.run import Record

LENGTH = 6
"""Hexadecimal digits of the instance in a run's name."""
HIDDEN = "hidden"
"""The hypervisor of a machine that says it has none and takes the time of one."""


def facts(run: Record) -> dict[str, Any]:
    """What a run's instance consists of, by what a person calls it."""
    machine = run.machine
    return {
        "host": machine.host,
        "kernel": machine.kernel,
        "processor": [machine.vendor, machine.brand, machine.family, machine.model, machine.stepping],
        "ISAs": list(machine.isas),
        "caches": [[cache.level, cache.bytes, cache.shared_by_threads] for cache in machine.caches],
        "cores": machine.cores,
        "threads": machine.threads,
        "memory": rounded(machine.memory_bytes),
        # What is known by its time alone may be seen one day and not the next.
        "hypervisor": machine.hypervisor if machine.hypervisor != HIDDEN else "",
        "allowed processors": list(machine.allowed) if machine.allowed else None,
        "measured processor": run.memory.cpu,
        "processors of threads": list(run.threads.cpus),
    }


def rounded(count: int) -> int:
    """The count with its first four binary digits alone: a kernel keeps some percent of the memory for itself, and some
    megabytes more or less each time it starts."""
    lost = max(0, count.bit_length() - 4)
    return count >> lost << lost


def digest(run: Record) -> str:
    """The facts as one hash."""
    return hashlib.sha256(json.dumps(facts(run), sort_keys=True).encode()).hexdigest()


def content_name(run: Record) -> str:
    """What a run's name says of the code, configuration and compilers that it is of."""
    return f"{run.protocol.name}-{run.content_hash[:12]}"


def run_name(run: Record, ordinal: int = 1) -> str:
    """The name of a run: its content and its instance, and of a further run of both its ordinal. Runs from before hosts
    were recorded have the content alone."""
    name = content_name(run)
    if run.machine.host is None:
        return name
    return f"{name}-{digest(run)[:LENGTH]}" + (f"-{ordinal}" if ordinal > 1 else "")


def ordinal_of(name: str) -> int:
    """Which of the runs of its content and instance has this name; 1 where it ends with no ordinal."""
    found = re.search(rf"-[0-9a-f]{{{LENGTH}}}-([0-9]+)$", name)
    return int(found[1]) if found else 1


def numbered(run: Record, ordinal: int) -> Record:
    """The run as the one of this ordinal, with the name and the seed of that: each shuffles otherwise."""
    name = run_name(run, ordinal)
    return replace(run, name=name, seed=zlib.crc32(name.encode()))


def changes(before: Record, now: Record) -> list[str]:
    """In what the instance of one run differs from that of another, in words."""
    old, new = facts(before), facts(now)
    return [f"{name} ({_told(old[name])}, now {_told(new[name])})" for name in new if old[name] != new[name]]


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_told, value))
    return "none" if value in (None, "") else str(value)[:40]
