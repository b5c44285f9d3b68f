"""A sampler that measures nothing: what it tells is made up, or that of a machine whose variants, ratios and noise are
planted, so that what the real tuner, scheduler, stopping rule and pooling find can be compared with the truth."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.experiments.base import Contender, Question, Roster
from harness.native.extensions import Kernel
from harness.record import journal, store
from harness.record.caches import HasCaches
from harness.record.run import Cache, Protocol, Record, typed
from harness.record.samples import Run
from harness.run import budget, groups, measure, plan
from harness.run.begun import Begun
from harness.sampling import tuning
from harness.sampling.sampler import Repetition, Sample, Sampling
from tests.synthetic import ALGORITHMS, CACHES, pass_time, record_of_rows

COMPILER, ISA = "gcc", "avx2"
Times = Callable[[Kernel, int], tuple[float, str]]
"""The nanoseconds of one call of a kernel on so many elements, and what disturbs the sample (or nothing)."""


class SimulatedSampler:
    """Samples of one call each; `asked` keeps which contenders at which length."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.asked: list[tuple[int, tuple[str, ...]]] = []

    @contextmanager
    def prepared(self, question: Question) -> Iterator[Sequence[Contender]]:
        """The contenders as they are."""
        yield question.contenders

    def repetition(self, *_: object) -> Repetition:
        """One call."""
        return Repetition(1, 1)

    def sample(self, contender: Contender, question: Question, how: Repetition) -> Sample:
        """One sample, disturbed where any of its passes is."""
        self.asked.append((question.elements, tuple(kernel.variant for kernel in contender.kernels)))
        taken = [self.times(kernel, question.elements) for kernel in contender.kernels]
        flags = frozenset(flag for _, flag in taken if flag)
        passes = tuple(nanoseconds for nanoseconds, _ in taken)
        return Sample(how.calls, passes if contender.split else (sum(passes),), 5000, 2700, flags)


def kernel(name: str, variant: str) -> Kernel:
    """A row of a table of kernels that is called so; it cannot be run."""
    unroll, accumulators = variant.removeprefix("u").split("k")
    row = {"lanes": 8, "reads_x": 1, "reads_y": 0, "writes_y": 0, "computes": True, "non_temporal": False}
    rest = {"domain": 1e4, "twin_of": "", "form_of": "", "origin": "paper", "address": 0, "moved_address": 0}
    return Kernel(COMPILER, ISA, name, int(unroll), int(accumulators), **row, **rest)


