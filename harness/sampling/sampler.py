"""Takes samples: one contender, so many calls, with a canary before and after and a look at what disturbed it."""

from __future__ import annotations

import math
import re
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness import peers
from harness.experiments.base import UNIFORM, Contender, Question
from harness.machine.system import read
from harness.native.clock import CLOCK_ADDS, SHORTEST_BATCH_NANOSECONDS, TRIES, Clock, unusable
from harness.native.extensions import Host
from harness.native.memory import LINE_BYTES, Arena
from harness.record.caches import FLOAT_BYTES, INPUT_IS_READ, OUTPUT_STAYS
from harness.record.errors import HarnessError
from harness.record.exactness import TOO_FAST
from harness.record.run import Record
from harness.sampling import speed_limits
from harness.sampling.schedule import balanced_orders

# The throughput canary in units of the clock canary, against the best of both seen. On an idle Zen 4 99 % of readings
# stay below 1.05; where a neighbour slowed the kernels to 1.5 times their best time they were at 1.1 to 1.9.
LARGEST_THROUGHPUT_RATIO = 1.12
# Before against after a sample: the clock of this core changed meanwhile.
LARGEST_CLOCK_RATIO = 1.05
# CPU time that a sample may miss of its wall time: 2 % and 20 µs for the readings themselves.
MISSING_CPU_SHARE, MISSING_CPU_NANOSECONDS = 0.02, 20_000
# It is calm where at most so much of a look at the core, of so many canaries (some 20 ms), is disturbed.
CALM_CANARIES, CALM_SHARE = 1000, 0.1
# Disturbed rounds are measured again until there are this many times those asked for.
ROUNDS_FACTOR = 2
# They are not where fewer samples than this are undisturbed: twice as many help where half of them are, and further
# processes help more. Beside a neighbour that never slept (91 % disturbed, Zen 3) 4 of 8 processes fitted into `quick`.
LEAST_CALM_SHARE = 0.25
# So many calls are enough for any clock to tell what one takes.
MOST_CALIBRATION_CALLS = 1 << 20
# Where a sample has less CPU time than wall time the clock is right. More, or another time than the system's own clock
# has (which may be slewed by 10 %), can't be.
CLOCK_ERROR, LARGEST_CLOCK_ERROR = "clock-error", 0.15


class Canary(NamedTuple):
    """Nanoseconds of the two canaries, one right after the other."""

    clock: int
    throughput: int

    @property
    def load(self) -> float:
        """The throughput canary in units of the clock canary: more where a neighbour uses the core."""
        return self.throughput / self.clock

    def has_another_clock(self, other: Canary) -> bool:
        """Whether the clock of the core was another when the `other` was taken."""
        return max(self.clock, other.clock) > LARGEST_CLOCK_RATIO * min(self.clock, other.clock)


@dataclass(frozen=True)
class Sample:
    """Nanoseconds of `calls` calls, less what reading the clock cost: one figure, or one a pass; the canaries around
    them; what disturbed them."""

    calls: int
    nanoseconds: tuple[int, ...]
    clock_nanoseconds: int
    throughput_nanoseconds: int
    flags: frozenset[str]


