"""What a run is to measure, and what it says of itself before it has begun."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import peers
from harness.experiments.algorithms import check_passes
from harness.experiments.base import Roster
from harness.experiments.controls import controls
from harness.machine import detection, identity, topology
from harness.native import build
from harness.native.clock import CLOCK_ADDS, THROUGHPUT_FMAS, Clock
from harness.native.extensions import Host, Kernel, first_host, load_kernels, require_current
from harness.record import instance
from harness.record.configuration import Config, load
from harness.record.errors import HarnessError
from harness.record.run import (
    UNKNOWN,
    Canary,
    Compiler,
    Memory,
    Pass,
    Protocol,
    Record,
    Skipped,
    Threads,
    Vetoes,
    typed,
)
from harness.run import accuracy, words
from harness.run.pace import slowness
from harness.run.plan import MOST_OF_MEMORY, Found, Plan, make_plan, memory_words

# What a run says of itself in places of their own.
SAID_ELSEWHERE = ("protocol", "protocols", "machine", "peers", "tuning")
OF_PROTOCOL = ("input", "rotation", "experiments", "tuning")
"""What run.json's `protocol` has beside the protocol."""


def now() -> str:
    """The time as run.json has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Means:
    """What there is to measure with: the host part, compilers (the first is the primary one), ISAs, and the kernels of
    the first of both; and what was skipped."""

    host: Host
    compilers: Sequence[build.Compiler]
    isas: Sequence[str]
    kernels: Sequence[Kernel]
    skipped: Sequence[Skipped]


def means(config: Config, extensions: Path) -> Means:
    """What there is to measure with. Raises HarnessError where this machine can't measure what is configured."""
    detection.require_x86_64()
    compilers, skipped = build.find_compilers(config)
    host = first_host(config, extensions, compilers)
    isas, lacking = detection.usable_isas(host.processor(), config["isas"])
    require_current(config, extensions, itertools.product([compiler.name for compiler in compilers], isas))
    kernels = load_kernels(extensions, compilers[0].name, isas[0])
    check_passes(config, kernels)
    return Means(host, compilers, isas, kernels, [*skipped, *lacking])


def prepare(config: Config, extensions: Path) -> tuple[Record, Plan, Host]:
    """What a run says before it has begun, its plan, and the host part.

    Raises HarnessError where this machine can't measure what is configured.
    """
    there = means(config, extensions)
    host, compilers, names = there.host, there.compilers, [compiler.name for compiler in there.compilers]
    cpus, limit = topology.usable(host.choice())
    libraries, without = peers.usable(host, config["peers"])
    there = replace(there, skipped=[*departures(config), *there.skipped, *without])
    found = Found(names, there.isas, detection.available_memory_bytes(), len(cpus))
    plan = plan_of(Roster(config, there.kernels, peers=tuple(libraries.libraries)), there, found)
    machine = detection.describe(host.processor(), config.get("machine"))
    identity.wanted_variants(config["tuning"], machine.name)
    if not machine.overridden:
        plan = replace(plan, skipped=[*plan.skipped, *identity.mistaken(machine)])
    lengths, plan = accuracy_lengths(plan, found.memory_bytes)
    versions = [(name, its.version) for name, its in libraries.libraries.items()]
    protocol = {"name": config["protocol"], **plan.protocol, **{key: config[key] for key in OF_PROTOCOL}}
    clock, canary = clock_of(host)
    flags = {target: tuple(build.flags(config, target)) for target in (*there.isas, build.HOST)}
    record = Record(
        name="",
        machine=machine,
        audit=(),
        compilers={compiler.name: Compiler(compiler.command, compiler.version, flags) for compiler in compilers},
        primary_compiler=names[0],
        content_hash=build.content_hash(config, compilers, versions),
        kernels_hash=build.kernels_hash(config, compilers),
        protocol=typed(Protocol, protocol),
        seed=0,
        timer=clock.describe(),
        canary=canary,
        memory=Memory(plan.layout().arena_bytes, UNKNOWN, host.choice().cpu, host.choice().kind or None),
        threads=Threads(tuple(cpus), limit),
        kernels={kernel.name: declared(kernel) for kernel in there.kernels},
        algorithms={name: tuple(passes) for name, passes in config["algorithms"].items()},
        controls=controls(config),
        peers=libraries,
        experiments=plan.described(),
        accuracy_elements=lengths,
        skipped=tuple(plan.skipped),
        vetoes=Vetoes(0, 0),
        started=now(),
    )
    return instance.numbered(record, 1), plan, host


