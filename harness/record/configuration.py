"""The configuration: read, overridden from the command line, checked; and the lengths that it stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from harness.record.caches import FLOAT_BYTES
from harness.record.documents import read_yaml
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.machines import machine_names
from harness.record.schema import fault, violation

CONFIG_FILE = ROOT / "config" / "config.yaml"

# What may be changed on the command line.
OVERRIDABLE = ("protocol", "isas", "compilers", "machine", "tuning", "peers")
Config = dict[str, Any]


def load(file: Path = CONFIG_FILE, overrides: Mapping[str, Any] | None = None) -> Config:
    """The checked configuration of `file`, with top-level keys replaced by `overrides` (None: left as it is), and every
    protocol in full.

    Raises HarnessError naming file (or command line), key and what is allowed.
    """
    config = checked(read_yaml(file), str(file))
    changed = {key: value for key, value in (overrides or {}).items() if value is not None}
    return checked(config | changed, "command line") if changed else config


def checked(written: Any, where: str) -> Config:
    """A configuration with every protocol in full, from one as the file has it, or in full already.

    Raises HarnessError for the first part of what is `written`, which is from `where`, that does not fit the schema or
    itself.
    """
    # A protocol in full lacks nothing, but what is written of it may; what is wrong there is blamed on where it stands.
    problem = fault(written, "config", unasked="required")
    config = written if problem else _in_full(written)
    problem = problem or fault(config, "config")
    told = violation(problem) if problem else _contradiction(config)
    if told:
        raise HarnessError(f"{where}: {told}")
    return config


def _in_full(written: Mapping[str, Any]) -> Config:
    """Every protocol with what it leaves to `every_protocol`, and with the rounds of each experiment."""
    config = {key: value for key, value in written.items() if key != "every_protocol"}
    shared = written.get("every_protocol", {})
    protocols = {name: _over(deepcopy(shared), own) for name, own in written.get("protocols", {}).items()}
    for protocol in protocols.values():
        rounds = protocol.get("rounds", {})
        if "default" in rounds:
            default = dict.fromkeys(config.get("experiments", ()), rounds["default"])
            protocol["rounds"] = default | {name: count for name, count in rounds.items() if name != "default"}
    return config | {"protocols": protocols}


def _over(default: Any, own: Any) -> Any:
    """`own`, with the keys that it lacks from `default`, however deep."""
    if not (isinstance(default, Mapping) and isinstance(own, Mapping)):
        return own
    return {**default, **{key: _over(default.get(key), value) for key, value in own.items()}}


def _contradiction(config: Config) -> str | None:
    """What does not fit together in a configuration that fits the schema, in words."""
    chosen = [
        *(("compilers", compiler, config["compiler_commands"]) for compiler in config["compilers"]),
        ("protocol", config["protocol"], config["protocols"]),
        ("machine", config.get("machine"), [None, *machine_names()]),
        ("controls.algorithm", config["controls"]["algorithm"], config["algorithms"]),
    ]
    for key, name, known in chosen:
        if name not in known:
            return f"{key}: {name!r} is not one of {', '.join(filter(None, known))}"
    for name, protocol in config["protocols"].items():
        problem = _protocol_contradiction(protocol, config["experiments"])
        if problem:
            return f"protocols.{name}.{problem}"
    low, high = config["input"]["low"], config["input"]["high"]
    return f"input: low {low} is above high {high}" if low > high else None


def _protocol_contradiction(protocol: Mapping[str, Any], experiments: Mapping[str, Any]) -> str | None:
    for part, known in (("lengths", {*experiments, "secondary", "scalar"}), ("rounds", set(experiments))):
        for key in protocol[part]:
            if key not in known:
                return f"{part}.{key}: unknown key; allowed: {', '.join(sorted(known))}"
    for key in experiments:
        if key in protocol["lengths"] and key not in protocol["rounds"]:
            return f"rounds: {key} is missing"
    if protocol["processes"]["least"] > protocol["processes"]["most"]:
        return "processes: least is above most"
    return None


def overrides(config: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the top-level keys of `config` that differ from the file's. Raises HarnessError for one that only the
    file may change, or a value that may not stand there."""
    written = load()
    changed = {key: value for key, value in config.items() if key not in written or value != written[key]}
    for key, value in changed.items():
        if key not in OVERRIDABLE:
            raise HarnessError(
                f"--config {key}: only {', '.join(OVERRIDABLE)} can be set there; edit {CONFIG_FILE} instead"
            )
        if value in (None, []):  # an option of `measure` could not say it
            raise HarnessError(f"--config {key}: only {CONFIG_FILE} can leave it empty")
    checked(written | changed, "--config")
    return changed


def out_of_cache_elements(llc_bytes: int) -> int:
    """The larger of 16·2^20 elements and 4 times the last-level cache."""
    return max(16 << 20, 4 * llc_bytes // FLOAT_BYTES)


def half_last_cache_elements(llc_bytes: int) -> int:
    """The length whose input and output together fill half of the last-level cache; where none is known, a short
    one."""
    return max(4096, llc_bytes // (4 * FLOAT_BYTES))


NAMED = {"out-of-cache": out_of_cache_elements, "half-last-cache": half_last_cache_elements}
"""Lengths that have a name, by the size of the last-level cache."""


def lengths(spec: list[int | str] | Mapping[str, int], llc_bytes: int) -> list[int]:
    """The array lengths, in elements and ascending, that a `lengths` entry of a protocol stands for."""
    if isinstance(spec, Mapping):
        elements: list[int] = []
        step = 0
        while not elements or elements[-1] * FLOAT_BYTES < 4 * llc_bytes:
            elements.append(three_digits(spec["from"] * 10 ** (step / spec["per_decade"])))
            step += 1
        return sorted(set(elements))
    return sorted({NAMED[n](llc_bytes) if isinstance(n, str) else n for n in spec})


def three_digits(value: float) -> int:
    """`value` rounded to three significant decimal digits."""
    unit = 10 ** max(0, math.floor(math.log10(value)) - 2)
    return round(value / unit) * unit
