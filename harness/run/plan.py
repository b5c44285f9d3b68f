"""What a run will measure, and how long that will take."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from harness.experiments.contenders import controls, question_key
from harness.machine import identity, topology
from harness.machine.detection import facts
from harness.machine.processor import Processor
from harness.native.extensions import Host, Kernel
from harness.native.memory import Layout
from harness.native.softmax import run_passes
from harness.record.configuration import FLOAT_BYTES, Config, lengths, out_of_cache_elements
from harness.record.errors import HarnessError
from harness.run.budget import ACCURACY_ENDS, TUNING_ENDS

# Nanoseconds per element of a pass with exp, for an estimate before anything was measured.
COMPUTE_NANOSECONDS = {"scalar": 1.8, "avx2": 0.25, "avx512f": 0.2}
# Of any pass out of cache: 4 bytes read and 4 written at 16 GB/s.
MEMORY_NANOSECONDS = 0.25
# Of a sample: canaries and counters. Of a process: interpreter, extensions, arena.
SAMPLE_OVERHEAD_SECONDS, PROCESS_OVERHEAD_SECONDS = 150e-6, 1.0
BANDWIDTH_LOOPS = 20
# Of a library: NumPy and SciPy, the slowest, take 1.3 to 1.6 ns for an element and 5 us for a call.
PEER_NANOSECONDS, PEER_CALL_NANOSECONDS = 1.5, 5000.0
# By how much threads that share memory slow each other at most, and how fast arenas are made.
CONTENTION, ARENA_BYTES_PER_SECOND = 3.0, 3e9
# Accuracy: inputs of each length, of a reference, of comparing a result with it, and the float32 in [-87.3, -0].
DISTRIBUTIONS, REFERENCE_NANOSECONDS, COMPARISON_NANOSECONDS, FLOATS_OF_EXP = 6, 150.0, 8.0, 1.12e9
MOST_OF_MEMORY = 0.8
# How the pace of a machine is taken, and from where on it is told and planned with. Real machines take 0.3 to 1.3 times
# what is guessed.
PACE_ELEMENTS, PACE_SECONDS, SLOW = 8192, 0.05, 3.0
# Samples by which all passes of a compiler and ISA are tuned at one length: 112 variants, halved again and again.
TUNING_SAMPLES = 1400
# Of looking at all variants of a compiler and ISA beforehand.
VERIFICATION_SECONDS = 1.5


@dataclass(frozen=True)
class Item:
    """One experiment of one compiler and ISA, over its lengths."""

    experiment: str
    compiler: str
    isa: str
    elements: tuple[int, ...]
    cache_state: str
    threads: tuple[int, ...] = (1,)

    def points(self) -> list[tuple[int, int]]:
        """Elements and threads of every question."""
        return [(n, t) for n in self.elements for t in self.threads]

    def key(self, elements: int, threads: int) -> str:
        """The key of a question."""
        return question_key(self.experiment, self.compiler, self.isa, elements, threads)


@dataclass
class Plan:
    """What is measured, and what is skipped with the reason."""

    items: list[Item]
    skipped: list[dict[str, str]] = field(default_factory=list)
    slowness: float = 1.0
    """How many times as long as guessed this machine takes at present."""

    def experiments(self) -> dict[str, list[dict[str, Any]]]:
        """The `experiments` part of run.json."""
        described: dict[str, list[dict[str, Any]]] = {}
        for item in self.items:
            described.setdefault(item.experiment, []).append(
                {
                    "compiler": item.compiler,
                    "isa": item.isa,
                    "elements": list(item.elements),
                    "cache_state": item.cache_state,
                    "threads": list(item.threads),
                }
            )
        return described


def from_experiments(
    experiments: Mapping[str, Sequence[Mapping[str, Any]]], skipped: Sequence[dict[str, str]] = ()
) -> Plan:
    """The plan that run.json's `experiments` and `skipped` describe."""
    return Plan(
        [
            Item(
                name,
                item["compiler"],
                item["isa"],
                tuple(item["elements"]),
                item["cache_state"],
                tuple(item.get("threads", [1])),
            )
            for name, items in experiments.items()
            for item in items
        ],
        list(skipped),
    )


def layout(config: Config, processor: Processor, longest: int, threads: int = 1) -> Layout:
    """How an arena is used whose outputs so many threads write together: each core's L2 and every L3 is to be full."""
    inner = sum(cache.bytes for cache in processor.caches[:-1] if cache.level > 1)
    return Layout(longest, math.ceil(config["rotation"] * (threads * inner + processor.llc_bytes_of(threads))))


