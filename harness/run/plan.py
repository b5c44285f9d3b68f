"""What a run will measure, and how long that will take."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields, replace
from functools import cached_property
from typing import Any

from harness.experiments import experiments
from harness.experiments.base import MEMORY_NANOSECONDS, Contender, Experiment, Roster, pass_nanoseconds
from harness.machine import topology
from harness.machine.processor import Processor
from harness.native.memory import Layout
from harness.record import run
from harness.record.caches import FLOAT_BYTES, INPUT_IS_READ, OUTPUT_STAYS
from harness.record.configuration import Config, lengths
from harness.record.consistency import FLOATS
from harness.record.errors import HarnessError
from harness.record.isa import ISAS
from harness.run.accuracy import DISTRIBUTIONS, softmaxes
from harness.run.budget import ACCURACY_ENDS, TUNING_ENDS
from harness.run.groups import GROUP_SECONDS
from harness.sampling import tuning
from harness.sampling.conditions import calls_of

# Of a sample: canaries and counters. Of a process: interpreter, extensions, arena.
SAMPLE_OVERHEAD_SECONDS, PROCESS_OVERHEAD_SECONDS = 150e-6, 1.0
# By how much threads that share memory slow each other at most, and how fast arenas are made.
CONTENTION, ARENA_BYTES_PER_SECOND = 3.0, 3e9
# Accuracy, for an element: of a reference, and of comparing a result with it.
REFERENCE_NANOSECONDS, COMPARISON_NANOSECONDS = 150.0, 8.0
MOST_OF_MEMORY = 0.8
# Of looking at all variants of a compiler and ISA beforehand.
VERIFICATION_SECONDS = 1.5


Point = tuple[int, int]
"""Elements and threads."""


@dataclass(frozen=True)
class Item(run.Item):
    """What an experiment is to measure with one compiler and ISA."""

    _: KW_ONLY
    experiment: str
    """Its name."""

    def key(self, elements: int, threads: int) -> str:
        """The key of a question."""
        return run.question_key(self.experiment, self.compiler, self.isa, elements, threads)

    def told(self, elements: int, threads: int = 1) -> str:
        """A question in words."""
        return f"{self.experiment} {self.compiler} {self.isa} at {elements} elements{run.with_threads(threads)}"


@dataclass(frozen=True)
class Found:
    """What there is to measure with: compilers (the first is the primary one), ISAs, memory, and how many threads."""

    compilers: Sequence[str]
    isas: Sequence[str]
    memory_bytes: int
    threads: int = 1


@dataclass(frozen=True)
class Plan:
    """What is measured by this configuration on this processor, and what is skipped with the reason. The kernels of the
    roster are those of any compiler and ISA: what is asked of them is the same in all."""

    roster: Roster
    processor: Processor
    items: Sequence[Item] = ()
    skipped: Sequence[run.Skipped] = ()
    slowness: float = 1.0
    """How many times as long as guessed this machine takes at present."""

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.roster.config

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What the configured protocol says."""
        return self.config["protocols"][self.config["protocol"]]

    @cached_property
    def known(self) -> dict[str, Experiment]:
        """The configured experiments, by name."""
        return experiments(self.config["experiments"])

    @cached_property
    def contenders(self) -> dict[str, tuple[Contender, ...]]:
        """Who takes part in each experiment, by its name."""
        return {name: experiment.kind.contenders(self.roster) for name, experiment in self.known.items()}

    @property
    def asked(self) -> list[Item]:
        """The items whose questions are measured."""
        return [item for item in self.items if not self.known[item.experiment].kind.around_groups]

    @property
    def looks(self) -> list[Item]:
        """The items that are asked around each group of the others."""
        return [item for item in self.items if self.known[item.experiment].kind.around_groups]

    def questions(self) -> Iterator[tuple[Item, int, int]]:
        """Every question: item, elements, threads."""
        return ((item, n, threads) for item in self.asked for n, threads in item.points())

    def described(self) -> dict[str, tuple[run.Item, ...]]:
        """What a run says of its experiments."""
        found: dict[str, tuple[run.Item, ...]] = {}
        for item in self.items:
            told = {its.name: getattr(item, its.name) for its in fields(run.Item)}
            found[item.experiment] = (*found.get(item.experiment, ()), run.Item(**told))
        return found

    def skip(self, what: str, reason: str) -> Plan:
        """The plan that says so too."""
        return replace(self, skipped=[*self.skipped, run.Skipped(what, reason)])

    def changed(self, item: Item, **changes: Any) -> Plan:
        """The plan with other lengths or threads of an item."""
        return replace(self, items=[replace(it, **changes) if it is item else it for it in self.items])

    def remaining(self, left: Collection[str]) -> Plan:
        """What of the plan has these questions, by their keys."""
        items = []
        for item in self.items:
            lengths_of: dict[tuple[int, ...], list[int]] = {}
            for n in item.elements:
                if teams := tuple(t for t in item.threads if item.key(n, t) in left):
                    lengths_of.setdefault(teams, []).append(n)
            items += [replace(item, elements=tuple(ns), threads=teams) for teams, ns in lengths_of.items()]
        return replace(self, items=items)

    # Memory.

    def most_elements(self, experiment: str, elements: int) -> int:
        """The elements that the longest contender of a question processes: controls may have more than it asks for."""
        return max(contender.elements(elements) for contender in self.contenders[experiment])

    def longest_of_pairs(self) -> dict[tuple[str, str], int]:
        """The longest input, in elements, that each (compiler, ISA) is timed with."""
        found: dict[tuple[str, str], int] = {}
        for item in self.asked:
            most = self.most_elements(item.experiment, max(item.elements))
            found[item.compiler, item.isa] = max(most, found.get((item.compiler, item.isa), 0))
        return found

    def longest(self) -> int:
        """The longest input that a run of this plan needs, in elements; tuning goes no further."""
        looks = [max(item.elements) for item in self.looks]
        return max([*self.longest_of_pairs().values(), *looks])

    def layout(self) -> Layout:
        """How the arena of a run of this plan is used."""
        together = [max(item.threads) for item in self.items if self.known[item.experiment].joint]
        return layout(self.config, self.processor, self.longest(), max(together, default=1))

    def arena_bytes(self, experiment: str, elements: int, threads: int = 1) -> int:
        """Memory that one question needs: moved contenders have a second arena, and so has each thread with a vector of
        its own."""
        joint = self.known[experiment].joint
        most = self.most_elements(experiment, elements)
        one = layout(self.config, self.processor, most, threads if joint else 1).arena_bytes
        moved = any(contender.moved for contender in self.contenders[experiment])
        return one * (1 + moved) * (1 if joint else threads)

    def largest_need(self) -> tuple[int, int]:
        """The memory, in bytes, that the question with the largest need takes, and its elements."""
        points = ((item, n, t) for item in self.items for n, t in item.points())
        return max((self.arena_bytes(item.experiment, n, t), n) for item, n, t in points)

    # Time.

    def tuning_lengths(self, compiler: str, isa: str) -> list[int]:
        """The lengths at which this compiler and ISA is tuned: in each cache and out of it, as far as it is timed."""
        longest = max(max(item.elements) for item in self.asked if (item.compiler, item.isa) == (compiler, isa))
        return sorted({min(n, longest) for n in tuning.lengths(self.processor)})

    def question_seconds(self, item: Item, elements: int, threads: int = 1) -> float:
        """A guess at the seconds that one process spends on one length of an item with so many threads."""
        llc_bytes = self.processor.last_cache_bytes
        call = [c.nanoseconds(item.isa, elements, llc_bytes) for c in self.contenders[item.experiment]]
        calls = max(1, round(self.protocol["sample_milliseconds"] * 1e6 / max(call)))
        reading = MEMORY_NANOSECONDS / 2 * elements if item.cache_state in INPUT_IS_READ else 0
        warm_up = 1 if item.cache_state in OUTPUT_STAYS else 0
        rounds = self.protocol["rounds"][item.experiment]
        samples = sum((calls + warm_up) * one + calls * reading for one in call) * rounds
        calibration = 2 * sum((1 + warm_up) * one + reading for one in call)
        seconds = (samples + calibration) / 1e9 + SAMPLE_OVERHEAD_SECONDS * len(call) * rounds
        if threads == 1 or self.known[item.experiment].joint:
            return seconds
        # Each further thread has an arena made for it, and they share what memory gives.
        arena = self.config["rotation"] * llc_bytes + 3 * FLOAT_BYTES * elements
        return seconds * min(threads, CONTENTION) + (threads - 1) * arena / ARENA_BYTES_PER_SECOND

    def costs(self) -> dict[str, float]:
        """A guess at the seconds that each question takes, by its key."""
        return {item.key(n, t): self.question_seconds(item, n, t) for item, n, t in self.questions()}

    def look_seconds(self) -> float:
        """A guess at the seconds that one look at the conditions takes: the calls of each loop, and one to warm up."""
        calls = sum(
            (1 + calls_of(n)) * contender.nanoseconds(item.isa, n, self.processor.last_cache_bytes)
            for item in self.looks
            for n in item.elements
            for contender in self.contenders[item.experiment]
        )
        return calls / 1e9

    def process_seconds(self, keys: Collection[str] | None = None) -> float:
        """A guess at the seconds that one process takes for the questions of these keys, or for all."""
        seconds = sum(cost for key, cost in self.costs().items() if keys is None or key in keys)
        return PROCESS_OVERHEAD_SECONDS + self.look_seconds() + self._with_looks(seconds)

    def _with_looks(self, seconds: float) -> float:
        """So many seconds of questions, with the looks after each group of them."""
        return seconds * (1 + self.look_seconds() / GROUP_SECONDS)

    def budget_seconds(self) -> float:
        """How long a run may take: the protocol's minutes, and beyond them what its fewest processes need for peers."""
        questions = (q for q in self.questions() if self.known[q[0].experiment].kind.has_peers)
        peers = sum(self.question_seconds(*question) for question in questions)
        return self.protocol["minutes"] * 60 + self.protocol["processes"]["least"] * self._with_looks(peers)

    def tuning_seconds(self) -> float:
        """A guess at the seconds that looking at all variants and tuning take: of those within the algorithms first all
        and then, in several processes, the finalists."""
        pairs = list(dict.fromkeys((item.compiler, item.isa) for item in self.items))
        tuner, seconds = self.protocol["tuner"], 0.0
        names: dict[str, list[str]] = {}
        for kernel in self.roster.kernels:
            names.setdefault(kernel.name, []).append(kernel.variant)
        for pair in pairs:
            for field in tuning.fields_of(self.roster, pair, names):
                finalists = min(field.size, tuner["finalists"] + 1)
                samples = tuner["rounds"] * (field.size + tuner["processes"] * finalists)
                seconds += samples * sum(self.sample_seconds(field, n) for n in self.tuning_lengths(*pair))
        return (1 + tuner["processes"]) * PROCESS_OVERHEAD_SECONDS + len(pairs) * VERIFICATION_SECONDS + seconds

    def sample_seconds(self, field: tuning.Field, elements: int) -> float:
        """A guess at the seconds that tuning spends on one sample of an algorithm, split by pass."""
        llc_bytes, kernels = self.processor.last_cache_bytes, self.roster.of(field.algorithm)
        each = [pass_nanoseconds(field.isa, elements, llc_bytes, kernel.takes_exp) for kernel in kernels]
        calls = max(1, round(tuning.SAMPLE_NANOSECONDS / min(each)))
        return calls * (sum(each) + MEMORY_NANOSECONDS / 2 * elements) / 1e9 + SAMPLE_OVERHEAD_SECONDS

    def accuracy_seconds(self) -> float:
        """A guess at the seconds that looking at accuracy takes."""
        asked = self.protocol.get("accuracy")
        if not asked:
            return 0.0
        isas = len({item.isa for item in self.items})
        one = REFERENCE_NANOSECONDS + softmaxes(self.roster) * isas * COMPARISON_NANOSECONDS
        each = len(DISTRIBUTIONS) * one * sum(asked["elements"])
        return (each + isas * FLOATS / asked["exp_stride"] * COMPARISON_NANOSECONDS) / 1e9

    def run_seconds(self, processes: int) -> float:
        """A guess at the seconds that a run of so many processes takes, tuning and accuracy included, which leave out
        what does not fit into their share of the minutes."""
        most = self.budget_seconds()
        return (
            min(self.slowness * self.tuning_seconds(), TUNING_ENDS * most)
            + min(self.slowness * self.accuracy_seconds(), (ACCURACY_ENDS - TUNING_ENDS) * most)
            + processes * self.slowness * self.process_seconds()
        )

    def trimmed(self) -> Plan:
        """The plan less thread counts, then lengths, until the protocol's fewest processes fit into its minutes.

        Of thread counts the smallest and the largest stay. Of lengths, dropped is the longest of whichever item costs
        the most, again and again, where no claim is decided (scalar, or a compiler after the first) before others;
        lengths up to the first that is out of cache stay. What is dropped is recorded with the reason.
        """
        plan, processes, primary = self, self.protocol["processes"]["least"], self.items[0].compiler
        reason = f"{processes} processes would take more than {self.protocol['minutes']} minutes"

        def importance(item: Item) -> tuple[bool, float]:
            secondary = item.isa == "scalar" or item.compiler != primary
            return secondary, plan.question_seconds(item, item.elements[-1])

        while plan.run_seconds(processes) > plan.budget_seconds():
            if teams := [item for item in plan.items if len(item.threads) > 2]:
                item = max(teams, key=lambda item: len(item.threads))
                what = f"{item.experiment} {item.compiler} {item.isa} with {item.threads[-2]} threads"
                plan = plan.changed(item, threads=(*item.threads[:-2], item.threads[-1])).skip(what, reason)
                continue
            # Peers have time of their own: without them the others would have no more.
            ours = [item for item in plan.items if not self.known[item.experiment].kind.has_peers]
            llc_bytes = self.processor.last_cache_bytes
            candidates = [item for item in ours if sum(FLOAT_BYTES * n > llc_bytes for n in item.elements) > 1]
            if not candidates:
                break
            item = max(candidates, key=importance)
            plan = plan.changed(item, elements=item.elements[:-1]).skip(item.told(item.elements[-1]), reason)
        return plan


