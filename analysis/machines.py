"""Machines as data: config/machines/*.yaml and config/microarchitectures.yaml, read, checked and compared with what a
run.json says. Nothing here asks the processor, so that both the harness and the analysis can use it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import best_match

from analysis.errors import BadConfiguration
from analysis.information import schema, violation

CONFIG = Path(__file__).resolve().parents[1] / "config"
MACHINES = CONFIG / "machines"
MICROARCHITECTURES = CONFIG / "microarchitectures.yaml"
UNKNOWN = "unknown"
# libyaml where PyYAML was built with it: 3 ms instead of 31, and every start of the harness reads these files.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MACHINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")

Described = Mapping[str, Any]
"""The `machine` part of run.json, or at least vendor, brand, family, model and stepping of it."""


@dataclass(frozen=True)
class KnownCache:
    """One cache as a core sees it. `inclusion` is towards the level before it, in the words of the schema; `ways` may
    be "unknown"."""

    level: int
    bytes: int
    shared_by_threads: int
    inclusion: str
    ways: int | str = UNKNOWN


@dataclass(frozen=True)
class Memory:
    """Main memory; each value may be "unknown"."""

    channels: int | str
    type: str
    peak_gb_per_second: float | str


@dataclass(frozen=True)
class Machine:
    """A machine that a file describes. Where a value may be "unknown", its type has str."""

    name: str
    """The file's name, and the folder of its runs."""
    title: str
    microarchitecture: str
    product: str
    vendor: str
    brand: str
    """The brand string that CPUID gives."""
    brand_pattern: str
    """A regular expression that is found in this machine's brand string and in no other product's."""
    family: int
    model: int
    steppings: tuple[int, ...]
    """Empty: any."""
    cores: int | str
    threads: int | str
    base_clock_ghz: float | str
    caches: tuple[KnownCache, ...]
    memory: Memory
    paper_isas: tuple[str, ...]
    """What the paper measured on it; empty for any other machine."""
    paper_variants: Mapping[str, Mapping[str, str]]
    """The published tuning: ISA, pass, variant (u9k3)."""
    sources: Mapping[str, str]
    """Where each value is from, by its key in the file: `processor.brand`, `caches.0`, ..."""


def load_machines(folder: Path = MACHINES) -> dict[str, Machine]:
    """Every known machine, by name. Raises BadConfiguration naming file, key and what is allowed."""
    return {name: _read_machine(folder / f"{name}.yaml") for name in machine_names(folder)}