def run_layout(config: Config, plan: Plan, processor: Processor) -> Layout:
    """How the arena of a run of this plan is used."""
    together = [max(item.threads) for item in plan.items if is_joint(config, item.experiment)]
    return layout(config, processor, longest(config, plan), max(together, default=1))


def most_elements(config: Config, experiment: str, elements: int) -> int:
    """The elements that the longest contender of a question processes: controls may have more than it asks for."""
    extra = config["controls"]["extra_percent"] if is_controls(config, experiment) else []
    return elements + round(elements * max(extra, default=0) / 100)


def is_controls(config: Config, experiment: str) -> bool:
    """Whether an experiment's contenders are the controls."""
    return config["experiments"][experiment]["contenders"] == "controls"


def is_peers(config: Config, experiment: str) -> bool:
    """Whether other libraries are among an experiment's contenders."""
    return config["experiments"][experiment]["contenders"] == "peers"


def longest(config: Config, plan: Plan) -> int:
    """The longest input that a run of this plan, its tuning included, needs, in elements."""
    inputs = (most_elements(config, item.experiment, max(item.elements)) for item in plan.items)
    return max(config["tuner"]["in_cache_elements"], *inputs)


def longest_of_pairs(config: Config, plan: Plan) -> dict[tuple[str, str], int]:
    """The longest input, in elements, that each (compiler, ISA) is timed with."""
    found: dict[tuple[str, str], int] = {}
    for item in plan.items:
        most = most_elements(config, item.experiment, max(item.elements))
        found[item.compiler, item.isa] = max(most, found.get((item.compiler, item.isa), 0))
    return found


def arena_bytes(config: Config, processor: Processor, experiment: str, elements: int, threads: int = 1) -> int:
    """Memory that one question needs: controls have a second arena, and so has each thread with a vector of its own."""
    joint = is_joint(config, experiment)
    most = most_elements(config, experiment, elements)
    one = layout(config, processor, most, threads if joint else 1).arena_bytes
    if is_controls(config, experiment):
        return 2 * one
    return one if joint else threads * one


def is_joint(config: Config, experiment: str) -> bool:
    """Whether several threads work on parts of one vector."""
    return config["experiments"][experiment].get("threads") in ("parts", "one-and-all")


def thread_counts(config: Config, experiment: str, most: int) -> tuple[int, ...]:
    """The numbers of threads that an experiment is measured with on `most` processors."""
    kind = config["experiments"][experiment].get("threads", "one")
    if kind == "one":
        return (1,)
    return tuple(sorted({1, most})) if kind == "one-and-all" else tuple(topology.counts(most))


def largest_need(config: Config, plan: Plan, processor: Processor) -> tuple[int, int]:
    """The memory, in bytes, that the question with the largest need takes, and its elements."""
    return max((arena_bytes(config, processor, i.experiment, n, t), n) for i in plan.items for n, t in i.points())


def make_plan(
    config: Config,
    processor: Processor,
    compilers: Sequence[str],
    isas: Sequence[str],
    memory_bytes: int,
    threads: int = 1,
    peers: Sequence[str] = (),
) -> Plan:
    """What the configured protocol measures with these compilers (the first is the primary one), ISAs and peers, on
    up to so many threads.

    A length that would need more than 80 % of `memory_bytes` is skipped.
    """
    spec = config["protocols"][config["protocol"]]["lengths"]
    plan = Plan([])
    too_large: dict[tuple[str, int, int], int] = {}
    for name, experiment in config["experiments"].items():
        if name not in spec or (is_peers(config, name) and not peers):
            continue
        # Parts of one vector lie in the last-level caches of all threads.
        llc_bytes = processor.llc_bytes_of(threads if is_joint(config, name) else 1)
        everything = lengths(spec[name], llc_bytes)
        secondary = everything if spec["secondary"] == "all" else lengths(spec["secondary"], llc_bytes)
        once = name not in ("algorithms", "passes")
        if name == "algorithms" and len(compilers) > 1:
            # Compilers are compared at the lengths that both measured.
            everything = sorted({*everything, *secondary})
        for compiler in compilers:
            primary = compiler == compilers[0]
            if once and not primary and spec["secondary"] != "all":
                continue
            for isa in [widest(isas)] if is_peers(config, name) else isas:
                most = spec["scalar"] if isa == "scalar" else math.inf
                wanted = everything if primary else secondary
                chosen = [n for n in wanted if n <= most] or [min(most, *wanted)] if wanted else []
                needs = {
                    (n, t): arena_bytes(config, processor, name, n, t)
                    for n in chosen
                    for t in thread_counts(config, name, threads)
                }
                fits = {point for point, need in needs.items() if need <= MOST_OF_MEMORY * memory_bytes}
                fit = tuple(sorted({n for n, _ in fits}))
                # Every length with as many threads as the longest has memory for.
                teams = tuple(sorted({t for _, t in fits if all((n, t) in fits for n in fit)}))
                used = {(n, t) for n in fit for t in teams}
                too_large |= {(name, n, t): need for (n, t), need in needs.items() if (n, t) not in used}
                if used:
                    plan.items.append(Item(name, compiler, isa, fit, experiment["cache_state"], teams))
    plan.skipped += [
        {"what": f"compiler {compiler}", "reason": f"{config['protocol']} measures the primary compiler only"}
        for compiler in compilers
        if not any(item.compiler == compiler for item in plan.items)
    ]
    for (name, n, team), need in sorted(too_large.items()):
        plan.skipped.append(
            {
                "what": f"{name} at {n} elements" + (f" with {team} threads" if team > 1 else ""),
                "reason": f"needs {need / 1e9:.1f} GB of memory, {memory_bytes / 1e9:.1f} GB are available",
            }
        )
    return plan


