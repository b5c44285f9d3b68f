"""The configuration: read, overridden from the command line, checked; and the lengths that it stands for."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from analysis.information import violation as describe
from analysis.machines import machine_names
from harness.errors import HarnessError

ROOT = Path(__file__).resolve().parent.parent
CONFIG_FILE = ROOT / "config" / "config.yaml"
SCHEMAS = ROOT / "config" / "schemas"

FLOAT_BYTES = 4
# What may be changed on the command line.
OVERRIDABLE = ("protocol", "isas", "compilers", "machine", "tuning", "peers")
Config = dict[str, Any]


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema config/schemas/NAME.schema.json."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def load(file: Path = CONFIG_FILE, overrides: Mapping[str, Any] | None = None) -> Config:
    """The checked configuration of `file`, with top-level keys replaced by `overrides` (None: left as it is).

    Raises HarnessError naming file, key and what is allowed.
    """
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise HarnessError(f"{file}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(config, dict):
        raise HarnessError(f"{file}: expected keys and values, found {type(config).__name__}")
    changed = {key: value for key, value in (overrides or {}).items() if value is not None}
    check({**config, **changed}, file)
    return {**config, **changed}


def check(config: Config, file: Path = CONFIG_FILE) -> None:
    """Raises HarnessError for the first part of `config` that does not fit the schema or itself."""
    validator = jsonschema.Draft202012Validator(schema("config"))
    error = jsonschema.exceptions.best_match(validator.iter_errors(config))
    if error:
        raise HarnessError(f"{file}: {describe(error)}")
    for compiler in config["compilers"]:
        if compiler not in config["compiler_commands"]:
            raise HarnessError(
                f"{file}: compilers: {compiler!r} is not one of {', '.join(config['compiler_commands'])}"
            )
    if config.get("machine") is not None and config["machine"] not in machine_names():
        raise HarnessError(f"{file}: machine: {config['machine']!r} is not one of {', '.join(machine_names())}")
    for name, protocol in config["protocols"].items():
        known = {*config["experiments"], "secondary", "scalar"}
        for key in protocol["lengths"]:
            if key not in known:
                raise HarnessError(
                    f"{file}: protocols.{name}.lengths.{key}: unknown key; allowed: {', '.join(sorted(known))}"
                )
            if key in config["experiments"] and key not in protocol["rounds"]:
                raise HarnessError(f"{file}: protocols.{name}.rounds: {key} is missing")
        if protocol["processes"]["least"] > protocol["processes"]["most"]:
            raise HarnessError(f"{file}: protocols.{name}.processes: least is above most")
    low, high = config["input"]["low"], config["input"]["high"]
    if low > high:
        raise HarnessError(f"{file}: input: low {low} is above high {high}")


def overrides(config: Config, file: Path = CONFIG_FILE) -> dict[str, Any]:
    """What `config` changes in `file`. Raises HarnessError for a key that only the file may change."""
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    changed = {key: value for key, value in config.items() if value != written.get(key)}
    for key in changed:
        if key not in OVERRIDABLE:
            raise HarnessError(f"--config {key}: only {', '.join(OVERRIDABLE)} can be set there; edit {file} instead")
    return changed


def out_of_cache_elements(llc_bytes: int) -> int:
    """The larger of 16·2^20 elements and 4 times the last-level cache."""
    return max(16 << 20, 4 * llc_bytes // FLOAT_BYTES)


def lengths(spec: list[int | str] | Mapping[str, int], llc_bytes: int) -> list[int]:
    """The array lengths, in elements and ascending, that a `lengths` entry of a protocol stands for."""
    if isinstance(spec, Mapping):
        elements, step = [], 0
        while not elements or elements[-1] * FLOAT_BYTES < 4 * llc_bytes:
            elements.append(three_digits(spec["from"] * 10 ** (step / spec["per_decade"])))
            step += 1
        return elements
    return sorted({out_of_cache_elements(llc_bytes) if n == "out-of-cache" else int(n) for n in spec})


def three_digits(value: float) -> int:
    """`value` rounded to three significant decimal digits."""
    unit = 10 ** max(0, math.floor(math.log10(value)) - 2)
    return round(value / unit) * unit
