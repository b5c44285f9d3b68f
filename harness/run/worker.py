"""One process of a run: sweeps all lengths in shuffled order, appends complete points to its journal.

The process is what is repeated: page placement differs between processes and no repetition inside one shows it.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import peers
from harness.experiments.contenders import Question, contenders
from harness.machine import identity
from harness.machine.processes import tell
from harness.native import build
from harness.native.extensions import Host, Kernel, load_kernels, require_current
from harness.native.memory import Arena
from harness.record import configuration
from harness.record.store import Journal, Row, TuningJournal, read_info
from harness.run import accuracy, domain, exclusion
from harness.run import plan as planning
from harness.run.budget import Allowance, in_time
from harness.sampling import tuning
from harness.sampling.sampler import Sample, Sampler, enough_rounds


def pin(cpu: int) -> None:
    """Keeps this process on one logical processor."""
    os.sched_setaffinity(0, {cpu})


def rows_of(question: Question, process: int, round_: int, position: int, index: int, sample: Sample) -> list[Row]:
    """The rows of one sample: one, or one for each pass of a contender that is split."""
    contender = question.contenders[index]
    names = [kernel.name for kernel in contender.kernels] if contender.split else [contender.pass_name]
    variants = [kernel.variant for kernel in contender.kernels] if contender.split else [contender.variant]
    return [
        {
            "experiment": question.experiment,
            "compiler": question.compiler,
            "isa": question.isa,
            "algorithm": contender.algorithm,
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
        for name, variant, nanoseconds in zip(names, variants, sample.nanoseconds, strict=True)
    ]


def measure_question(
    sampler: Sampler,
    question: Question,
    process: int,
    wanted: int,
    sample_nanoseconds: float,
    seed: int,
    half_width: float,
) -> list[Row]:
    """The rows of one question in one process, of at least `wanted` rounds. Disturbed samples are kept, with flags."""
    return [
        row
        for round_, taken in enumerate(enough_rounds(sampler, question, wanted, sample_nanoseconds, seed, half_width))
        for position, (index, sample) in enumerate(taken)
        for row in rows_of(question, process, round_, position, index, sample)
    ]


# Contenders whose samples are judged on their own: loops and libraries are many, and one disturbed one spoils no other.
UNPAIRED = ("passes", "algorithms-and-limits", "peers")
ACCURACY = "accuracy"
"""What a process that times nothing is called."""
Tables = Mapping[tuple[str, str], list[Kernel]]
"""The table of kernels of each (compiler, ISA)."""


def questions(
    config: configuration.Config,
    plan: planning.Plan,
    tables: Tables,
    tuning_rows: Sequence[tuning.TuningRow],
    libraries: Sequence[str] = (),
) -> list[Question]:
    """Every question of the plan, its passes in their tuned variants."""
    return [
        Question(
            item.experiment,
            item.compiler,
            item.isa,
            elements,
            item.cache_state,
            contenders(
                config,
                config["experiments"][item.experiment]["contenders"],
                tuning.chosen(tuning_rows, tables[item.compiler, item.isa]),
                tables[item.compiler, item.isa],
                libraries,
            ),
            paired=config["experiments"][item.experiment]["contenders"] not in UNPAIRED,
            threads=threads,
            joint=planning.is_joint(config, item.experiment),
        )
        for item in plan.items
        for elements, threads in item.points()
    ]


def measure(
    folder: Path,
    extensions: Path,
    config: configuration.Config,
    process: int,
    wanted: Mapping[str, float],
    deadline: float,
) -> None:
    """Measures what is missing of the `wanted` questions, by their keys, in one process of the run in `folder`: those
    that, by their expected costs and the pace that is seen, end before the deadline."""
    info = read_info(folder)
    plan = planning.from_experiments(info["experiments"])
    sampler, tables = start(info, extensions, config, plan)
    protocol = config["protocols"][config["protocol"]]
    journal = Journal(folder / f"process-{process}.journal")
    journal.trim()
    done = set(journal.points())
    everything = questions(config, plan, tables, info["tuning"], peers.of(info))
    remaining = {q.key: q for q in everything if q.key in wanted and q.key not in done}
    order = list(remaining)
    random.Random(info["seed"] + process).shuffle(order)
    tell(arena_bytes=sampler.arena.layout.arena_bytes, huge_page_bytes=sampler.arena.huge_page_bytes())
    if process == 0:
        tell(domain=domain.check(sampler.host, config, tables, info["tuning"]))
    for key in in_time(wanted, order, deadline):
        question = remaining[key]
        seed = info["seed"] + zlib.crc32(f"{process} {question.key}".encode())
        rows = measure_question(
            sampler,
            question,
            process,
            protocol["rounds"][question.experiment],
            protocol["sample_milliseconds"] * 1e6,
            seed,
            protocol["half_width_percent"] / 100,
        )
        journal.append(question.key, rows)
        tell(point=question.key)
    tell(clock_nanoseconds=sampler.best_clock, throughput_nanoseconds=sampler.best_throughput)


def tune(folder: Path, extensions: Path, config: configuration.Config, deadline: float) -> None:
    """Tunes what is still missing of the run in `folder`, pass by pass, into tuning.journal; variants are left out
    where it would not be done at the deadline."""
    info = read_info(folder)
    plan = planning.from_experiments(info["experiments"])
    sampler, tables = start(info, extensions, config, plan)
    processor = sampler.host.processor()
    journal = TuningJournal(folder)
    done = journal.keys()
    wanted = identity.wanted_variants(config["tuning"], info["machine"]["name"])
    used = {name for names in config["algorithms"].values() for name in names}
    allowance = Allowance(deadline, len(tables) * len(used) - len(done))
    for (compiler, isa), table in tables.items():
        kernels = [kernel for kernel in table if kernel.name in used]
        far = planning.tuning_elements(plan, processor, compiler, isa)
        choice = (identity.published(isa), wanted.get(isa, {}))
        for name, rows in tuning.tune(sampler, config, kernels, far, info["seed"], done, *choice, allowance.next):
            journal.append(rows)
            tell(tuned=f"{compiler} {isa} {name}")
    tell(clock_nanoseconds=sampler.best_clock, throughput_nanoseconds=sampler.best_throughput)


def accurate(folder: Path, extensions: Path, config: configuration.Config) -> None:
    """Tells run.json's `accuracy`, row by row: exp of each ISA, then every softmax."""
    info = read_info(folder)
    asked = config["protocols"][config["protocol"]]["accuracy"]
    compiler = next(iter(info["compilers"]))
    isas = dict.fromkeys(i["isa"] for items in info["experiments"].values() for i in items if i["compiler"] == compiler)
    host, found = load(info, extensions, config, [(compiler, isa) for isa in isas])
    tables = {isa: table for (_, isa), table in found.items()}
    for isa, table in tables.items():
        any_variant = next(kernel for kernel in table if kernel.name == "exp_store")
        kernel = tuning.chosen(info["tuning"], table).get("exp_store", any_variant)
        tell(exp=accuracy.exp_errors(host, isa, kernel, asked["exp_stride"]))
    for row in accuracy.check(host, config, tables, info["tuning"], info["accuracy"]["elements"], peers.of(info)):
        tell(softmax=row)