def widest(isas: Sequence[str]) -> str:
    """The ISA with the longest vectors, which a library would take too."""
    return max(isas, key=list(COMPUTE_NANOSECONDS).index)


def require_memory(need: int, elements: int, memory_bytes: int) -> None:
    """Raises HarnessError where the `need` (bytes) of a length is more than 80 % of `memory_bytes`."""
    if need > MOST_OF_MEMORY * memory_bytes:
        raise HarnessError(
            f"{elements:,} elements need {need / 1e9:.1f} GB of memory, {memory_bytes / 1e9:.1f} GB are available"
        )


def trim(config: Config, plan: Plan, llc_bytes: int) -> None:
    """Drops thread counts, then lengths, until the protocol's fewest processes fit into its minutes.

    Of thread counts the smallest and the largest stay. Of lengths, dropped is the longest of whichever item costs the
    most, again and again, where no claim is decided (scalar, or a compiler after the first) before others; lengths up
    to the first that is out of cache stay. What is dropped is recorded with the reason.
    """
    protocol = config["protocols"][config["protocol"]]
    processes, primary = protocol["processes"]["least"], plan.items[0].compiler
    reason = f"{processes} processes would take more than {protocol['minutes']} minutes"
    while run_seconds(config, plan, llc_bytes, processes) > budget_seconds(config, plan, llc_bytes):
        teams = [item for item in plan.items if len(item.threads) > 2]
        if teams:
            item = max(teams, key=lambda item: len(item.threads))
            plan.items[plan.items.index(item)] = replace(item, threads=(*item.threads[:-2], item.threads[-1]))
            what = f"{item.experiment} {item.compiler} {item.isa} with {item.threads[-2]} threads"
            plan.skipped.append({"what": what, "reason": reason})
            continue
        # Peers have time of their own: without them the others would have no more.
        ours = [item for item in plan.items if not is_peers(config, item.experiment)]
        candidates = [item for item in ours if sum(4 * n > llc_bytes for n in item.elements) > 1]
        if not candidates:
            return
        item = max(
            candidates,
            key=lambda item: (
                item.isa == "scalar" or item.compiler != primary,
                question_seconds(config, item, item.elements[-1], llc_bytes),
            ),
        )
        plan.items[plan.items.index(item)] = replace(item, elements=item.elements[:-1])
        plan.skipped.append(
            {
                "what": f"{item.experiment} {item.compiler} {item.isa} at {item.elements[-1]} elements",
                "reason": reason,
            }
        )


def budget_seconds(config: Config, plan: Plan, llc_bytes: int) -> float:
    """How long a run may take: the protocol's minutes, and beyond them what its fewest processes need for peers."""
    protocol = config["protocols"][config["protocol"]]
    peers = sum(
        question_seconds(config, item, n, llc_bytes, t)
        for item in plan.items
        if is_peers(config, item.experiment)
        for n, t in item.points()
    )
    return protocol["minutes"] * 60 + protocol["processes"]["least"] * peers


