"""`python -m harness doctor`: what was detected, what disturbs measurements here, and what to do about each."""

from __future__ import annotations

from pathlib import Path

from harness import audit, build, detect, machines, sampler
from harness.config import Config
from harness.extensions import first_host

SYMBOLS = {"yes": "!", "no": " ", "unknown": "?"}


def report(config: Config, extensions: Path) -> str:
    """The report of this machine."""
    compilers, skipped = build.find_compilers(config)
    host = first_host(extensions, compilers)
    processor = host.processor()
    identity = machines.identify(processor, config.get("machine"))
    clock = min(host.lib.canary_clock(sampler.CLOCK_ADDS) for _ in range(9))
    timer = sampler.timer(host)
    lines = [
        f"machine    {identity.name}{'' if identity.known else ' (not known yet)'}: {processor.brand}, "
        f"{machines.microarchitecture(processor)}, {processor.vendor} family {processor.family} "
        f"model {processor.model} stepping {processor.stepping}",
        f"ISAs       {', '.join(processor.isas) or 'none: AVX2 and FMA3 are missing'}",
        f"caches     {', '.join(describe_cache(cache) for cache in processor.caches) or 'unknown'}",
        f"memory     {detect.available_memory_bytes() / 1e9:.1f} GB available",
        f"clock      {sampler.CLOCK_ADDS / clock:.2f} GHz now, by {sampler.CLOCK_ADDS} dependent additions",
        f"timer      {timer['source']}, resolution {timer['resolution_nanoseconds']} ns, "
        f"overhead {timer['overhead_nanoseconds']:.0f} ns",
        *(f"compiler   {compiler.name}: {compiler.version}" for compiler in compilers),
        *(f"skipped    {item['what']}: {item['reason']}" for item in skipped),
        "",
        "What disturbs measurements (! does, ? unknown):",
    ]
    for item in audit.audit(host, identity.name):
        advice = f"; {item['advice']}" if item["disturbs"] != "no" else ""
        lines.append(f"{SYMBOLS[item['disturbs']]} {item['item']}: {item['found']}{advice}")
    return "\n".join(lines)


def describe_cache(cache: detect.Cache) -> str:
    """A cache in words."""
    size = f"{cache.bytes >> 20} MiB" if cache.bytes >= 1 << 20 else f"{cache.bytes >> 10} KiB"
    return f"L{cache.level} {size} for {cache.shared_by_threads} thread{'s' if cache.shared_by_threads > 1 else ''}"
