"""Which machine this is: one that a file below config/machines describes, or a stranger, whose file is offered.

The files are read, checked and compared in `record.machines`, since verdicts need them where nothing is measured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.record.errors import HarnessError
from harness.record.machines import MACHINES, doubts, load_machines, matches
from harness.record.run import UNKNOWN, Cache, Machine, Skipped


@dataclass(frozen=True)
class Identity:
    """The name that a machine's runs go by. `known`: a file describes it. `overridden`: the name was given, and it is
    not what was detected."""

    name: str
    known: bool
    overridden: bool


def identify(found: Machine, override: str | None = None, folder: Path = MACHINES) -> Identity:
    """Which machine was `found`: the one whose file alone matches and leaves no doubt, else one that is named after the
    processor's brand.

    `override` is a name that was given instead. Raises HarnessError for a name that no file has.
    """
    machines = load_machines(folder)
    if override is not None and override not in machines:
        raise HarnessError(f"machine: {override!r} is not one of {', '.join(machines)}")
    matching = [name for name, known in machines.items() if matches(known, found) and not doubts(known, found)]
    if len(matching) == 1:
        detected = Identity(matching[0], known=True, overridden=False)
    else:
        # The runs of a stranger are never filed under a known machine's name.
        names = stranger_names(found)
        name = next((name for name in names if name not in machines), names[-1])
        detected = Identity(name, known=False, overridden=False)
    if override in (None, detected.name):
        return detected
    return Identity(override, known=True, overridden=True)


def stranger_names(machine: Machine) -> list[str]:
    """Folder names for a machine that no file describes; the first that no other machine has is its own. By brand,
    family and model, which a brand without a product number shares with other generations; by the stepping too; by its
    size."""
    short = stranger_name(machine)
    stepping = f"{short}-{machine.stepping}"
    size = f"{stepping}-{machine.threads}-threads-{max(cache.bytes for cache in machine.caches) >> 10}-kib"
    words = short.removesuffix(f"-{machine.family}-{machine.model}").split("-")
    return [short, stepping, size] if any(map(is_product_number, words)) else [stepping, size]


def is_product_number(word: str) -> bool:
    """Whether a word of a brand is a product's: not a generation (12th), a class (9), a version (v2) or a series
    (e312xx), nor what engineering samples have (0000)."""
    digits = re.sub(r"\D", "", word)
    return len(digits) >= 3 and int(digits) > 0 and "xx" not in word


def mistaken(found: Machine) -> list[Skipped]:
    """The name of each known machine that this one would be by its brand and is not, with the reason."""
    reasons = {name: doubts(known, found) for name, known in load_machines().items() if matches(known, found)}
    return [Skipped(f"the name {name}", "; ".join(those)) for name, those in reasons.items() if those]


def stranger_name(machine: Machine) -> str:
    """A name by brand, family and model alone."""
    brand = re.sub(r"\((r|tm)\)|\bcpu\b|\bprocessor\b|@.*|\d+-core", " ", machine.brand.lower())
    slug = re.sub(r"[^a-z0-9]+", "-", brand).strip("-") or machine.vendor.lower()
    return f"{slug}-{machine.family}-{machine.model}"


def check_name(machine: Machine) -> None:
    """Raises HarnessError where the machine of a run has a name that is not this processor's: a known machine's needs
    its product, or to say that the name was given; any other follows from brand, family and model."""
    name, known = machine.name, load_machines()
    if name in known:
        if machine.overridden:
            return
        if not matches(known[name], machine):
            raise HarnessError(f"machine.name: {machine.brand} is not {name}")
        if those := doubts(known[name], machine):
            raise HarnessError(f"machine.name: this is not {name}: {'; '.join(those)}")
    elif name not in (stranger_name(machine), *stranger_names(machine)):
        raise HarnessError(f"machine.name: {name!r} does not follow from {machine.brand}")


def published(isa: str) -> dict[str, dict[str, list[str]]]:
    """The published variants of each pass in this ISA, each with the machines that it was published for."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, machine in load_machines().items():
        for pass_name, variant in machine.paper_variants.get(isa, {}).items():
            found.setdefault(pass_name, {}).setdefault(variant, []).append(name)
    return found


def wanted_variants(tuning: str, name: str) -> Mapping[str, Mapping[str, str]]:
    """By ISA and pass the variants that are to be chosen without asking which is the fastest: none, or with the tuning
    "paper" those that were published for this machine. Raises HarnessError where none were."""
    if tuning != "paper":
        return {}
    machines = load_machines()
    if name in machines and machines[name].paper_variants:
        return machines[name].paper_variants
    papers = ", ".join(name for name, machine in machines.items() if machine.paper_variants)
    raise HarnessError(f"tuning=paper: no variants were published for {name}; machine=NAME takes those of {papers}")


def offer(machine: Machine) -> str:
    """The content of the file that would make a machine known.

    What a run can't tell is "unknown", for a person to fill in.
    """

    def told(value: Any, source: str = "cpuid") -> dict[str, Any]:
        return {"value": value, "source": UNKNOWN if value == UNKNOWN else source}

    brand, unknown = machine.brand, told(UNKNOWN)
    pattern = re.sub(r"\\([ -])", r"\1", re.escape(brand))
    data = {
        "title": brand + (", virtual machine" if machine.hypervisor else ""),
        "microarchitecture": told(machine.microarchitecture),
        "product": unknown,
        "processor": {
            "vendor": told(machine.vendor),
            "brand": {"value": brand, "match": f"^{pattern}$", "source": told(brand)["source"]},
            "family": told(machine.family),
            "model": told(machine.model),
            "stepping": told([machine.stepping]),
        },
        "cores": told(machine.cores, "measured"),
        "threads": told(machine.threads, "measured"),
        **({"hypervisor": told(machine.hypervisor)} if machine.hypervisor else {}),
        "base_clock_ghz": unknown,
        "caches": [_cache(cache) for cache in machine.caches],
        "memory": {"channels": unknown, "type": unknown, "peak_gb_per_second": unknown},
    }
    return "\n".join(_yaml_lines(data)) + "\n"


def _cache(cache: Cache) -> dict[str, Any]:
    """A row of `caches`: of the first level nothing is said about inclusion."""
    inclusion = {"inclusion": "inclusive" if cache.inclusive else "non-inclusive"} if cache.level > 1 else {}
    size = {"level": cache.level, "bytes": cache.bytes, "shared_by_threads": cache.shared_by_threads}
    return {**size, **inclusion, "source": "cpuid"}


def _yaml_lines(data: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """The files' own layout, which yaml.dump does not have: a line for each value with its source."""
    for key, value in data.items():
        if isinstance(value, list):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {_flow(item)}" for item in value)
        elif isinstance(value, dict) and "source" not in value:
            yield f"{indent}{key}:"
            yield from _yaml_lines(value, f"{indent}  ")
        else:
            yield f"{indent}{key}: {_flow(value)}"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)
    return text.removesuffix("...\n").strip()
