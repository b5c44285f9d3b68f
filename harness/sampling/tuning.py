"""Chooses the variant of each pass by successive halving, in cache and out of cache."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from harness.experiments.contenders import Contender, Question, Tuned, predecessors
from harness.native.extensions import Kernel
from harness.record.configuration import Config
from harness.record.errors import HarnessError
from harness.sampling.sampler import Sample, Sampler, enough_rounds, undisturbed

# In cache a sample of 0.2 ms is some hundred calls. Several hundred variants are tried.
SAMPLE_NANOSECONDS = 200_000
# Rounds of the first stage, and by how many each stage has more.
FIRST_ROUNDS = 2

TuningRow = dict[str, Any]
"""An item of run.json's `tuning`."""
Published = Mapping[str, Sequence[str]]
"""The machines that a variant of a pass was published for."""


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


def halve(
    measure: Callable[[Sequence[Kernel], int], list[float]], variants: Sequence[Kernel], finalists: int
) -> tuple[list[Kernel], dict[Kernel, float]]:
    """Successive halving: all variants in few rounds, the better half in more, until no more than `finalists` are left.

    `measure` gives the median nanoseconds of each kernel over at least so many rounds. Returns the finalists, best
    first, and the last time of every variant.
    """
    times: dict[Kernel, float] = {}
    survivors, rounds = list(variants), FIRST_ROUNDS
    while True:
        times |= zip(survivors, measure(survivors, rounds), strict=True)
        survivors.sort(key=times.__getitem__)
        if len(survivors) <= finalists:
            return survivors, times
        survivors = survivors[: max(finalists, math.ceil(len(survivors) / 2))]
        rounds += FIRST_ROUNDS


def halving_rounds(count: int, finalists: int, rounds: int) -> float:
    """How many times FIRST_ROUNDS of one variant it takes to tune so many, at each of the two lengths."""
    total, stage, left = 0, 1, count
    while left > finalists:
        total, left, stage = total + left * stage, max(finalists, math.ceil(left / 2)), stage + 1
    return total + left * stage + 2 * left * rounds / FIRST_ROUNDS


def most_variants(count: int, finalists: int, rounds: int, affordable: float) -> int:
    """How many of `count` variants can be tuned for so many times FIRST_ROUNDS of one; at least one."""
    fit = (n for n in range(count, 1, -1) if halving_rounds(n, min(n, finalists), rounds) <= affordable)
    return next(fit, 1)


def by_promise(variants: Sequence[Kernel], published: Published, wanted: str | None) -> list[Kernel]:
    """The variants in the order in which they are tried where time is short: the wanted one, those that were published,
    then from the middle of the table, where loops are neither short of independent work nor of registers."""
    middle = len(variants) // 2
    places = {kernel: (k != middle, abs(k - middle)) for k, kernel in enumerate(variants)}
    return sorted(variants, key=lambda k: (k.variant != wanted, k.variant not in published, *places[k]))