def load(
    info: Mapping[str, Any], extensions: Path, config: configuration.Config, pairs: Iterable[tuple[str, str]]
) -> tuple[Host, Tables]:
    """The host part, and of each (compiler, ISA) the kernels that may be used. Raises HarnessError where an extension
    is not what the configuration stands for."""
    primary, pairs = next(iter(info["compilers"])), list(pairs)
    require_current(config, extensions, [(primary, build.HOST), *pairs])
    excluded = info.get("excluded", [])
    tables = {pair: exclusion.usable(load_kernels(extensions, *pair), excluded) for pair in pairs}
    return Host(extensions, primary), tables


def start(
    info: Mapping[str, Any], extensions: Path, config: configuration.Config, plan: planning.Plan
) -> tuple[Sampler, Tables]:
    """Pins the process and sets up host, arena, input and kernels."""
    pin(info["memory"]["cpu"])
    host, tables = load(info, extensions, config, dict.fromkeys((item.compiler, item.isa) for item in plan.items))
    arena = Arena(host, planning.run_layout(config, plan, host.processor()))
    arena.fill(config["input"]["low"], config["input"]["high"], config["input"]["seed"])
    return Sampler(host, arena, info["memory"]["cpu"], info["canary"], info["threads"]["cpus"], info), tables


def main(job: Mapping[str, Any]) -> None:
    """What a process that `measure` starts does. A job has folder, extensions, config, process (None: tune; ACCURACY),
    wanted (expected costs of questions, by their keys) and deadline (by time.monotonic)."""
    folder, extensions = Path(job["folder"]), Path(job["extensions"])
    if job["process"] == ACCURACY:
        accurate(folder, extensions, job["config"])
    elif job["process"] is None:
        tune(folder, extensions, job["config"], job["deadline"])
    else:
        measure(folder, extensions, job["config"], job["process"], job["wanted"], job["deadline"])
