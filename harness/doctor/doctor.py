"""`python -m harness doctor`: what was detected, what disturbs measurements here, and what to do about each."""

from __future__ import annotations

from pathlib import Path

from harness.machine import detection, identity, topology
from harness.native import audit, build
from harness.native.clock import CLOCK_ADDS, Clock
from harness.native.clock import source as clock_source
from harness.native.extensions import first_host
from harness.record.configuration import Config
from harness.record.run import Cache

SYMBOLS = {"yes": "!", "no": " ", "unknown": "?"}


def report(config: Config, extensions: Path) -> str:
    """The report of this machine."""
    compilers, skipped = build.find_compilers(config)
    host = first_host(config, extensions, compilers)
    processor = host.processor()
    found = detection.facts(processor)
    known = identity.identify(found, config.get("machine"))
    choice = host.choice()
    with topology.on(choice.cpu):
        clock = Clock(host)
        additions = min(clock.additions() for _ in range(3))
    lines = [
        f"machine    {known.name}{'' if known.known else ' (not known yet)'}: {processor.brand}, "
        f"{found.microarchitecture}, {processor.vendor} family {processor.family} model {processor.model} "
        f"stepping {processor.stepping}",
        f"ISAs       {', '.join(processor.isas) or 'none: AVX2 and FMA3 are missing'}",
        f"caches     {', '.join(describe_cache(cache) for cache in processor.caches) or 'unknown'}",
        f"measured   processor {choice.cpu}, {choice.kind or 'like all others'}",
        f"memory     {detection.available_memory_bytes() / 1e9:.1f} GB available "
        f"of {found.memory_bytes / 1e9:.1f} GB that may be used",
        f"clock      {CLOCK_ADDS / additions:.2f} GHz now, by {CLOCK_ADDS} dependent additions",
        f"timer      CLOCK_MONOTONIC_RAW by {clock_source()}, resolution {clock.resolution} ns, "
        f"overhead {clock.overhead:.0f} ns, which is subtracted",
        *(f"compiler   {compiler.name}: {compiler.version}" for compiler in compilers),
        *(f"skipped    {item}" for item in skipped),
        "",
        "What disturbs measurements (! does, ? unknown):",
    ]
    for item in audit.audit(host, known.name, choice.cpu):
        advice = f"; {item['advice']}" if item["disturbs"] != "no" else ""
        lines.append(f"{SYMBOLS[item['disturbs']]} {item['item']}: {item['found']}{advice}")
    return "\n".join(lines)


def describe_cache(cache: Cache) -> str:
    """A cache in words."""
    size = f"{cache.bytes >> 20} MiB" if cache.bytes >= 1 << 20 else f"{cache.bytes >> 10} KiB"
    return f"L{cache.level} {size} for {cache.shared_by_threads} thread{'' if cache.shared_by_threads == 1 else 's'}"