def tuning_elements(plan: Plan, processor: Processor, compiler: str, isa: str) -> int:
    """The out-of-cache length at which this compiler and ISA is tuned, or its longest length if that is shorter."""
    longest = max(max(item.elements) for item in plan.items if (item.compiler, item.isa) == (compiler, isa))
    return min(out_of_cache_elements(processor.llc_bytes), longest)


def pass_nanoseconds(isa: str, elements: int, llc_bytes: int, compute: bool) -> float:
    """A guess at the nanoseconds that one pass over `elements` takes."""
    core = COMPUTE_NANOSECONDS[isa] if compute else COMPUTE_NANOSECONDS[isa] / 4
    return elements * (max(core, MEMORY_NANOSECONDS) if elements * FLOAT_BYTES * 2 > llc_bytes else core)


def question_seconds(config: Config, item: Item, elements: int, llc_bytes: int, threads: int = 1) -> float:
    """A guess at the seconds that one process spends on one length of an item with so many threads."""
    protocol = config["protocols"][config["protocol"]]

    def time(compute: bool) -> float:
        return pass_nanoseconds(item.isa, elements, llc_bytes, compute)

    algorithms = {
        name: sum(time("exp" in p or "ext" in p) for p in passes) for name, passes in config["algorithms"].items()
    }
    passes = {name for names in config["algorithms"].values() for name in names}
    if config["experiments"][item.experiment]["contenders"] == "passes":
        calls_of = [time("exp" in p or "ext" in p) for p in passes] + [time(False)] * BANDWIDTH_LOOPS
    elif config["experiments"][item.experiment]["contenders"] == "accumulations":
        calls_of = [time(True)] * 6
    elif config["experiments"][item.experiment]["contenders"] == "algorithms-and-limits":
        calls_of = [*algorithms.values(), *[time(False)] * 8]
    elif is_peers(config, item.experiment):
        calls_of = [*algorithms.values(), *[PEER_NANOSECONDS * elements + PEER_CALL_NANOSECONDS] * len(config["peers"])]
    elif is_controls(config, item.experiment):
        calls_of = [algorithms[config["controls"]["algorithm"]]] * (1 + len(controls(config)))
    else:
        calls_of = list(algorithms.values())
    calls = max(1, round(protocol["sample_milliseconds"] * 1e6 / max(calls_of)))
    reading = MEMORY_NANOSECONDS / 2 * elements if item.cache_state == "paper" else 0
    warm_up = 1 if item.cache_state == "warm" else 0
    rounds = protocol["rounds"][item.experiment]
    samples = sum((calls + warm_up) * one + calls * reading for one in calls_of) * rounds
    calibration = 2 * sum((1 + warm_up) * one + reading for one in calls_of)
    seconds = (samples + calibration) / 1e9 + SAMPLE_OVERHEAD_SECONDS * len(calls_of) * rounds
    if threads == 1 or is_joint(config, item.experiment):
        return seconds
    # Each further thread has an arena made for it, and they share what memory gives.
    arena = config["rotation"] * llc_bytes + 3 * FLOAT_BYTES * elements
    return seconds * min(threads, CONTENTION) + (threads - 1) * arena / ARENA_BYTES_PER_SECOND


def process_seconds(config: Config, plan: Plan, llc_bytes: int) -> float:
    """A guess at the seconds that one process takes."""
    return PROCESS_OVERHEAD_SECONDS + sum(
        question_seconds(config, item, n, llc_bytes, t) for item in plan.items for n, t in item.points()
    )


def tuning_seconds(plan: Plan, llc_bytes: int) -> float:
    """A guess at the seconds that looking at all variants and tuning take."""
    pairs = {(item.compiler, item.isa): 0 for item in plan.items}
    for item in plan.items:
        pairs[item.compiler, item.isa] = max(pairs[item.compiler, item.isa], *item.elements)
    near = len(pairs) * TUNING_SAMPLES * (0.2e-3 + SAMPLE_OVERHEAD_SECONDS)
    far = sum(
        TUNING_SAMPLES * pass_nanoseconds(isa, min(longest, out_of_cache_elements(llc_bytes)), llc_bytes, True)
        for (_, isa), longest in pairs.items()
    )
    return PROCESS_OVERHEAD_SECONDS + len(pairs) * VERIFICATION_SECONDS + near + far / 1e9


def accuracy_seconds(config: Config, plan: Plan) -> float:
    """A guess at the seconds that looking at accuracy takes."""
    asked = config["protocols"][config["protocol"]].get("accuracy")
    if not asked:
        return 0.0
    isas = len({item.isa for item in plan.items})
    softmaxes = 2 * len(config["algorithms"]) * isas
    each = DISTRIBUTIONS * (REFERENCE_NANOSECONDS + softmaxes * COMPARISON_NANOSECONDS) * sum(asked["elements"])
    return (each + isas * FLOATS_OF_EXP / asked["exp_stride"] * COMPARISON_NANOSECONDS) / 1e9