def simulate(
    folder: Path,
    sampler_of: Callable[[int], object],
    elements: Sequence[int],
    contenders: tuple[Contender, ...],
    how: Sampling,
    clock: tuple[float, float] = (math.inf, 0.0),
) -> Run:
    """A run of one question a length on a simulated machine, by the code that measures real ones: eight to twelve
    processes, each with the sampler that `sampler_of` makes for it.

    By the `clock` it may take so many seconds, of which every question takes so many.
    """
    seconds, each = clock
    now = [0.0]
    protocol = {
        "processes": {"least": 8, "most": 12}, "half_width_percent": 100 * how.half_width, "minutes": 1e6,
        "waiting_percent": 0, "rounds": {"algorithms": how.rounds}, "sample_milliseconds": 1,
    }  # fmt: skip
    asked = {"algorithms": {"contenders": "algorithms"}, "controls": {"contenders": "controls"}}
    config = {"protocol": "quick", "protocols": {"quick": protocol}, "experiments": asked}
    planned = plan.Plan(
        Roster(config, ()), None, [plan.Item(COMPILER, ISA, tuple(elements), "paper", experiment="algorithms")]
    )
    said = {
        "protocol": typed(Protocol, {"name": "quick", **protocol, "experiments": asked}),
        "experiments": planned.described(),
        "skipped": (),
    }
    run = Begun(folder, Record(**dict.fromkeys(its.name for its in fields(Record)) | said), planned, None)

    def run_worker(run, process, deadline, late, asked):
        wanted, sampler, text = asked.costs, sampler_of(process), []
        lengths = {planned.items[0].key(n, 1): n for n in planned.items[0].elements}
        for key in budget.in_time(wanted, [key for key in lengths if key in wanted], deadline):
            question = Question("algorithms", COMPILER, ISA, lengths[key], "paper", contenders)
            ours = Sampling(how.rounds, how.nanoseconds, how.seed + lengths[key], how.half_width)
            rows = groups.measure_question(sampler, question, process, ours)
            text.append(f"{journal.csv_lines(rows)}{journal.END_OF_POINT}{key}\n")
            now[0] += each
            assert now[0] <= late
        group = journal.sealed("".join([*text, f'{journal.END_OF_GROUP}{{"waited": 0}}'])) if text else ""
        (run.folder / f"process-{process}.journal").write_text(group)
        return iter([{"done": key} for key in wanted])

    silent = dict.fromkeys(("update", "write", "set_postfix_str", "set_description_str"), lambda *_, **__: None)
    with pytest.MonkeyPatch.context() as patched:
        for module in (budget, measure):
            patched.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
        patched.setattr(measure, "run_worker", run_worker)
        patched.setattr(plan.Plan, "question_seconds", lambda *_: 1.0)
        patched.setattr(measure, "bar", lambda *_, **__: nullcontext(SimpleNamespace(total=0, **silent)))
        patched.setattr(store, "write_record", lambda *_: None)
        measure.measure_processes(run, budget.Budget(0.0, seconds))
    return measure.so_far(run, [store.Journal(path) for path in sorted(folder.glob("*.journal"))])


# A machine whose variants are known.


class SimulatedProcessor(HasCaches):
    """What it runs on."""

    caches = tuple(Cache(level, size, 2, level == 2) for level, size in CACHES.items())


TUNED_AT = tuple(tuning.lengths(SimulatedProcessor()))
"""The lengths at which its variants are compared: one in each level."""
LEVELS = (*CACHES, 4)
"""Levels of its caches, and memory."""
SLOWER: dict[str, tuple[float, ...]] = {
    "u16k1": (40, 40, 40, 40),
    "u24k1": (20, 20, 20, 20),
    "u12k1": (-1, 3, 6, 6),
    "u1k1": (5, 5, 5, 5),
    "u4k1": (1, 1, 1, 1),
    "u2k1": (0, 0, 0, 0),
    "u8k1": (0, 0, 0, 0),
    "u11k1": (0, 12, 12, 2),
}
"""By variant, in the order of the table of kernels: by how many percent it is slower than the best, in each of LEVELS.
Two are equal, one is as good in L1 alone, and one is better there."""
BETWEEN, COMMON = (0.003, 0.006, 0.04, 0.025), 0.5
"""The standard deviation of what a run does to each algorithm, by level; so much of its square is common to all lengths
of the level."""


@dataclass(frozen=True)
class Noise:
    """What disturbs the simulated machine: means of what is added, as shares of a sample's time.

    `samples`: to each. `placement`: by each process, to a kernel at a length, by level. Bursts, in which a neighbour
    slows everything, come after a mean of `quiet` seconds, last `loud` seconds, and add `burst`; of them so many are
    `seen` by the canary.
    """

    samples: float = 0.005
    placement: tuple[float, ...] = (0.004, 0.006, 0.02, 0.015)
    quiet: float = 20.0
    loud: float = 2.0
    burst: float = 0.25
    seen: float = 0.8


LOUD = Noise(quiet=4.0, loud=4.0, burst=0.5, seen=0.6)
"""Of a run half of whose time a neighbour takes."""


def level_of(elements: int) -> int:
    """The smallest cache in which input and output fit."""
    return next((level for level, size in CACHES.items() if 8 * elements <= size), LEVELS[-1])


