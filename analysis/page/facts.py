"""What a run says of itself, in words: the machine, what it was measured with, what is known of its trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import PurePath

from analysis.tables.repeatability import agreement
from harness.reading import names
from harness.reading.advice import advised
from harness.reading.evidence import Evidence, doubts
from harness.reading.frontier import pooled_frontier
from harness.reading.trust import disturbed_share
from harness.record import exactness
from harness.record.errors import MissingRows
from harness.record.machines import emulator
from harness.record.run import UNKNOWN, Record
from harness.record.schema import schema

SOFTWARE = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib", "altair", "snakemake", "cffi")
"""What analysis and measuring stand on, by its name on PyPI."""
GIBI, MEBI, KIBI = 1 << 30, 1 << 20, 1 << 10


def machine(run: Record) -> dict[str, str]:
    """The machine as it was detected, without what tells which one of its kind it is."""
    its, memory = run.machine, run.memory
    huge = memory.huge_page_bytes  # whole pages, which may end behind the buffers
    huge = min(huge, memory.arena_bytes) if isinstance(huge, int) else huge
    return {
        "processor": its.brand,
        "microarchitecture": its.microarchitecture,
        "family, model, stepping": f"{its.family}, {its.model}, {its.stepping}",
        "instruction sets": ", ".join(names.ISAS.get(isa, isa) for isa in its.isas),
        "caches": "; ".join(f"L{one.level} {size(one.bytes)}{_shared(one.shared_by_threads)}" for one in its.caches),
        "cores, threads": f"{its.cores}, {its.threads}",
        "memory": size(its.memory_bytes),
        "hypervisor": its.hypervisor or "none",
        "emulator": emulator(run) or "none was found",
        "kernel": its.kernel,
        "timer": f"{run.timer.source}, {run.timer.overhead_nanoseconds:g} ns a reading",
        "buffers": f"{size(memory.arena_bytes)}, of which in huge pages {size(huge)}",
    }


def _shared(threads: int | str) -> str:
    return f" (for {threads} threads)" if isinstance(threads, int) and threads > 1 else ""


def size(number: int | str) -> str:
    """A number of bytes, or "unknown"."""
    if not isinstance(number, int | float):
        return UNKNOWN
    unit, letter = next((pair for pair in ((GIBI, "GiB"), (MEBI, "MiB"), (KIBI, "KiB")) if number >= pair[0]), (1, "B"))
    return f"{number / unit:.3g} {letter}" if number < 1000 * unit else f"{number / unit:.0f} {letter}"


def versions(run: Record) -> dict[str, str]:
    """What a run was measured with, and the hashes that tell it from others."""
    compilers = {
        f"compiler {name}": its.version + (" (primary)" if name == run.primary else "")
        for name, its in run.compilers.items()
    }
    flags = {
        f"flags {name}, {names.ISAS.get(target, target)}": " ".join(PurePath(flag).name for flag in those)
        for name, its in run.compilers.items()
        if name == run.primary
        for target, those in its.flags.items()
    }
    peers = {f"library {its.title}": its.version for its in run.peers.libraries.values()}
    return {
        "protocol": run.protocol.name,
        "measured (UTC)": f"{run.started} to {run.ended}",
        **compilers,
        **flags,
        **peers,
        "seed": str(run.seed),
        "kernels, compilers and flags (SHA-256)": run.kernels_hash or "not recorded by this version",
        "code and configuration (SHA-256)": run.content_hash,
        "samples.csv (SHA-256)": run.samples_sha256 or "not recorded by this version",
    }


def software() -> dict[str, str]:
    """The versions of what made the page."""
    return {name: version(name) for name in SOFTWARE}


def when(run: Record) -> str:
    """When a run was measured, and how, which tells it from others of its machine."""
    return f"{run.started[:19].replace('T', ' ')} UTC, {run.protocol.name}"


def minutes(run: Record) -> float:
    """From the start of a run to its end, without the time between a session that was stopped and the next one; of one
    that had measured nothing yet it is not known when it was stopped."""
    began = datetime.fromisoformat(run.started)

    def since(moment: str) -> float:
        return (datetime.fromisoformat(moment) - began).total_seconds()

    seconds = since(run.ended or run.started)
    for stopped, following in enumerate(run.sessions[1:]):
        ends = [row["started"] + row["seconds"] for row in run.groups if row["session"] == stopped]
        seconds -= max(0.0, since(following.started) - max(ends)) if ends else 0.0
    return seconds / 60


def reservations(evidence: Evidence) -> list[str]:
    """Why nothing that a body shows decides anything; empty where it may."""
    run = evidence.newest
    smoke = ["a smoke run claims nothing"] if run.protocol.is_smoke else []
    return [*smoke, *doubts(evidence).faults]


def brief(evidence: Evidence) -> str:
    """Whether a body can be trusted, in a line."""
    found, count = doubts(evidence), len(evidence.runs)
    if found.faults:
        return "no: " + "; ".join(found.faults)
    told = ["null test passed" if found.floor else "no null test", "results right"]
    told += [f"noise floor {found.floor_told}"] if found.floor else []
    told.append(f"{count} runs pooled" if count > 1 else "one run")
    told += [f"{', '.join(names.ISAS.get(isa, isa) for isa in found.unresolved)} undecided"] if found.unresolved else []
    return ", ".join(told)


def trust(evidence: Evidence) -> list[str]:
    """What speaks for a body and against it, a sentence each."""
    run, found = evidence.newest, doubts(evidence)
    wrong, excluded = exactness.faults(run), exactness.excluded(run)
    told = [f"null test: {found.told}" if len(evidence.runs) == 1 else found.told]
    if found.floor:
        told.append(f"noise floor {found.floor_told}: no smaller difference is called one")
    told += [f"{names.ISAS.get(isa, isa)} is undecided: {text}" for isa, text in found.unresolved.items()]
    told.append(_runs(evidence))
    told.append(f"results are wrong: {'; '.join(wrong)}" if wrong else "results are within their bounds")
    told += [excluded] if excluded else []
    share = names.percent(disturbed_share([run]))
    told.append(f"{share} of the newest run's samples were disturbed; they are flagged and kept")
    return told


def _runs(evidence: Evidence) -> str:
    if len(evidence.runs) == 1:
        return evidence.cautions[0]
    try:
        agreed, points = agreement(evidence)
    except MissingRows:
        return f"{len(evidence.runs)} runs are pooled"
    return "; ".join(
        [f"{len(evidence.runs)} runs are pooled and agree at {agreed} of {points} points", *evidence.cautions]
    )


def advice(evidence: Evidence) -> list[str]:
    """What to use at the longest length of the frontier, in the widest ISA, for each fate of the output; empty without
    a frontier."""
    try:
        table = pooled_frontier(evidence).query("threads == 1")
        if table.empty:
            return []
        return advised(evidence, int(table["elements"].max()), [], None, 1)
    except MissingRows:
        return []


def columns() -> dict[str, str]:
    """What each column of samples.csv means."""
    rules: Mapping[str, Mapping[str, str]] = schema("samples")["properties"]
    return {name: rule["description"] for name, rule in rules.items()}


def disturbing(run: Record) -> Sequence[Mapping[str, str]]:
    """The audit, with what disturbs first."""
    order = {"yes": 0, UNKNOWN: 1}
    return sorted(run.audit, key=lambda row: order.get(row["disturbs"], 2))
