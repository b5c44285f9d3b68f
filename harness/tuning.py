"""Chooses the variant of each pass: all of them in cache, the finalists out of cache as well."""

from __future__ import annotations

import statistics
from collections.abc import Container, Iterator, Sequence
from typing import Any

from harness.config import Config
from harness.contenders import Contender, Question, Tuned, predecessors
from harness.extensions import Kernel
from harness.sampler import Sample, Sampler, enough_rounds, undisturbed

# In cache a sample of 0.2 ms is some hundred calls. Several hundred variants are tried.
SAMPLE_NANOSECONDS = 200_000

TuningRow = dict[str, Any]
"""An item of run.json's `tuning`."""


def median_times(sampler: Sampler, question: Question, count: int, seed: int) -> list[float]:
    """Median nanoseconds per call of each contender over at least `count` rounds."""
    samples: list[list[Sample]] = [[] for _ in question.contenders]
    for taken in enough_rounds(sampler, question, count, SAMPLE_NANOSECONDS, seed):
        for index, sample in taken:
            samples[index].append(sample)
    return [median_nanoseconds(row) for row in samples]


def median_nanoseconds(samples: Sequence[Sample]) -> float:
    """Median nanoseconds per call of one figure each, of undisturbed samples if there are any."""
    return statistics.median(sample.nanoseconds[0] / sample.calls for sample in undisturbed(samples))


def tune_pass(
    sampler: Sampler, config: Config, variants: Sequence[Kernel], any_variant: Tuned, out_of_cache: int, seed: int
) -> list[TuningRow]:
    """Rows of run.json's `tuning` for one pass of one compiler and ISA: the chosen variant, then the others by time.

    Chosen is the finalist with the smallest product of its time in cache and its time out of cache, each relative to
    the best. `out_of_cache` is that length in elements.
    """
    in_cache, count = config["tuning"]["in_cache_elements"], config["tuning"]["rounds"]
    first = variants[0]
    before = predecessors(config, first.name, any_variant)

    def measure(kernels: Sequence[Kernel], elements: int) -> list[float]:
        contenders = tuple(Contender("", kernel.name, (kernel,), before) for kernel in kernels)
        return median_times(
            sampler,
            Question("tuning", first.compiler, first.isa, elements, "warm", contenders, paired=False),
            count,
            seed,
        )

    ranked = sorted(zip(measure(variants, in_cache), variants, strict=True), key=lambda pair: pair[0])
    finalists = ranked[: config["tuning"]["finalists"]]
    far = measure([kernel for _, kernel in finalists], out_of_cache)
    fastest, fastest_far = finalists[0][0], min(far)
    order = sorted(range(len(finalists)), key=lambda i: finalists[i][0] / fastest * far[i] / fastest_far)

    def row(near: float, kernel: Kernel, far_time: float | None, chosen: bool) -> TuningRow:
        return {
            "compiler": kernel.compiler,
            "isa": kernel.isa,
            "pass": kernel.name,
            "variant": kernel.variant,
            "chosen": chosen,
            "in_cache_elements": in_cache,
            "in_cache_nanoseconds": near,
            "out_of_cache_elements": out_of_cache,
            "out_of_cache_nanoseconds": far_time,
        }

    rows = [row(*finalists[i], far[i], place == 0) for place, i in enumerate(order)]
    return rows + [row(near, kernel, None, False) for near, kernel in ranked[len(finalists) :]]


def tune(
    sampler: Sampler,
    config: Config,
    kernels: Sequence[Kernel],
    out_of_cache: int,
    seed: int,
    done: Container[tuple[str, str, str]] = (),
) -> Iterator[tuple[str, list[TuningRow]]]:
    """Name and `tuning` rows of every pass of one compiler and ISA, but for each (compiler, ISA, pass) that is done."""
    by_pass: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        if not kernel.is_bandwidth_loop:
            by_pass.setdefault(kernel.name, []).append(kernel)
    any_variant = {name: variants[-1] for name, variants in by_pass.items()}
    for name, variants in by_pass.items():
        if (variants[0].compiler, variants[0].isa, name) not in done:
            yield name, tune_pass(sampler, config, variants, any_variant, out_of_cache, seed)


def chosen(rows: Sequence[TuningRow], kernels: Sequence[Kernel]) -> dict[str, Kernel]:
    """The chosen kernel of each pass among `kernels`, which are those of one compiler and ISA."""
    wanted = {(row["compiler"], row["isa"], row["pass"], row["variant"]) for row in rows if row["chosen"]}
    return {
        kernel.name: kernel
        for kernel in kernels
        if (kernel.compiler, kernel.isa, kernel.name, kernel.variant) in wanted
    }
