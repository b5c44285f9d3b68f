"""One process of a run: sweeps all lengths in shuffled order, appends complete points to its journal.

The process is what is repeated: page placement differs between processes and no repetition inside one shows it.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.experiments.base import Question, Roster
from harness.machine.processes import tell
from harness.native import build
from harness.native.extensions import Host, require_current
from harness.native.memory import Arena
from harness.record import store
from harness.record.journal import Journal, TuningJournal
from harness.record.run import Row, typed
from harness.run import accuracy, domain
from harness.run.begun import Begun, Pair
from harness.run.budget import Allowance, in_time
from harness.run.plan import Plan, items_of
from harness.sampling.sampler import Sample, Sampler, Sampling, enough_rounds
from harness.sampling.tuning import Field, Tuner

TUNING, ACCURACY = "tuning", "accuracy"
"""What processes that measure nothing are called."""


def pin(cpu: int) -> None:
    """Keeps this process on one logical processor."""
    os.sched_setaffinity(0, {cpu})


def rows_of(question: Question, process: int, round_: int, taken: list[tuple[int, Sample]]) -> list[Row]:
    """The rows of one round: of each sample one, or one for each pass of a contender that is split."""
    return [
        {
            "experiment": question.experiment,
            "compiler": question.compiler,
            "isa": question.isa,
            "algorithm": question.contenders[index].algorithm,
            "pass": name,
            "variant": variant,
            "elements": question.elements,
            "threads": question.threads,
            "cache_state": question.cache_state,
            "process": process,
            "round": round_,
            "position": position,
            "calls": sample.calls,
            "nanoseconds": nanoseconds,
            "clock_nanoseconds": sample.clock_nanoseconds,
            "throughput_nanoseconds": sample.throughput_nanoseconds,
            "flags": ";".join(sorted(sample.flags)),
        }
        for position, (index, sample) in enumerate(taken)
        for (name, variant), nanoseconds in zip(question.contenders[index].rows, sample.nanoseconds, strict=True)
    ]


def measure_question(sampler: Sampler, question: Question, process: int, how: Sampling) -> list[Row]:
    """The rows of one question in one process. Disturbed samples are kept, with flags."""
    taken = enumerate(enough_rounds(sampler, question, how))
    return [row for round_, samples in taken for row in rows_of(question, process, round_, samples)]


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
            )
    return found


def measure(run: Begun, process: int, wanted: Mapping[str, float], deadline: float) -> None:
    """Measures what is missing of the `wanted` questions, by their keys, in one process of the run: those that, by
    their expected costs and the pace that is seen, end before the deadline."""
    sampler, rosters, seed = start(run), run.rosters(), run.record.seed
    protocol = run.plan.protocol
    journal = Journal(run.folder / f"process-{process}.journal")
    journal.trim()
    done = set(journal.points())
    remaining = {key: q for key, q in questions(run.plan, rosters).items() if key in wanted and key not in done}
    order = list(remaining)
    random.Random(seed + process).shuffle(order)
    tell(arena_bytes=sampler.arena.layout.arena_bytes, huge_page_bytes=sampler.arena.huge_page_bytes())
    if process == 0:
        tell(domain=domain.check(run.host, rosters))
    for key in in_time(wanted, order, deadline):
        how = Sampling(
            protocol["rounds"][remaining[key].experiment],
            protocol["sample_milliseconds"] * 1e6,
            seed + zlib.crc32(f"{process} {key}".encode()),
            protocol["half_width_percent"] / 100,
        )
        journal.append(key, measure_question(sampler, remaining[key], process, how))
        tell(point=key)
    tell(clock_nanoseconds=sampler.best_clock, throughput_nanoseconds=sampler.best_throughput)


def tune(run: Begun, process: int, fields: Sequence[Field], deadline: float) -> None:
    """Times what is still missing of the fields in one process of tuning, into tuning.journal, in shuffled order;
    variants are left out where it would not be done at the deadline."""
    sampler, rosters, record = start(run), run.rosters(), run.record
    rounds, journal = run.plan.protocol["tuner"]["rounds"], TuningJournal(run.folder)
    done = journal.keys()
    todo = [field for field in fields if (process, *field.key) not in done]
    random.Random(record.seed + process).shuffle(todo)
    allowance = Allowance(deadline, len(todo))
    for field in todo:
        pair = field.compiler, field.isa
        tuner = Tuner(sampler, rosters[pair], run.plan.tuning_lengths(*pair), rounds, record.seed)
        journal.append(tuner.look(field, process, allowance.next()))
        tell(tuned=" ".join(field.key))
    tell(clock_nanoseconds=sampler.best_clock, throughput_nanoseconds=sampler.best_throughput)


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
    pin(record.memory.cpu)
    host = Host(extensions, record.primary)
    run = Begun(folder, record, Plan(Roster(config, ()), host.processor(), items), host)
    run.plan = Plan(run.rosters()[pairs[0]], host.processor(), items)
    return run


def start(run: Begun) -> Sampler:
    """Sets up arena and input."""
    arena, x = Arena(run.host, run.plan.layout()), run.config["input"]
    arena.fill(x["low"], x["high"], x["seed"])
    return Sampler(run.host, arena, run.record.threads.cpus, run.record)


def main(job: Mapping[str, Any]) -> None:
    """What a process that `measure` starts does. A job has folder, extensions, config, process (its number, or TUNING,
    or ACCURACY), deadline (by time.monotonic), and what is `wanted`: expected costs of questions, by their keys; of
    tuning the number of its process and fields."""
    run = begun(job)
    if job["process"] == ACCURACY:
        accurate(run)
    elif job["process"] == TUNING:
        process, fields = job["wanted"]["process"], job["wanted"]["fields"]
        tune(run, process, typed(tuple[Field, ...], fields), job["deadline"])
    else:
        measure(run, job["process"], job["wanted"], job["deadline"])
