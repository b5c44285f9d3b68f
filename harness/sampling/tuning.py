"""Times the variants of an algorithm's passes, within the whole algorithm: as they are used later, in the paper's cache
state, each pass after the one whose result it needs, and long after its own last call."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.experiments.base import Contender, Question, Roster
from harness.native.extensions import Kernel
from harness.record.caches import FLOAT_BYTES, HasCaches
from harness.record.exactness import TOO_FAST
from harness.record.run import Row
from harness.sampling.pacing import Pacer
from harness.sampling.sampler import ROUNDS_FACTOR, Sample, Sampler, most_rounds, undisturbed
from harness.sampling.schedule import balanced_orders

# Of the shortest pass, so that in cache a sample of a whole algorithm takes about a millisecond.
SAMPLE_NANOSECONDS = 50_000
# So many algorithms tell how many calls a sample is to have: variants differ by less than a factor that matters here.
CALIBRATED = 2


def lengths(its: HasCaches) -> list[int]:
    """One length, in elements, in each cache of a processor, and one that leaves them all.

    Input and output fill half of a cache, so that others may have a part of it; but all of L1, or the shortest pass
    would take no longer than a few readings of the clock. Out of cache the input alone is twice the last level.
    """
    inside = [
        its.cache_bytes(cache.level) // (2 * FLOAT_BYTES) // (2 if cache.level > 1 else 1) for cache in its.caches
    ]
    return sorted({*inside, 2 * its.last_cache_bytes // FLOAT_BYTES})


def fastest(samples: Sequence[Sample]) -> float:
    """Nanoseconds of a call that stand for the samples of one pass and variant: the smallest of those that nothing
    disturbed, if there are any.

    Noise has one side: a neighbour, an interrupt, a page that lies badly only ever add time. With four to eight samples
    and bursts of some percent the smallest is off by less than the lower quartile, and by a quarter to a half of what
    the median is; where noise has two sides it is the worse by a third. A sample that is too fast to be true stands
    for nothing, unless all are.
    """
    possible = [sample for sample in samples if TOO_FAST not in sample.flags] or samples
    return min(sample.nanoseconds[0] / sample.calls for sample in undisturbed(possible))


@dataclass(frozen=True)
class Field:
    """The variants of an algorithm's passes that are timed together, by pass in the order of its calls, the most
    promising first. A pass that an algorithm before it has as well is not tuned here, and has one variant."""

    compiler: str
    isa: str
    algorithm: str
    variants: dict[str, tuple[str, ...]]
    tuned: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """Names it within a process of tuning."""
        return self.compiler, self.isa, self.algorithm

    @property
    def size(self) -> int:
        """How many algorithms it takes for each variant to take part in one at least."""
        return max(map(len, self.variants.values()))

    def narrowed(self, most: int) -> Field:
        """The field with so many variants of each pass at most."""
        return replace(self, variants={name: its[:most] for name, its in self.variants.items()})


def fields_of(roster: Roster, pair: tuple[str, str], variants: Mapping[str, Sequence[str]]) -> list[Field]:
    """The fields of one compiler and ISA, of these variants by pass: one for each algorithm that has a pass which none
    before it has."""
    seen: set[str] = set()
    found = []
    for algorithm, names in roster.config["algorithms"].items():
        if tuned := tuple(name for name in dict.fromkeys(names) if name not in seen):
            seen |= {*tuned}
            ours = {name: tuple(variants[name][: None if name in tuned else 1]) for name in names}
            found.append(Field(*pair, algorithm, ours, tuned))
    return found


def dealt(kernels: Sequence[Kernel], seed: int) -> Iterator[Kernel]:
    """Endless variants of one pass: each once, in a shuffled order, then in the reverse, then shuffled anew."""
    for order in balanced_orders(len(kernels), seed):
        yield from (kernels[place] for place in order)


@dataclass(frozen=True)
class Tuner:
    """What times the variants of one compiler and ISA at some lengths, each variant in so many undisturbed samples at
    least where that can be had within `most_rounds`. Before each length it waits as the pacer says."""

    sampler: Sampler
    roster: Roster
    lengths: Sequence[int]
    rounds: int
    seed: int
    pacer: Pacer = field(default_factory=Pacer.never)

    def look(self, field: Field, process: int, seconds: float = math.inf) -> list[Row]:
        """The times of a field's variants in one process: process, compiler, isa, algorithm, pass, variant, elements,
        nanoseconds (per call).

        Where `seconds` are too few for all variants, as a first look at one of each pass shows, only the most promising
        are timed.
        """
        began = time.monotonic()
        if seconds < math.inf:
            each = sum(self.seconds_of_a_sample(field.narrowed(1), n) for n in self.lengths)
            left = began + seconds - time.monotonic()
            field = field.narrowed(max(1, int(left / max(1e-9, each * self.rounds))))
        ends = began + seconds
        return [row for n in self.lengths for row in self.rows(field, process, n, ends)]

    def rows(self, field: Field, process: int, elements: int, ends: float) -> Iterator[Row]:
        """The rows at one length; disturbed samples are taken again until it `ends` (by time.monotonic)."""
        self.pacer.wait()
        seed = self.seed + zlib.crc32(f"{process} {' '.join(field.key)} {elements}".encode())
        taken: dict[Kernel, list[Sample]] = {kernel: [] for name in field.tuned for kernel in self.kernels(field, name)}
        calm = 0
        for count, (kernels, sample) in enumerate(self.samples(field, elements, seed), start=1):
            for kernel, nanoseconds in zip(kernels, sample.nanoseconds, strict=True):
                if kernel in taken:
                    taken[kernel].append(replace(sample, nanoseconds=(nanoseconds,)))
            calm += not sample.flags
            self.pacer.note([bool(sample.flags)])
            fewest = min(sum(not one.flags for one in its) for its in taken.values())
            done = fewest >= self.rounds or time.monotonic() >= ends
            if count >= field.size * (self.rounds if done else most_rounds(self.rounds, calm, count)):
                break
        for kernel, its in taken.items():
            yield {
                "process": process,
                "compiler": field.compiler,
                "isa": field.isa,
                "algorithm": field.algorithm,
                "pass": kernel.name,
                "variant": kernel.variant,
                "elements": elements,
                "nanoseconds": fastest(its),
            }

    def samples(self, field: Field, elements: int, seed: int) -> Iterator[tuple[tuple[Kernel, ...], Sample]]:
        """Samples of the algorithm, split by pass, each with the variants that took part, as many as are ever taken.

        Which variants of its passes meet changes from one to the next, so that none is judged by its company.
        """
        decks = [dealt(self.kernels(field, name), seed + place) for place, name in enumerate(field.variants)]
        most, names = ROUNDS_FACTOR * self.rounds * field.size, self.roster.config["algorithms"][field.algorithm]
        drawn = [dict(zip(field.variants, map(next, decks), strict=True)) for _ in range(most)]
        turns = [tuple(its[name] for name in names) for its in drawn]
        contenders = tuple(Contender(field.algorithm, "", kernels, split=True) for kernels in turns)
        question = Question("tuning", field.compiler, field.isa, elements, "paper", contenders, paired=False)
        with self.sampler.prepared(question) as prepared:
            how = self.sampler.repetition(question, prepared[:CALIBRATED], SAMPLE_NANOSECONDS)
            for kernels, contender in zip(turns, prepared, strict=True):
                yield kernels, self.sampler.sample(contender, question, how)

    def kernels(self, field: Field, name: str) -> list[Kernel]:
        """The variants of one pass that take part."""
        table = {kernel.variant: kernel for kernel in self.roster.kernels if kernel.name == name}
        return [table[variant] for variant in field.variants[name]]

    def seconds_of_a_sample(self, field: Field, elements: int) -> float:
        """What sampling the algorithm once takes, with all that belongs to it."""
        samples = self.samples(field, elements, self.seed)
        next(samples)  # with what makes ready
        began = time.monotonic()
        next(samples)
        return time.monotonic() - began