@cache
def kernels() -> tuple[Kernel, ...]:
    """The table of its kernels: every pass of every algorithm in every variant."""
    names = dict.fromkeys(name for passes in ALGORITHMS.values() for name in passes)
    return tuple(kernel(name, variant) for name in names for variant in SLOWER)


@cache
def nanoseconds(kernel: Kernel, elements: int) -> float:
    """What a call of a kernel takes, without noise."""
    slower = SLOWER[kernel.variant][LEVELS.index(level_of(elements))]
    return elements * pass_time(kernel.name, kernel.isa, elements) * (1 + slower / 100)


class SimulatedRun:
    """One run of that machine, before anything is done to its algorithms: its seed tells all its noise."""

    SECONDS = 0.005
    """Of a pass in a sample."""

    def __init__(self, seed: int, noise: Noise) -> None:
        self.seed, self.noise = seed, noise
        self.random = np.random.default_rng([20_200_113, seed])
        self.exponentials = self._exponentials()
        self.now = self.burst_begins = self.burst_ends = self.slower = 0.0
        self.flag = ""

    def _exponentials(self) -> Iterator[float]:
        while True:
            yield from self.random.exponential(size=4096).tolist()

    def sampler(self, _: int) -> SimulatedSampler:
        """What takes samples in one process: where its pages lie is its own."""
        placed: dict[tuple[Kernel, int], float] = {}

        def times(kernel: Kernel, elements: int) -> tuple[float, str]:
            key = (kernel, elements)
            if key not in placed:
                worse = self.noise.placement[LEVELS.index(level_of(elements))] * next(self.exponentials)
                placed[key] = nanoseconds(kernel, elements) * (1 + worse)
            self.pass_on()
            is_loud = self.now >= self.burst_begins
            added = self.noise.samples * next(self.exponentials) + self.slower * is_loud
            return placed[key] * (1 + added), self.flag if is_loud else ""

        return SimulatedSampler(times)

    def pass_on(self) -> None:
        """Goes on in time by one pass; where a burst is over, the next is drawn."""
        self.now += self.SECONDS
        while self.now > self.burst_ends:
            self.burst_begins = self.burst_ends + self.noise.quiet * next(self.exponentials)
            self.burst_ends = self.burst_begins + self.noise.loud * next(self.exponentials)
            self.slower = self.noise.burst * next(self.exponentials)
            self.flag = "throughput" if self.random.random() < self.noise.seen else ""


def contenders(variants: Mapping[str, str]) -> tuple[Contender, ...]:
    """Every algorithm, with these variants by pass."""
    return tuple(
        Contender(algorithm, "", tuple(kernel(name, variants[name]) for name in names))
        for algorithm, names in ALGORITHMS.items()
    )


def log_times(variants: Mapping[str, str], elements: Sequence[int]) -> np.ndarray:
    """log(nanoseconds) of each algorithm (row) in these variants at each length (column), without noise."""
    return np.log([[sum(nanoseconds(k, n) for k in its.kernels) for n in elements] for its in contenders(variants)])


def as_another(run: Run, seed: int) -> Run:
    """The run with what one of this seed does to the algorithms at each level: such an effect is a factor, so that it
    changes nothing of the way to the samples."""
    random, elements = np.random.default_rng([20_200_113, seed]), sorted(run.samples["elements"].unique())
    levels = np.array([LEVELS.index(level_of(n)) for n in elements])
    common = random.standard_normal((len(ALGORITHMS), len(LEVELS)))[:, levels]
    own = random.standard_normal((len(ALGORITHMS), len(elements)))
    factors = np.exp(np.array(BETWEEN)[levels] * (COMMON**0.5 * common + (1 - COMMON) ** 0.5 * own))
    places = run.samples["algorithm"].map(list(ALGORITHMS).index), run.samples["elements"].map(elements.index)
    samples = run.samples.assign(nanoseconds=run.samples["nanoseconds"] * factors[*places])
    return Run.of(record_of_rows(samples, "simulated", "quick", (ISA,), f"run {seed}"), run.folder, samples)