def plan_of(roster: Roster, there: Means, found: Found) -> Plan:
    """What is measured by the protocol with what is there, as far as its minutes reach. Raises HarnessError where that
    is nothing."""
    plan = make_plan(roster, there.host.processor(), found)
    if not plan.items:
        raise HarnessError("nothing to measure: " + "; ".join(map(str, plan.skipped)))
    pace = slowness(there.host, next(kernel for kernel in there.kernels if kernel.name == "exp_store"))
    return replace(plan, slowness=pace, skipped=[*there.skipped, *plan.skipped]).trimmed()


def declared(kernel: Kernel) -> Pass:
    """What the row of a kernel declares."""
    return Pass(**{its.name: getattr(kernel, its.name) for its in fields(Pass)})


def clock_of(host: Host) -> tuple[Clock, Canary]:
    """The clock of the processor that is measured, and how fast its canaries are now."""
    with topology.on(host.choice().cpu):
        clock = Clock(host)
        return clock, Canary(CLOCK_ADDS, THROUGHPUT_FMAS, *map(round, clock.canaries()))


def accuracy_lengths(plan: Plan, memory_bytes: int) -> tuple[tuple[int, ...] | None, Plan]:
    """The lengths whose accuracy is looked at, None where the protocol does not ask for it, and the plan with those
    that do not fit in memory among what is skipped."""
    needs = {n: n * accuracy.BYTES_PER_ELEMENT for n in plan.protocol.get("accuracy", {}).get("elements", [])}
    fit = tuple(n for n, need in needs.items() if need <= MOST_OF_MEMORY * memory_bytes)
    for n in sorted(needs.keys() - {*fit}):
        plan = plan.skip(f"accuracy of {n} elements", f"needs {memory_words(needs[n], memory_bytes)}")
    return fit or None, plan


def departures(config: Config) -> list[Skipped]:
    """What a configuration of one's own changes in the shipped one, so that the run says so."""
    shipped, used, name = load(), config, config["protocol"]
    own = used["protocols"][name]
    told = [(f"{name}'s {key}", old, new) for key, old, new in differences(shipped["protocols"].get(name, own), own)]
    told += [(key, old, new) for key, old, new in differences(shipped, used) if key.split(".")[0] not in SAID_ELSEWHERE]
    found = [Skipped(f"{what}: {old}", f"the configuration has {new}") for what, old, new in told]
    if name not in shipped["protocols"]:
        found.append(Skipped(f"protocol {name}", "it is the configuration's own, none that is shipped"))
    if inexact := build.inexact_flags(config):
        reason = f"{' '.join(inexact)}: kernels need not compute what their source says"
        found.append(Skipped("IEEE 754", reason))
    return found


def differences(shipped: Mapping[str, Any], used: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Key (those of nested mappings after a dot), shipped and used value as JSON, of all that differs."""
    for key in dict.fromkeys([*shipped, *used]):
        if key not in shipped or key not in used:
            old, new = (json.dumps(its[key]) if key in its else "nothing" for its in (shipped, used))
            yield key, old, new
        elif isinstance(shipped[key], Mapping) and isinstance(used[key], Mapping):
            yield from ((f"{key}.{below}", old, new) for below, old, new in differences(shipped[key], used[key]))
        elif shipped[key] != used[key]:
            yield key, json.dumps(shipped[key]), json.dumps(used[key])


def check_named(config: Config, extensions: Path, isas: list[str] | None, compilers: list[str] | None) -> None:
    """Raises HarnessError for an ISA that was asked for by name and that this processor lacks, and for a compiler that
    was asked for by name and is not installed."""
    for name in compilers or []:
        build.require_compiler(config, name)
    processor = first_host(config, extensions, build.find_compilers(config)[0]).processor()
    for isa in isas or []:
        if isa not in processor.isas:
            has = ", ".join(processor.isas) or "none of the ISAs"
            raise HarnessError(f"{processor.brand} does not have {isa}; it has {has}")


def planned_text(config: Config, extensions: Path) -> str:
    """What `measure` would do, in words."""
    return words.text(prepare(config, extensions)[1])