def run_seconds(config: Config, plan: Plan, llc_bytes: int, processes: int) -> float:
    """A guess at the seconds that a run of so many processes takes, tuning and accuracy included, which leave out what
    does not fit into their share of the minutes."""
    most = budget_seconds(config, plan, llc_bytes)
    return (
        min(plan.slowness * tuning_seconds(plan, llc_bytes), TUNING_ENDS * most)
        + min(plan.slowness * accuracy_seconds(config, plan), (ACCURACY_ENDS - TUNING_ENDS) * most)
        + processes * plan.slowness * process_seconds(config, plan, llc_bytes)
    )


def slowness(host: Host, kernel: Kernel) -> float:
    """How many times as long as guessed a pass with exp takes in cache, by the wall clock, so that a machine with much
    else to do, or one that is emulated, is slow too; 1 below SLOW, as every real one is."""
    x, seconds = np.zeros(PACE_ELEMENTS, np.float32), 0.0
    run_passes(host, [kernel], x, x)  # an emulator translates it first
    began, calls = time.monotonic(), 0
    while seconds < PACE_SECONDS:
        run_passes(host, [kernel], x, x)
        calls, seconds = calls + 1, time.monotonic() - began
    found = seconds / calls / (COMPUTE_NANOSECONDS[kernel.isa] * PACE_ELEMENTS / 1e9)
    return found if found >= SLOW else 1.0


def remaining(plan: Plan, left: Collection[str]) -> Plan:
    """What of a plan has these questions, by their keys."""
    items = []
    for item in plan.items:
        lengths_of: dict[tuple[int, ...], list[int]] = {}
        for n in item.elements:
            if teams := tuple(t for t in item.threads if item.key(n, t) in left):
                lengths_of.setdefault(teams, []).append(n)
        items += [replace(item, elements=tuple(ns), threads=teams) for teams, ns in lengths_of.items()]
    return Plan(items, plan.skipped, plan.slowness)


def describe(config: Config, plan: Plan, processor: Processor) -> str:
    """What a run will do and how long it will take, for a person to read before it starts."""
    protocol = config["protocols"][config["protocol"]]
    processes, budget = protocol["processes"], budget_seconds(config, plan, processor.llc_bytes)
    once, least, most = (
        run_seconds(config, plan, processor.llc_bytes, count) for count in (1, processes["least"], processes["most"])
    )
    least, most = (min(seconds, budget) for seconds in (least, most))
    machine = identity.identify(facts(processor), config.get("machine")).name
    lines = [
        f"Protocol {config['protocol']} on {processor.brand} ({machine}), {span(least, most)}:",
        f"  {processes['least']} to {processes['most']} processes one after the other, until every ratio is known to "
        f"±{protocol['half_width_percent']} %",
        f"  no new process when it would end after {duration(budget)}; what is disturbed is measured again, "
        "which may double the time",
    ]
    if plan.slowness > 1:
        lines.append(
            f"  this machine takes {plan.slowness:.0f} times as long as any that was measured (other programs? an "
            "emulator?)"
        )
    if once > budget:
        lines.append(
            f"  one process would take {duration(once)}: what is not done after {duration(budget)} is left out; fewer "
            "--isas and --compilers leave out less"
        )
    for name in dict.fromkeys(item.experiment for item in plan.items):
        items = [item for item in plan.items if item.experiment == name]
        for elements in dict.fromkeys(item.elements for item in items):
            who = ", ".join(f"{item.compiler} {item.isa}" for item in items if item.elements == elements)
            rounds = protocol["rounds"][name]
            reach = f"{min(elements):,} to {max(elements):,}" if len(elements) > 1 else f"{elements[0]:,}"
            lengths_word = "lengths" if len(elements) > 1 else "length"
            lines.append(f"  {name}: {len(elements)} {lengths_word}, {reach} elements, {rounds} rounds ({who})")
    lines += [f"  skipped: {item['what']}: {item['reason']}" for item in plan.skipped]
    return "\n".join(lines)


def span(least: float, most: float) -> str:
    """Two times in seconds as a person says them."""
    first, last = duration(least), duration(most)
    return f"about {first}" if first == last else f"about {first} to {last}"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
