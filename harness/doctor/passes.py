"""`python -m harness passes`: every pass and ISA at one length and cache state, against the limits of this machine."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from harness.experiments.base import Contender, Question, Roster
from harness.machine import detection
from harness.native.clock import CLOCK_ADDS
from harness.native.extensions import Kernel, load_kernels
from harness.native.memory import Arena
from harness.record.caches import FLOAT_BYTES
from harness.record.configuration import Config
from harness.run import exclusion, plan
from harness.run.prepare import means
from harness.run.worker import pin
from harness.sampling import tuning
from harness.sampling.sampler import Sample, Sampler, Sampling, by_contender, median_nanoseconds, undisturbed
from harness.statistics.traffic import logical_floats, moved

RANKING_ROUNDS, FINALISTS, FINAL_ROUNDS = 5, 3, 20
SAMPLE_NANOSECONDS = 200_000
# Time of a pass from its time in cache and the best loop of its traffic: (core^q + memory^q)^(1/q).
OVERLAP_EXPONENT = 4
Measured = list[tuple[Kernel, list[Sample]]]
"""Kernels, each with its samples."""


@dataclass(frozen=True)
class PassResult:
    """The best variant of one pass (or loop of one bandwidth kernel) of one ISA at one length.

    `spread` is half the distance of the quartiles over rounds, relative. `limit_share` is the time of the best loop of
    the same traffic over this time; `in_cache_ns_per_element` and `bound_ns_per_element` are given out of cache only.
    """

    isa: str
    pass_name: str
    compiler: str
    variant: str
    elements: int
    cache_state: str
    ns_per_element: float
    spread: float
    cycles_per_vector: float
    effective_gb_per_second: float
    limit_share: float
    in_cache_ns_per_element: float | None = None
    in_cache_cycles_per_vector: float | None = None
    bound_ns_per_element: float | None = None


def measure_passes(config: Config, extensions: Path, elements: int, cache_state: str) -> list[PassResult]:
    """Every pass of every usable ISA at this length, the best variant of any compiler.

    Raises HarnessError where the machine has none of the ISAs, or not so much memory.
    """
    there = means(config, extensions)
    host, processor = there.host, there.host.processor()
    in_cache = min(tuning.lengths(processor))
    layout = plan.layout(config, processor, max(elements, in_cache))
    plan.require_memory(layout.arena_bytes, layout.longest, detection.available_memory_bytes())
    cpu = host.choice().cpu
    pin(cpu)
    arena = Arena(host, layout)
    arena.fill(config["input"]["low"], config["input"]["high"], config["input"]["seed"])
    sampler = Sampler(host, arena, [cpu])
    results: list[PassResult] = []
    for isa in there.isas:
        built = [kernel for compiler in there.compilers for kernel in load_kernels(extensions, compiler.name, isa)]
        roster = Roster(config, exclusion.right_ones(host, config, built))
        contenders = tuple(Contender("", k.name, (k,), roster.before(k.form_of or k.name)) for k in roster.kernels)
        question = Question("passes", "any", isa, elements, cache_state, contenders, paired=False)
        best = best_of(sampler, question)
        near: Measured = []
        if elements * FLOAT_BYTES > processor.last_cache_bytes:
            again = replace(of_kernels(question, best), elements=in_cache, cache_state="warm")
            near = measure(sampler, again, FINAL_ROUNDS)
        results += compare(best, near, question, in_cache)
    return results


def measure(sampler: Sampler, question: Question, count: int) -> Measured:
    """Samples of each kernel over at least `count` rounds in which all take part."""
    samples = by_contender(sampler, question, Sampling(count, SAMPLE_NANOSECONDS, question.elements))
    return [(contender.kernels[0], taken) for contender, taken in zip(question.contenders, samples, strict=True)]


def of_kernels(question: Question, measured: Measured) -> Question:
    """The question with these kernels alone."""
    kernels = [kernel for kernel, _ in measured]
    return replace(question, contenders=tuple(c for c in question.contenders if c.kernels[0] in kernels))


def best_of(sampler: Sampler, question: Question) -> Measured:
    """The fastest kernel of each name, found among all in few rounds and among the finalists in more."""

    def ranked(measured: Measured, most: int) -> Measured:
        by_name: dict[str, Measured] = {contender.pass_name: [] for contender in question.contenders}
        for kernel, samples in sorted(measured, key=lambda pair: median_nanoseconds(pair[1])):
            by_name[kernel.name].append((kernel, samples))
        return [pair for pairs in by_name.values() for pair in pairs[:most]]

    finalists = ranked(measure(sampler, question, RANKING_ROUNDS), FINALISTS)
    return ranked(measure(sampler, of_kernels(question, finalists), FINAL_ROUNDS), 1)


def median_cycles(samples: Sequence[Sample]) -> float:
    """Median core cycles per call, by the clock canary around each sample."""
    return statistics.median(
        sample.nanoseconds[0] / sample.calls * CLOCK_ADDS / sample.clock_nanoseconds for sample in undisturbed(samples)
    )


def compare(best: Measured, near: Measured, question: Question, in_cache: int) -> list[PassResult]:
    """The results of one ISA: each kernel against the fastest plain loop of its traffic, and, where `near` holds the
    same kernels at `in_cache` elements, against the bound that both together give."""
    elements, cache_state = question.elements, question.cache_state
    # Of plain loops; non-temporal stores are another kind of traffic than a pass makes.
    plain = [(kernel, samples) for kernel, samples in best if not (kernel.computes or kernel.non_temporal)]
    limits = {moved(kernel): median_nanoseconds(samples) / elements for kernel, samples in plain}
    core = {kernel.name: samples for kernel, samples in near}
    results = []
    for kernel, samples in best:
        nanoseconds = median_nanoseconds(samples)
        low, high = quartiles([sample.nanoseconds[0] / sample.calls for sample in undisturbed(samples)])
        memory = limits[moved(kernel)]
        found = PassResult(
            isa=kernel.isa,
            pass_name=kernel.name,
            compiler=kernel.compiler,
            variant=kernel.variant,
            elements=elements,
            cache_state=cache_state,
            ns_per_element=nanoseconds / elements,
            spread=(high - low) / 2 / nanoseconds,
            cycles_per_vector=median_cycles(samples) / elements * kernel.lanes,
            effective_gb_per_second=FLOAT_BYTES * logical_floats(kernel) * elements / nanoseconds,
            limit_share=memory * elements / nanoseconds,
        )
        if kernel.name in core:
            in_core = median_nanoseconds(core[kernel.name]) / in_cache
            found = replace(
                found,
                in_cache_ns_per_element=in_core,
                in_cache_cycles_per_vector=median_cycles(core[kernel.name]) / in_cache * kernel.lanes,
                bound_ns_per_element=(in_core**OVERLAP_EXPONENT + memory**OVERLAP_EXPONENT) ** (1 / OVERLAP_EXPONENT),
            )
        results.append(found)
    return results


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and third quartile; of a single value, that value twice."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4)
    return first, third


def table(results: Sequence[PassResult]) -> str:
    """The results for a person to read."""
    first = results[0]
    out_of_cache = first.bound_ns_per_element is not None
    lines = [
        f"{first.elements:,} elements, cache state {first.cache_state}; spread is half the interquartile range over "
        f"{FINAL_ROUNDS} rounds or more of one process.",
        "limit: time of the fastest plain loop of the same traffic over this time.",
    ]
    header = f"{'isa':8} {'pass':10} {'best variant':14} {'ns/element':>10} {'spread':>7} {'cycles/vector':>13} "
    header += f"{'GB/s':>7} {'limit':>6}"
    if out_of_cache:
        header += f" {'in cache c/v':>12} {'bound ns':>9} {'of bound':>8}"
        lines.append("bound: (in-cache time^4 + loop time^4)^(1/4); of bound: this time over it.")
    lines.append(header)
    for r in results:
        line = f"{r.isa:8} {r.pass_name:10} {r.compiler + ' ' + r.variant:14} {r.ns_per_element:10.4f} {r.spread:7.1%} "
        line += f"{r.cycles_per_vector:13.2f} {r.effective_gb_per_second:7.1f} {r.limit_share:6.0%}"
        if r.bound_ns_per_element is not None:
            line += f" {r.in_cache_cycles_per_vector:12.2f} {r.bound_ns_per_element:9.4f}"
            line += f" {r.ns_per_element / r.bound_ns_per_element:8.0%}"
        lines.append(line)
    return "\n".join(lines)


def as_data(results: Sequence[PassResult]) -> list[dict[str, object]]:
    """The results for a program to read."""
    return [asdict(found) for found in results]