def tune_pass(
    sampler: Sampler,
    config: Config,
    variants: Sequence[Kernel],
    any_variant: Tuned,
    out_of_cache: int,
    seed: int,
    published: Published = MappingProxyType({}),
    wanted: str | None = None,
    seconds: float = math.inf,
) -> list[TuningRow]:
    """Rows of run.json's `tuning` for one pass of one compiler and ISA: the finalists, best first, then the others.

    Where `seconds` are too few for all variants, as a first look at one of them shows, only the most promising are
    tried, and each row tells of how many.
    Finalists are those that are left in cache, those left at `out_of_cache` elements, and the `published` ones;
    all are measured at both lengths, and the smallest product of the two times wins, unless a variant is `wanted`.
    """
    if wanted is not None and wanted not in {kernel.variant for kernel in variants}:
        raise HarnessError(f"tuning: {variants[0].name} has no variant {wanted}")
    in_cache = config["tuner"]["in_cache_elements"]
    first = variants[0]
    before = predecessors(config, first.name, any_variant)

    def measure(elements: int, kernels: Sequence[Kernel], count: int) -> list[float]:
        contenders = tuple(Contender("", kernel.name, (kernel,), before) for kernel in kernels)
        question = Question("tuning", first.compiler, first.isa, elements, "warm", contenders, paired=False)
        return median_times(sampler, question, count, seed)

    lengths, available = (in_cache, out_of_cache), len(variants)
    if seconds < math.inf:
        variants, began = by_promise(variants, published, wanted), time.monotonic()
        for n in lengths:
            measure(n, variants[:1], FIRST_ROUNDS)
        affordable = seconds / max(1e-9, time.monotonic() - began) - 1
        variants = variants[
            : most_variants(available, *(config["tuner"][key] for key in ("finalists", "rounds")), affordable)
        ]
    left, times = zip(
        *(halve(partial(measure, n), variants, config["tuner"]["finalists"]) for n in lengths), strict=True
    )
    finalists = list(dict.fromkeys([*itertools.chain(*left), *(k for k in variants if k.variant in published)]))
    for n, known in zip(lengths, times, strict=True):
        known |= zip(finalists, measure(n, finalists, config["tuner"]["rounds"]), strict=True)

    def score(kernel: Kernel) -> float:
        return times[0][kernel] * times[1][kernel]

    best = min(finalists, key=lambda kernel: (kernel.variant != wanted, score(kernel)))
    others = [kernel for kernel in variants if kernel not in finalists]
    ranked = [*sorted(finalists, key=score), *sorted(others, key=score)]
    return [
        {
            "compiler": kernel.compiler,
            "isa": kernel.isa,
            "pass": kernel.name,
            "variant": kernel.variant,
            "chosen": kernel == best,
            "finalist": kernel in finalists,
            **({"available": available} if len(variants) < available else {}),
            "published_for": list(published.get(kernel.variant, ())),
            "in_cache_elements": in_cache,
            "in_cache_nanoseconds": times[0][kernel],
            "out_of_cache_elements": out_of_cache,
            "out_of_cache_nanoseconds": times[1][kernel],
        }
        for kernel in ranked
    ]


def tune(
    sampler: Sampler,
    config: Config,
    kernels: Sequence[Kernel],
    out_of_cache: int,
    seed: int,
    done: Container[tuple[str, str, str]] = (),
    published: Mapping[str, Published] = MappingProxyType({}),
    wanted: Mapping[str, str] = MappingProxyType({}),
    allowance: Callable[[], float] = lambda: math.inf,
) -> Iterator[tuple[str, list[TuningRow]]]:
    """Name and `tuning` rows of every pass of one compiler and ISA, but for each (compiler, ISA, pass) that is done.

    `published` and `wanted` (a variant that is to be chosen, whatever it takes) are by pass. `allowance` tells the
    seconds that the next pass may take.
    """
    by_pass: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        if not kernel.is_bandwidth_loop:
            by_pass.setdefault(kernel.name, []).append(kernel)
    any_variant = {name: variants[-1] for name, variants in by_pass.items()}
    for name, variants in by_pass.items():
        if (variants[0].compiler, variants[0].isa, name) not in done:
            choice = (published.get(name, {}), wanted.get(name))
            yield name, tune_pass(sampler, config, variants, any_variant, out_of_cache, seed, *choice, allowance())


def narrowed(rows: Sequence[TuningRow]) -> list[dict[str, str]]:
    """Items of run.json's `skipped`: of which passes time was too short to try every variant."""
    by_pass: dict[tuple[str, ...], list[TuningRow]] = {}
    for row in rows:
        if "available" in row:
            by_pass.setdefault((row["compiler"], row["isa"], row["pass"]), []).append(row)
    found = []
    for key, those in by_pass.items():
        tried, available = len(those), those[0]["available"]
        variant = next(row["variant"] for row in those if row["chosen"])
        how = "which no other was tried against" if tried == 1 else f"the best of {tried}"
        what = f"tuning of {available - tried} of {available} variants of {' '.join(key)}"
        found.append({"what": what, "reason": f"too little time; measured is {variant}, {how}"})
    return found


def chosen(rows: Sequence[TuningRow], kernels: Sequence[Kernel]) -> dict[str, Kernel]:
    """The chosen kernel of each pass among `kernels`, which are those of one compiler and ISA."""
    wanted = {(row["compiler"], row["isa"], row["pass"], row["variant"]) for row in rows if row["chosen"]}
    return {
        kernel.name: kernel
        for kernel in kernels
        if (kernel.compiler, kernel.isa, kernel.name, kernel.variant) in wanted
    }