def machine_names(folder: Path = MACHINES) -> list[str]:
    """The names of the known machines, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def matches(machine: Machine, described: Described) -> bool:
    """Whether what CPUID told is this machine: vendor, family, model, stepping and brand."""
    same = all(described[key] == getattr(machine, key) for key in ("vendor", "family", "model"))
    stepping = not machine.steppings or described["stepping"] in machine.steppings
    return same and stepping and re.search(machine.brand_pattern, described["brand"]) is not None


def is_evidence(machine: Machine, information: Mapping[str, Any]) -> bool:
    """Whether the run of this run.json answers claims about the machine: it was measured on this very product, and the
    machine was detected, not given by name. Any other run, even on the same microarchitecture, is generalization."""
    described = information["machine"]
    return not described["overridden"] and matches(machine, described)


def microarchitecture(described: Described, file: Path = MICROARCHITECTURES) -> str:
    """The microarchitecture by vendor, family, model and stepping, "unknown" where the table does not have it.

    Raises BadConfiguration where the table does not fit its schema.
    """
    for row in _table(file):
        if all(described[key] == row[key] for key in ("vendor", "family")) and all(
            key not in row or _is_among(described[key], row[key]) for key in ("model", "stepping")
        ):
            return row["name"]
    return UNKNOWN


def _is_among(number: int, numbers: Sequence[int | Mapping[str, int]]) -> bool:
    return any(number == n if isinstance(n, int) else n["from"] <= number <= n["to"] for n in numbers)


@cache
def _table(file: Path) -> list[dict[str, Any]]:
    return read_data(file, "microarchitectures")


@cache
def _read_machine(path: Path) -> Machine:
    if not MACHINE_NAME.fullmatch(path.stem):
        raise BadConfiguration(f"{path}: a machine's name has lower-case letters, digits and hyphens only")
    data = read_data(path, "machine")
    sources = dict(_sources(data))
    _check_sources(path, data, sources)
    processor, memory, paper = data["processor"], data["memory"], data.get("paper")
    machine = Machine(
        name=path.stem,
        title=data["title"],
        microarchitecture=data["microarchitecture"]["value"],
        product=data["product"]["value"],
        vendor=processor["vendor"]["value"],
        brand=processor["brand"]["value"],
        brand_pattern=processor["brand"]["match"],
        family=processor["family"]["value"],
        model=processor["model"]["value"],
        steppings=tuple(processor["stepping"]["value"]) if "stepping" in processor else (),
        cores=data["cores"]["value"],
        threads=data["threads"]["value"],
        base_clock_ghz=data["base_clock_ghz"]["value"],
        caches=tuple(
            KnownCache(
                c["level"], c["bytes"], c["shared_by_threads"], c.get("inclusion", UNKNOWN), c.get("ways", UNKNOWN)
            )
            for c in data["caches"]
        ),
        memory=Memory(**{key: memory[key]["value"] for key in ("channels", "type", "peak_gb_per_second")}),
        paper_isas=tuple(paper["isas"]["value"]) if paper else (),
        paper_variants=paper["variants"]["value"] if paper else {},
        sources=sources,
    )
    _check_brand(path, machine)
    _check_microarchitecture(path, machine)
    return machine


def read_data(path: Path, name: str) -> Any:
    """The content of a YAML file that fits config/schemas/NAME.schema.json. Raises BadConfiguration."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadConfiguration(f"{path}{line}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    error = best_match(jsonschema.Draft202012Validator(schema(name)).iter_errors(content))
    if error:
        raise BadConfiguration(f"{path}: {violation(error)}")
    return content


def _sources(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each key that has a source, with it."""
    if isinstance(data, Mapping) and "source" in data:
        yield key, data["source"]
    elif isinstance(data, Mapping | list):
        for name, value in data.items() if isinstance(data, Mapping) else enumerate(data):
            yield from _sources(value, f"{key}.{name}" if key else str(name))


def _check_sources(path: Path, data: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Nothing is unknown and yet has a source, or the other way round; nothing is the paper's on another machine."""
    papers = schema("machine")["$defs"]["papers_source"]["enum"]
    for key, source in sources.items():
        value: Any = data
        for part in key.split("."):
            value = value[int(part) if isinstance(value, list) else part]
        if (value.get("value") == UNKNOWN) != (source == UNKNOWN):
            raise BadConfiguration(f"{path}: {key}: an unknown value has the source unknown, and no other value has it")
        if source in papers and "paper" not in data:
            raise BadConfiguration(
                f"{path}: {key}: {source} is for the paper's machines, whose files have the key paper"
            )


def _check_brand(path: Path, machine: Machine) -> None:
    try:
        found = re.search(machine.brand_pattern, machine.brand)
    except re.error as error:
        raise BadConfiguration(f"{path}: processor.brand.match: not a regular expression: {error}") from error
    if not found:
        raise BadConfiguration(f"{path}: processor.brand.match: it is not found in {machine.brand!r}")


def _check_microarchitecture(path: Path, machine: Machine) -> None:
    signature = {"vendor": machine.vendor, "family": machine.family, "model": machine.model}
    known = {microarchitecture({**signature, "stepping": number}) for number in machine.steppings or range(16)}
    if machine.microarchitecture not in known:
        raise BadConfiguration(
            f"{path}: microarchitecture: {machine.microarchitecture!r}, but {MICROARCHITECTURES.name} says "
            f"{' or '.join(sorted(known))}"
        )
