"""One process of a run: sweeps all lengths in shuffled order, appends complete groups of points to its journal.

The process is what is repeated: page placement differs between processes and no repetition inside one shows it.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.experiments.base import Question, Roster
from harness.experiments.conditions import LOOPS
from harness.machine.processes import tell
from harness.native import build
from harness.native.extensions import Host, require_current
from harness.native.memory import Arena
from harness.record import store
from harness.record.errors import HarnessError
from harness.record.journal import Journal, TuningJournal, journals, rows_in
from harness.record.run import typed
from harness.run import accuracy, domain
from harness.run.begun import Begun, Pair
from harness.run.budget import Allowance, in_time, spare
from harness.run.groups import Groups, Where
from harness.run.plan import Plan, items_of
from harness.sampling.conditions import Conditions, best_loops, of_loops
from harness.sampling.pacing import Pacer
from harness.sampling.sampler import Sampler
from harness.sampling.tuning import Field, Tuner

TUNING, ACCURACY = "tuning", "accuracy"
"""What processes that measure nothing are called."""


@dataclass(frozen=True)
class ToMeasure:
    """What one process is to measure, all in seconds."""

    costs: dict[str, float]
    """Of each question, by its key, as they are expected."""
    cost: float
    """Of the whole process."""
    later: tuple[float, ...]
    """Of each process that will come at least."""
    pace: float
    """The seconds that pass for each that is expected."""
    waits: float
    """How long may be waited for a calm machine."""


@dataclass(frozen=True)
class ToTune:
    """What one process of tuning is to time: the `fields` are those that are still missing. It may wait so many
    seconds."""

    process: int
    fields: tuple[Field, ...]
    waits: float = 0.0


def pin(cpu: int) -> None:
    """Keeps this process on one logical processor. Raises HarnessError where it may not have that one."""
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        told = f"processor {cpu} can't be had ({error.strerror})"
        raise HarnessError(f"{told}; if it was taken away, the same command begins another run") from error


def questions(plan: Plan, rosters: Mapping[Pair, Roster]) -> dict[str, Question]:
    """Every question of the plan, by its key, its passes in their tuned variants."""
    found = {}
    for item in plan.items:
        experiment = plan.known[item.experiment]
        contenders = experiment.kind.contenders(rosters[item.compiler, item.isa])
        for elements, threads in item.points():
            found[item.key(elements, threads)] = Question(
                *(item.experiment, item.compiler, item.isa, elements, item.cache_state, contenders),
                paired=experiment.kind.paired,
                threads=threads,
                joint=experiment.joint,
                input=experiment.input,
            )
    return found


def conditions_of(
    run: Begun, sampler: Sampler, rosters: Mapping[Pair, Roster], known: Mapping[str, Question]
) -> Conditions:
    """How a process looks at the conditions: by the loops that the run's first look chose, with what all looks so far
    have found. `known` has the run's `questions`."""
    asked = {
        item.key(n, t): replace(known[item.key(n, t)], contenders=rosters[item.compiler, item.isa].loops(*LOOPS))
        for item in run.plan.looks
        for n, t in item.points()
    }
    points = [journal.points() for journal in journals(run.folder)]
    earlier = [row for its in points for key in asked for row in rows_in(its.get(key, ""))]
    best = {row["pass"]: row["variant"] for row in earlier} or best_loops(sampler, list(asked.values()))
    found = Conditions(sampler, [of_loops(question, best) for question in asked.values()])
    found.learn(earlier)
    return found


def tell_pause(seconds: float) -> None:
    """Tells how long will be waited now."""
    tell(waiting=seconds)


def tell_end(sampler: Sampler, beyond: float) -> None:
    """Tells the seconds that went into waiting, or what was done beyond what is wanted, and the fastest canaries."""
    tell(beyond=beyond)
    tell(clock_nanoseconds=sampler.best.clock, throughput_nanoseconds=sampler.best.throughput)


