"""The timer of all measurements: what a reading of it costs, what it resolves, whether it goes back; and the canaries,
two pieces of fixed work that it times."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.machine.system import read
from harness.native.extensions import Host
from harness.record.errors import HarnessError
from harness.record.run import Timer

SOURCE_FILE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")

# The two canaries take 4.4 and 2.4 µs at 3.7 GHz, three times each: the fastest counts, since the timer interrupt alone
# takes longer than that. Some 20 µs for each sample of 0.5 ms.
CLOCK_ADDS = 16384
THROUGHPUT_FMAS = 16384
CANARY_READINGS = 3
# What either takes at least on a fast processor, and how many steps of the clock that is to be: where the clock is
# coarser, the work is repeated.
CANARY_NANOSECONDS, CANARY_STEPS = 1500, 20
# No processor does so many additions or multiply-adds in a nanosecond: a canary that says so was timed wrongly.
IMPOSSIBLE_PER_NANOSECOND = 20
# Readings in a series. Series are taken until the clock has moved: 4 ms, the coarsest that there is, are eight series
# of 25 ns a reading. A step of ten times the median was interrupted.
READINGS, MOST_SERIES, LARGEST_STEP = 20_000, 200, 10
# What is timed between two readings takes so many times what one costs, and so many of its steps, where that can be
# chosen: either is then below 1 %.
LEAST_TIMES = 100
# A batch of calls between two readings takes at least this long, and longer where the clock asks for it.
SHORTEST_BATCH_NANOSECONDS = 12_000
# How often a measurement that the clock spoiled is tried again.
TRIES = 5


class Clock:
    """CLOCK_MONOTONIC_RAW as this process reads it, measured when it is made.

    `overhead` is the time between two readings that follow each other, in nanoseconds, by which everything that is
    timed between two readings seems longer; `resolution` the smallest step that was seen; `went_back` how many of the
    `readings` were earlier than the one before them.
    """

    def __init__(self, host: Host) -> None:
        """Raises HarnessError for a clock that stands still."""
        self.host = host
        readings = self._readings()
        self.readings, steps = len(readings), np.diff(readings)
        self.went_back = int((steps < 0).sum())
        self.resolution = int(steps[steps > 0].min())
        # Of a coarse clock most steps are zero, so it is the mean that tells, without interrupts and what went back.
        likely = max(LARGEST_STEP * float(np.median(steps)), 2 * self.resolution)
        self.overhead = float(steps[(steps >= 0) & (steps <= likely)].mean())
        self.repeats = max(1, math.ceil(CANARY_STEPS * self.resolution / CANARY_NANOSECONDS))

    def _readings(self) -> np.ndarray:
        series: list[np.ndarray] = []
        raw = self.host.ffi.new("uint64_t[]", READINGS)
        for _ in range(MOST_SERIES):
            self.host.lib.read_clock(raw, len(raw))
            series.append(np.frombuffer(self.host.ffi.buffer(raw), np.int64).copy())
            if series[-1].max() > series[0][0]:
                return np.concatenate(series)
        raise HarnessError(f"the clock stands still (source: {source()}): nothing can be timed; {ADVICE}")

    @property
    def is_good(self) -> bool:
        """Whether the shortest batch that is timed needs no lengthening for it, and no reading went back."""
        return not self.went_back and self.shortest <= SHORTEST_BATCH_NANOSECONDS

    @property
    def shortest(self) -> float:
        """The nanoseconds that something must take for overhead and resolution to be 1 % of it."""
        return LEAST_TIMES * max(self.overhead, self.resolution)

    def canaries(self) -> tuple[float, float]:
        """Nanoseconds of the clock and the throughput canary now. Raises HarnessError where the clock spoils both."""
        return self.additions(), self._canary(self.host.lib.canary_throughput, THROUGHPUT_FMAS)

    def additions(self) -> float:
        """The first of `canaries`, which asks for no ISA of ours. Raises HarnessError as it does."""
        return self._canary(self.host.lib.canary_clock, CLOCK_ADDS)

    def _canary(self, run: Callable[[int], int], work: int) -> float:
        for _ in range(TRIES):
            times = [(run(work * self.repeats) - self.overhead) / self.repeats for _ in range(CANARY_READINGS)]
            possible = [time for time in times if time * IMPOSSIBLE_PER_NANOSECOND > work]
            if possible:
                return min(possible)
        raise HarnessError(unusable())

    def describe(self) -> Timer:
        """What a run says of it."""
        return Timer(
            source="clock_gettime(CLOCK_MONOTONIC_RAW)",
            resolution_nanoseconds=self.resolution,
            overhead_nanoseconds=max(0.1, round(self.overhead, 2)),
            kernel_source=source(),
            overhead_subtracted=True,
        )


def source() -> str:
    """The kernel's clock source (tsc, hpet, ...), or "unknown"."""
    return read(SOURCE_FILE) or "unknown"


ADVICE = f"boot with clocksource=tsc, or as root: echo tsc > {SOURCE_FILE}"


def unusable() -> str:
    """What is said where nothing can be timed."""
    return f"the clock goes back, jumps or is too slow for what is timed (source: {source()}); {ADVICE}"
