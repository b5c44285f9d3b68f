"""Chooses the variant of each pass by successive halving, in cache and out of cache."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harness.experiments.base import Contender, Question, Roster
from harness.native.extensions import Kernel
from harness.record.errors import HarnessError
from harness.sampling.sampler import Sampler, Sampling, by_contender, median_nanoseconds

# In cache a sample of 0.2 ms is some hundred calls. Several hundred variants are tried.
SAMPLE_NANOSECONDS = 200_000
# Rounds of the first stage, and by how many each stage has more.
FIRST_ROUNDS = 2

TuningRow = Mapping[str, Any]
"""A row of a run's table `tuning`."""
Published = Mapping[str, Sequence[str]]
"""The machines that a variant of a pass was published for."""


def median_times(sampler: Sampler, question: Question, count: int, seed: int) -> list[float]:
    """Median nanoseconds per call of each contender over at least `count` rounds."""
    how = Sampling(count, SAMPLE_NANOSECONDS, seed)
    return [median_nanoseconds(samples) for samples in by_contender(sampler, question, how)]


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


@dataclass(frozen=True)
class Tuner:
    """What tunes the passes of one compiler and ISA, in cache and at `out_of_cache` elements. `published` variants and
    the one that is `wanted`, which is chosen whatever it takes, are by pass."""

    sampler: Sampler
    roster: Roster
    out_of_cache: int
    seed: int
    published: Mapping[str, Published] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)

    def measure(self, elements: int, kernels: Sequence[Kernel], count: int) -> list[float]:
        """Median nanoseconds of each kernel over at least `count` rounds."""
        before = self.roster.before(kernels[0].name)
        contenders = tuple(Contender("", kernel.name, (kernel,), before) for kernel in kernels)
        pair = kernels[0].compiler, kernels[0].isa
        question = Question("tuning", *pair, elements, "warm", contenders, paired=False)
        return median_times(self.sampler, question, count, self.seed)

    def tune(self, name: str, seconds: float = math.inf) -> list[TuningRow]:
        """Rows of a run's table `tuning` for one pass: the finalists, best first, then the others.

        Where `seconds` are too few for all variants, as a first look at one of them shows, only the most promising are
        tried, and each row tells of how many.
        Finalists are those that are left in cache, those left out of cache, and those that were published; all are
        measured at both lengths, and the smallest product of the two times wins, unless a variant is wanted.
        """
        variants = [kernel for kernel in self.roster.kernels if kernel.name == name]
        published, wanted = self.published.get(name, {}), self.wanted.get(name)
        if wanted is not None and wanted not in {kernel.variant for kernel in variants}:
            raise HarnessError(f"tuning: {name} has no variant {wanted}")
        settings, available = self.roster.config["tuner"], len(variants)
        lengths = settings["in_cache_elements"], self.out_of_cache
        if seconds < math.inf:
            variants, began = by_promise(variants, published, wanted), time.monotonic()
            for n in lengths:
                self.measure(n, variants[:1], FIRST_ROUNDS)
            affordable = seconds / max(1e-9, time.monotonic() - began) - 1
            variants = variants[: most_variants(available, settings["finalists"], settings["rounds"], affordable)]
        halved = (halve(partial(self.measure, n), variants, settings["finalists"]) for n in lengths)
        left, times = zip(*halved, strict=True)
        finalists = list(dict.fromkeys([*itertools.chain(*left), *(k for k in variants if k.variant in published)]))
        for n, known in zip(lengths, times, strict=True):
            known |= zip(finalists, self.measure(n, finalists, settings["rounds"]), strict=True)

        def score(kernel: Kernel) -> float:
            return times[0][kernel] * times[1][kernel]

        best = min(finalists, key=lambda kernel: (kernel.variant != wanted, score(kernel)))
        others = [kernel for kernel in variants if kernel not in finalists]
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
                "in_cache_elements": lengths[0],
                "in_cache_nanoseconds": times[0][kernel],
                "out_of_cache_elements": lengths[1],
                "out_of_cache_nanoseconds": times[1][kernel],
            }
            for kernel in [*sorted(finalists, key=score), *sorted(others, key=score)]
        ]


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