def undisturbed(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Those of the samples that nothing disturbed; all of them, if there is none."""
    return [sample for sample in samples if not sample.flags] or samples


@dataclass(frozen=True)
class Repetition:
    """How a question is sampled: `calls` a sample, `batch` of them between two readings of the clock."""

    calls: int
    batch: int


@dataclass(frozen=True)
class PreparedContender:
    """A contender as the timed loop takes it: struct algorithm *, struct operands *, and their length."""

    algorithm: Any
    operands: Any
    elements: int
    split: bool = False
    team: Any = None
    """Of several threads: what each works on (struct team *)."""
    peer: peers.Prepared | None = None
    """Of a contender that is another library, with threads of its own."""
    least: tuple[speed_limits.Least, ...] = ()
    """What a call takes at least, or each of its passes; empty where that is not known."""


def disturbances(cpus: Sequence[int]) -> dict[str, int]:
    """Counters of the system that tell whether something else took time from this thread or these processors, by the
    name of the flag that their growth raises; none of what the system does not tell."""
    counts = {"switched": resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw}
    names = tuple(f"cpu{cpu} " for cpu in cpus)
    lines = read(Path("/proc/stat")).splitlines()
    stolen = [line.split()[8:9] for line in lines if line.startswith(names)]
    if stolen and all(ticks and ticks[0].isdecimal() for ticks in stolen):
        counts["stolen"] = sum(int(ticks[0]) for ticks in stolen)
    if total := re.search(r"total=(\d+)", read(Path("/proc/pressure/memory"))):
        counts["memory-pressure"] = int(total[1])
    return counts


class Sampler:
    """Samples contenders on the first of the `cpus` with the operands of one arena; several threads are pinned to as
    many of them.

    `record`, of the run in progress, has the fastest canaries of earlier processes, since a process that is disturbed
    from its start to its end would take itself for calm; and it has what tells that a sample is too fast to be true.
    Without it neither is known.
    """

    def __init__(self, host: Host, arena: Arena, cpus: Sequence[int], record: Record | None = None) -> None:
        self.host, self.arena, self.cpus, self.record = host, arena, list(cpus), record
        self.disturbances = disturbances
        known = record and Canary(record.canary.clock_nanoseconds, record.canary.throughput_nanoseconds)
        self.best = known or Canary(1 << 62, 1 << 62)
        self.clock = Clock(host)
        self.short_elements = host.processor().cache_bytes(1) // (4 * FLOAT_BYTES)
        self.last = self.canary()

    def canary(self) -> Canary:
        """What the canaries take now. The best of either is kept."""
        seen = Canary(*map(round, self.clock.canaries()))
        self.best = Canary(*map(min, self.best, seen))
        return seen

    def is_busy(self, seen: Canary) -> bool:
        """Whether a neighbour uses this core."""
        return seen.load > LARGEST_THROUGHPUT_RATIO * self.best.load

    def is_calm(self) -> bool:
        """Whether nothing disturbs this core now: no time is stolen, and hardly a canary shows a busy neighbour or
        another clock."""
        stolen = self.disturbances(self.cpus[:1]).get("stolen")
        readings = [self.canary() for _ in range(CALM_CANARIES)]
        busy = sum(map(self.is_busy, readings))
        changed = sum(one.has_another_clock(other) for one, other in pairwise(readings))
        self.last = readings[-1]
        is_stolen = self.disturbances(self.cpus[:1]).get("stolen") != stolen
        return not is_stolen and max(busy, changed) <= CALM_SHARE * CALM_CANARIES

    @contextmanager
    def prepared(self, question: Question) -> Iterator[list[PreparedContender]]:
        """The contenders, ready to be sampled; what comes before the first pass of each has run.

        All write to one rotation of outputs, made for the one with the most elements, or an output that one of them has
        just written could be the next of another. Moved ones have operands of their own.
        """
        with self._input(question), (self._team if question.threads > 1 else self._alone)(question) as prepared:
            yield prepared

    def _input(self, question: Question) -> AbstractContextManager[None]:
        """What has the arena's input be what the question asks for."""
        if question.input == UNIFORM:
            return nullcontext()
        kernels = [kernel for contender in question.contenders for kernel in contender.kernels if kernel.computes]
        return self.arena.rising(_most(question), min(kernel.domain for kernel in kernels))

    @contextmanager
    def _alone(self, question: Question) -> Iterator[list[PreparedContender]]:
        """Contenders of a question of one thread."""
        most = _most(question)
        arena = self.arena.moved(most) if any(contender.moved for contender in question.contenders) else None
        try:
            operands = self.arena.operands(most)
            moved = arena.operands(most) if arena else None
            yield [self._prepare(c, question, moved if c.moved else operands) for c in question.contenders]
        finally:
            if arena:
                arena.unmap()

    @contextmanager
    def _team(self, question: Question) -> Iterator[list[PreparedContender]]:
        """Contenders of a question of several threads. Each but the first has an arena of its own, touched first by a
        thread on its processor; parts of one vector lie in this process's arena."""
        n, cpus = question.elements, self.cpus[: question.threads]
        arenas: list[Arena] = []
        try:
            if question.joint:
                operands = [self.arena.operands(n)] * len(cpus)
                parts = parts_of(n, len(cpus))
            else:
                arenas = [self.arena.on_processor(cpu, n) for cpu in cpus[1:]]
                operands = [arena.operands(n) for arena in (self.arena, *arenas)]
                parts = [(0, n)] * len(cpus)
            rows = [(its, *part, cpu, 0) for its, part, cpu in zip(operands, parts, cpus, strict=True)]
            shares = self.host.ffi.new("struct share[]", rows)
            team = self.host.ffi.new("struct team *", (shares, len(rows), question.joint))
            each = [count for _, count in parts]
            ready = [self._prepare(c, question, operands[0], each) for c in question.contenders]
            yield [contender if contender.peer else replace(contender, team=team) for contender in ready]
        finally:
            for arena in arenas:
                arena.unmap()

    def _prepare(
        self, contender: Contender, question: Question, operands: Any, parts: Sequence[int] = ()
    ) -> PreparedContender:
        """`parts`: the elements of each of several threads."""
        elements, least = contender.elements(question.elements), self._least(contender, question)
        if contender.peer:
            turns, cpus = question.cache_state not in OUTPUT_STAYS, self.cpus[: question.threads]
            vectors = peers.vectors_of(self.host, operands, elements, turns)
            peer = peers.prepare(self.host, contender.peer, vectors, cpus)
            return PreparedContender(peer.algorithm, operands, elements, peer=peer, least=least)
        before, carry = self.host.algorithm(contender.before), self.host.carry(*parts or [elements])
        self.host.lib.run_untimed(before, carry, operands.x, operands.outputs, elements)
        algorithm = self.host.algorithm(contender.kernels, contender.moved, carry)
        return PreparedContender(algorithm, operands, elements, contender.split, least=least)

    def _least(self, contender: Contender, question: Question) -> tuple[speed_limits.Least, ...]:
        if self.record is None:
            return ()
        point = (question.elements, question.threads)
        calls = (speed_limits.Call(question.isa, contender.algorithm, name, *point) for name, _ in contender.rows)
        return tuple(speed_limits.least(call, self.record) for call in calls)

    def repetition(
        self, question: Question, prepared: list[PreparedContender], sample_nanoseconds: float
    ) -> Repetition:
        """How often to call so that the slowest contender's sample takes sample_nanoseconds, or one call, and every
        sample as long as the clock needs (`Clock.shortest`); so does every batch, where calls may be batched."""
        times = [self._call_nanoseconds(contender, question) for contender in prepared]
        calls = max(1, round(sample_nanoseconds / max(times)), math.ceil(self.clock.shortest / min(times)))
        batch = 1
        if self._may_batch(question, prepared):
            batch = calls
            if question.cache_state in INPUT_IS_READ:
                batch = max(1, round(max(SHORTEST_BATCH_NANOSECONDS, self.clock.shortest) / min(times)))
        return Repetition(calls, min(batch, calls))

    def _may_batch(self, question: Question, prepared: Sequence[PreparedContender]) -> bool:
        """Whether several calls may follow each other without the cache state being restored, or the clock read."""
        # Input and output fill half of L1, so the input is still there when the next call of the batch begins.
        short = question.cache_state in INPUT_IS_READ and question.elements <= self.short_elements
        return (question.cache_state == "warm" or short) and not any(contender.split for contender in prepared)

    def _call_nanoseconds(self, contender: PreparedContender, question: Question) -> float:
        """What one call takes, or of one that is split its shortest pass: of as many calls as the clock can tell.

        Raises HarnessError where the clock spoils every try.
        """
        calls, tries = 1, TRIES
        while True:
            how = Repetition(calls, calls if self._may_batch(question, [contender]) else 1)
            # Twice, since the first call finds cold code and an unusual cache state.
            least = min(min(self._time(contender, question, how)) for _ in range(2))
            if least >= self.clock.shortest / 10 or calls >= MOST_CALIBRATION_CALLS:
                return max(1, least) / calls
            if least >= -calls * self.clock.overhead - 1:  # rounded; less is what went back
                calls *= 2
            elif tries:
                tries -= 1
            else:
                raise HarnessError(unusable())

    def _time(self, contender: PreparedContender, question: Question, how: Repetition) -> tuple[int, ...]:
        """Nanoseconds of the calls, or of each of their passes, less what reading the clock cost; not above 0 where the
        clock went back."""
        algorithm, team = contender.algorithm, contender.team
        nanoseconds = self.host.ffi.new("int64_t[]", algorithm.pass_count)
        repetition = self.host.repetition(question.cache_state, how.calls, how.batch, contender.split)
        if team is not None:
            if self.host.lib.time_threads(algorithm, team, repetition, nanoseconds):
                raise HarnessError(f"{team.count} threads could not be started, each on a processor of its own")
            return (round(nanoseconds[0] - how.calls * self.clock.overhead),)
        self.host.lib.time_calls(algorithm, contender.operands, contender.elements, repetition, nanoseconds)
        if contender.peer:
            contender.peer.check()
        spent = math.ceil(how.calls / how.batch) * self.clock.overhead
        return tuple(round(time - spent) for time in (nanoseconds if contender.split else nanoseconds[0:1]))

    def sample(self, contender: PreparedContender, question: Question, how: Repetition) -> Sample:
        """Times one sample. One that the clock spoiled is timed again, and flagged.

        Raises HarnessError where the clock spoils every try.
        """
        for spoiled in range(TRIES):
            taken = self._take(contender, question, how)
            if taken:
                return replace(taken, flags=taken.flags | {CLOCK_ERROR}) if spoiled else taken
        raise HarnessError(unusable())

    def _take(self, contender: PreparedContender, question: Question, how: Repetition) -> Sample | None:
        """A sample, None where the clock spoiled it; the canary after the previous sample is the one before this."""
        cpus, before = self.cpus[: question.threads], self.last
        counters = self.disturbances(cpus)
        cpu, system, wall = time.thread_time_ns(), time.monotonic_ns(), self.host.nanoseconds()
        nanoseconds = self._time(contender, question, how)
        wall, system = self.host.nanoseconds() - wall, time.monotonic_ns() - system
        missing = wall - (time.thread_time_ns() - cpu)
        self.last = after = self.canary()
        unclear = MISSING_CPU_NANOSECONDS + 2 * self.clock.resolution
        jumped = abs(wall - system) > LARGEST_CLOCK_ERROR * system + unclear
        if jumped or not 0 < min(nanoseconds) <= sum(nanoseconds) <= wall:
            return None
        flags = {name for name, count in self.disturbances(cpus).items() if count > counters.get(name, count)}
        if contender.team is not None:
            # That one was switched away for microseconds says little of several threads, of which one shares its
            # processor with the system.
            flags.discard("switched")
        clock, throughput = ((one + other) / 2 for one, other in zip(before, after, strict=True))
        seen = {
            CLOCK_ERROR: -missing > MISSING_CPU_SHARE * wall + unclear,
            "cpu-time": _missing(contender, question, missing) > MISSING_CPU_SHARE * sum(nanoseconds) + unclear,
            "throughput": self.is_busy(before) or self.is_busy(after),
            "clock": before.has_another_clock(after),
            TOO_FAST: self.is_too_fast(contender, how.calls, nanoseconds, clock),
        }
        flags |= {flag for flag, is_seen in seen.items() if is_seen}
        return Sample(how.calls, nanoseconds, round(clock), round(throughput), frozenset(flags))

    def is_too_fast(
        self, contender: PreparedContender, calls: int, nanoseconds: Sequence[int], clock_nanoseconds: float
    ) -> bool:
        """Whether a sample is faster than memory or this core can be."""
        if self.record is None:
            return False
        # An interrupted canary shows too slow a clock.
        gigahertz = CLOCK_ADDS / min(clock_nanoseconds, self.best.clock)
        peak = speed_limits.peak_gb_per_second(self.record.machine.name)
        timed = zip(contender.least, nanoseconds, strict=True)
        return any(speed_limits.is_too_fast(its, calls, max(1, taken), gigahertz, peak) for its, taken in timed)


def _missing(contender: PreparedContender, question: Question, missing: int) -> int:
    """The nanoseconds in which a thread of the contender did not run; of this one they are `missing`."""
    if contender.team is not None:
        # By the threads' own clocks: this one also waits for the others to end.
        return max(share.missing_nanoseconds for share in contender.team.shares[0 : contender.team.count])
    # A library's first thread may sleep while it waits for the others; their clocks can't be read.
    return 0 if question.threads > 1 else missing


def _most(question: Question) -> int:
    """The elements of the longest contender."""
    return max(contender.elements(question.elements) for contender in question.contenders)


def parts_of(elements: int, count: int) -> list[tuple[int, int]]:
    """Start and length of the parts of one vector for so many threads: whole cache lines, but for the last."""
    line = LINE_BYTES // FLOAT_BYTES
    bounds = [min(elements, round(elements * i / count / line) * line) for i in range(count)] + [elements]
    return [(start, end - start) for start, end in pairwise(bounds)]


@dataclass(frozen=True)
class Sampling:
    """How a question is sampled: rounds at least, nanoseconds of a sample, the seed of the orders, and how precise
    ratios are to be: the relative half-width of their interval over processes. Of a question that is asked again, the
    calls are those of the first time."""

    rounds: int
    nanoseconds: float
    seed: int
    half_width: float = math.inf
    calls: int | None = None


def rounds(sampler: Sampler, question: Question, how: Sampling) -> Iterator[list[tuple[int, Sample]]]:
    """Endless rounds of a question: in each, every contender (by its index) is sampled once, in balanced order."""
    with sampler.prepared(question) as prepared:
        repetition = sampler.repetition(question, prepared, how.nanoseconds)
        if how.calls:
            repetition = Repetition(how.calls, min(repetition.batch, how.calls))
        for order in balanced_orders(len(prepared), how.seed):
            yield [(index, sampler.sample(prepared[index], question, repetition)) for index in order]


def enough_rounds(sampler: Sampler, question: Question, how: Sampling) -> Iterator[list[tuple[int, Sample]]]:
    """Rounds of a question in pairs of opposite order, until as many as wanted are undisturbed and precise enough, or
    there are twice as many; no more than were asked for where hardly a sample is undisturbed.

    Undisturbed is a round without a flag where ratios are formed within rounds; elsewhere every contender's samples are
    counted on their own. Precise enough are ratios whose standard error within this process is half of the half-width
    that the interval over processes is to have.
    """
    undisturbed_samples = [0] * len(question.contenders)
    logs: list[list[float]] = []
    for count, taken in enumerate(rounds(sampler, question, how), start=1):
        yield taken
        for index, sample in taken:
            undisturbed_samples[index] += not sample.flags
        if not any(sample.flags for _, sample in taken):
            logs.append([math.log(sum(sample.nanoseconds)) for _, sample in sorted(taken, key=itemgetter(0))])
        if count % 2:
            continue
        good = len(logs) if question.paired else min(undisturbed_samples)
        if good >= how.rounds and (not question.paired or standard_error(logs) <= how.half_width / 2):
            return
        if count >= most_rounds(how.rounds, sum(undisturbed_samples), count * len(undisturbed_samples)):
            return


def most_rounds(rounds: int, calm: int, samples: int) -> int:
    """How many rounds are taken at most where so many are wanted, when so many of the `samples` so far were calm."""
    return rounds * (ROUNDS_FACTOR if calm >= LEAST_CALM_SHARE * samples else 1)


def by_contender(sampler: Sampler, question: Question, how: Sampling) -> list[list[Sample]]:
    """The samples of each contender over enough rounds."""
    samples: list[list[Sample]] = [[] for _ in question.contenders]
    for taken in enough_rounds(sampler, question, how):
        for index, sample in taken:
            samples[index].append(sample)
    return samples


def median_nanoseconds(samples: Sequence[Sample]) -> float:
    """Median nanoseconds per call of one figure each, of undisturbed samples if there are any."""
    return statistics.median(sample.nanoseconds[0] / sample.calls for sample in undisturbed(samples))


def standard_error(logs: Sequence[Sequence[float]]) -> float:
    """The largest standard error of any contender's median log time relative to its round; `logs` has shape (rounds,
    contenders). For normal noise a median has 1.2533 times the standard error of a mean."""
    relative = np.asarray(logs) - np.mean(logs, axis=1, keepdims=True)
    return 1.2533 * float(relative.std(axis=0, ddof=1).max()) / math.sqrt(len(logs))