def measure(run: Begun, process: int, wanted: ToMeasure, deadline: float) -> None:
    """Measures what is missing of the wanted questions in one process of the run: those that, by their expected costs
    and the pace that is seen, end before the deadline. Then, in the time to spare, once more what was disturbed all the
    time."""
    sampler, rosters, costs = start(run), run.rosters(), wanted.costs
    journal = Journal(run.folder / f"process-{process}.journal")
    journal.trim()
    asked = questions(run.plan, rosters)
    conditions = conditions_of(run, sampler, rosters, asked)
    began, later, parts = time.monotonic(), sum(wanted.later), 1 + len(wanted.later)
    pacer = Pacer(
        min(wanted.waits, spare(deadline, wanted.pace * (wanted.cost + later), parts)),
        lambda: sampler.is_calm() and conditions.are_calm(),
        tell_pause,
        deadline,
    )
    groups = Groups(Where(run.record, process, journal), asked, conditions, pacer)
    order = [key for key in asked if key in costs and not groups.asked[key]]
    random.Random(run.record.seed + process).shuffle(order)
    tell(arena_bytes=sampler.arena.layout.arena_bytes, huge_page_bytes=sampler.arena.huge_page_bytes())
    if process == 0:
        tell(domain=domain.check(run.host, rosters))
    for key in in_time(costs, order, deadline, lambda: groups.beside):
        groups.ask(key)
    groups.end()
    again = time.monotonic()
    pace = max(wanted.pace, (again - began - groups.beside) / wanted.cost)
    left = spare(deadline, pace * later, parts)
    order = [key for key in groups.disturbed() if pace * costs.get(key, math.inf) <= left]
    for key in in_time(costs, order, again + left, lambda: groups.beside):
        groups.ask(key)
    groups.end()
    tell_end(sampler, pacer.waited + time.monotonic() - again)


def tune(run: Begun, wanted: ToTune, deadline: float) -> None:
    """Times what is wanted in one process of tuning, into tuning.journal, in shuffled order. Where that would not be
    done at the deadline, variants are left out."""
    sampler, rosters, record = start(run), run.rosters(), run.record
    rounds, journal = run.plan.protocol["tuner"]["rounds"], TuningJournal(run.folder)
    todo = list(wanted.fields)
    random.Random(record.seed + wanted.process).shuffle(todo)
    allowance = Allowance(deadline, len(todo))
    pacer = Pacer(wanted.waits, sampler.is_calm, tell_pause, deadline)
    for field in todo:
        pair = field.compiler, field.isa
        tuner = Tuner(sampler, rosters[pair], run.plan.tuning_lengths(*pair), rounds, record.seed, pacer)
        journal.append(tuner.look(field, wanted.process, allowance.next()))
        tell(done=" ".join(field.key))
    tell_end(sampler, pacer.waited)


def accurate(run: Begun) -> None:
    """Tells what a run says of accuracy, row by row: exp of each ISA, then every softmax."""
    rosters = {
        isa: roster for (_, isa), roster in run.rosters(p for p in run.pairs if p[0] == run.record.primary).items()
    }
    for isa, roster in rosters.items():
        stride = run.plan.protocol["accuracy"]["exp_stride"]
        tell(exp=accuracy.exp_errors(run.host, isa, roster.tuned["exp_store"], stride))
    for row in accuracy.check(run.host, rosters, run.record.accuracy_elements or ()):
        tell(softmax=row)


def begun(job: Mapping[str, Any]) -> Begun:
    """The run of a job. Raises HarnessError where an extension is not what the configuration stands for."""
    folder, extensions, config = Path(job["folder"]), Path(job["extensions"]), job["config"]
    record = store.read_record(folder)
    items = items_of(record.experiments)
    pairs = list(dict.fromkeys((item.compiler, item.isa) for item in items))
    require_current(config, extensions, [(record.primary, build.HOST), *pairs])
    host = Host(extensions, record.primary)
    # Before it is pinned: on one processor only one of several last-level caches is seen, and outputs that all threads
    # write would not leave the others.
    processor = host.processor()
    pin(record.memory.cpu)
    run = Begun(folder, record, Plan(Roster(config, ()), processor, items), host)
    run.plan = replace(run.plan, roster=run.rosters()[pairs[0]])
    return run


def start(run: Begun) -> Sampler:
    """Sets up arena and input."""
    arena, x = Arena(run.host, run.plan.layout()), run.config["input"]
    arena.fill(x["low"], x["high"], x["seed"])
    return Sampler(run.host, arena, run.record.threads.cpus, run.record)


def main(job: Mapping[str, Any]) -> None:
    """What a process that `measure` starts does. A job has folder, extensions, config, process (its number, or TUNING,
    or ACCURACY), deadline (by time.monotonic), and what is `wanted`: a ToMeasure, a ToTune or nothing."""
    run = begun(job)
    if job["process"] == ACCURACY:
        accurate(run)
    elif job["process"] == TUNING:
        tune(run, typed(ToTune, job["wanted"]), job["deadline"])
    else:
        measure(run, job["process"], typed(ToMeasure, job["wanted"]), job["deadline"])
