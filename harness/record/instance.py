"""Which instance of a machine a run is of: the host, and what of it was there and allowed.

A run is gone on with where all of this is as it was; everywhere else one of its own begins.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

LENGTH = 6
"""Hexadecimal digits of the instance in a run's name."""
HIDDEN = "hidden"
"""The hypervisor of a machine that says it has none and takes the time of one."""


def facts(info: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's instance consists of, by what a person calls it, from its run.json."""
    machine = info["machine"]
    return {
        "host": machine.get("host"),
        "kernel": machine["kernel"],
        "processor": [machine[key] for key in ("vendor", "brand", "family", "model", "stepping")],
        "ISAs": machine["isas"],
        "caches": [[cache["level"], cache["bytes"], cache["shared_by_threads"]] for cache in machine["caches"]],
        "cores": machine["cores"],
        "threads": machine["threads"],
        "memory": rounded(machine["memory_bytes"]),
        # What is known by its time alone may be seen one day and not the next.
        "hypervisor": machine["hypervisor"] if machine["hypervisor"] != HIDDEN else "",
        "allowed processors": machine.get("allowed"),
        "measured processor": info["memory"]["cpu"],
        "processors of threads": info.get("threads", {}).get("cpus"),
    }


def rounded(count: int) -> int:
    """The count with its first four binary digits alone: a kernel keeps some percent of the memory for itself, and some
    megabytes more or less each time it starts."""
    lost = max(0, count.bit_length() - 4)
    return count >> lost << lost


def digest(info: Mapping[str, Any]) -> str:
    """The facts as one hash."""
    return hashlib.sha256(json.dumps(facts(info), sort_keys=True).encode()).hexdigest()


def content_name(info: Mapping[str, Any]) -> str:
    """What a run's name says of the code, configuration and compilers that it is of."""
    return f"{info['protocol']['name']}-{info['content_hash'][:12]}"


def run_name(info: Mapping[str, Any]) -> str:
    """The name of a run: its content and its instance. Runs from before hosts were recorded have the content alone."""
    name = content_name(info)
    return f"{name}-{digest(info)[:LENGTH]}" if "host" in info["machine"] else name


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In what the instance of one run.json differs from that of another, in words."""
    old, new = facts(before), facts(now)
    return [f"{name} ({_told(old[name])}, now {_told(new[name])})" for name in new if old[name] != new[name]]


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_told, value))
    return "none" if value in (None, "") else str(value)[:40]