def items_of(described: Mapping[str, Sequence[run.Item]]) -> list[Item]:
    """The items that a run's experiments describe."""
    return [Item(**vars(item), experiment=name) for name, items in described.items() for item in items]


def layout(config: Config, processor: Processor, longest: int, threads: int = 1) -> Layout:
    """How an arena is used whose outputs so many threads write together: each core's L2 and every L3 is to be full."""
    inner = sum(cache.bytes for cache in processor.caches[:-1] if cache.level > 1)
    return Layout(longest, math.ceil(config["rotation"] * (threads * inner + processor.llc_bytes_of(threads))))


def thread_counts(experiment: Experiment, most: int) -> tuple[int, ...]:
    """The numbers of threads that an experiment is measured with on `most` processors."""
    if experiment.threads == "one":
        return (1,)
    if experiment.threads == "all":
        return (most,) if most > 1 else ()
    return tuple(sorted({1, most})) if experiment.threads == "one-and-all" else tuple(topology.counts(most))


def make_plan(roster: Roster, processor: Processor, found: Found) -> Plan:
    """What the configured protocol measures on a processor with what was found.

    A length that would need more than 80 % of the memory is skipped.
    """
    plan = Plan(roster, processor)
    spec, (first, *others) = plan.protocol["lengths"], found.compilers
    items: list[Item] = []
    too_large: dict[tuple[str, int, int], int] = {}
    for name, experiment in plan.known.items():
        if name not in spec or not plan.contenders[name] or (experiment.kind.has_peers and not roster.peers):
            continue
        # Parts of one vector lie in the last-level caches of all threads.
        llc_bytes = processor.llc_bytes_of(found.threads if experiment.joint else 1)
        everything = lengths(spec[name], llc_bytes)
        secondary = everything if spec["secondary"] == "all" else lengths(spec["secondary"], llc_bytes)
        if others and experiment.every_compiler and experiment.kind.compares_compilers:
            # At the lengths that both measured.
            everything = sorted({*everything, *secondary})
        is_look = experiment.kind.around_groups
        theirs = others if experiment.every_compiler or spec["secondary"] == "all" else []
        for compiler in (first, *(() if is_look else theirs)):
            for isa in [widest(found.isas)] if experiment.kind.has_peers or is_look else found.isas:
                most: float = spec["scalar"] if isa == "scalar" else math.inf
                wanted = everything if compiler == first else secondary
                chosen = [n for n in wanted if n <= most] or [int(min(most, *wanted))] if wanted else []
                teams = thread_counts(experiment, found.threads)
                needs = {(n, t): plan.arena_bytes(name, n, t) for n in chosen for t in teams}
                fit, teams = fitting(needs, found.memory_bytes)
                item = Item(compiler, isa, fit, experiment.cache_state, teams, experiment=name)
                items += [item] if item.points() else []
                left_out = needs.keys() - item.points()
                too_large |= {(name, *point): needs[point] for point in left_out}
    plan = replace(plan, items=items)
    if not plan.asked:
        plan = replace(plan, items=())
    for compiler in found.compilers:
        if not any(item.compiler == compiler for item in items):
            plan = plan.skip(f"compiler {compiler}", f"{roster.config['protocol']} measures the primary compiler only")
    for (name, n, threads), need in sorted(too_large.items()):
        what = f"{name} at {n} elements{run.with_threads(threads)}"
        plan = plan.skip(what, f"needs {memory_words(need, found.memory_bytes)}")
    return plan


def fitting(needs: Mapping[Point, int], memory_bytes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The lengths, and the numbers of threads, of those points that fit into memory, by the bytes that each needs.
    Every length has as many threads as the longest has memory for."""
    fits = {point for point, need in needs.items() if need <= MOST_OF_MEMORY * memory_bytes}
    elements = sorted({n for n, _ in fits})
    return tuple(elements), tuple(sorted({t for _, t in fits if all((n, t) in fits for n in elements)}))


def widest(isas: Sequence[str]) -> str:
    """The ISA with the longest vectors, which a library would take too."""
    return min(isas, key=list(ISAS).index)


def memory_words(need: int, available: int) -> str:
    """So much memory (bytes) where only so much is there, in words."""
    return f"{need / 1e9:.1f} GB of memory, {available / 1e9:.1f} GB are available"


def require_memory(need: int, elements: int, memory_bytes: int) -> None:
    """Raises HarnessError where the `need` (bytes) of a length is more than 80 % of `memory_bytes`."""
    if need > MOST_OF_MEMORY * memory_bytes:
        raise HarnessError(f"{elements:,} elements need {memory_words(need, memory_bytes)}")
