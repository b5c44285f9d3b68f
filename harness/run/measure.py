"""A whole run: plan, tune, one process after the other, then samples.csv and run.json. A killed run is continued."""

from __future__ import annotations

import itertools
import json
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness import peers
from harness.experiments.contenders import as_published, check_passes, controls
from harness.machine import detection, identity, processes, topology
from harness.machine.lock import exclusive, held
from harness.native import audit, build
from harness.native.clock import CLOCK_ADDS, THROUGHPUT_FMAS, Clock
from harness.native.extensions import Host, first_host, load_kernels, require_current
from harness.record import instance, room, store
from harness.record.configuration import Config, load
from harness.record.errors import HarnessError, TimeSpent
from harness.record.machines import NOT_EMULATED
from harness.run import accuracy, exclusion, plan, precision, worker
from harness.run.budget import ACCURACY_ENDS, GRACE, TUNING_ENDS, Budget
from harness.run.progress import bar
from harness.sampling import tuning

# Recorded runs have up to 80,000 rows, 7 MB, which lie in journals and in samples.csv for a moment.
RUN_BYTES = 48 << 20
# What a run says of itself in places of their own.
SAID_ELSEWHERE = ("protocol", "protocols", "machine", "peers", "tuning")


def now() -> str:
    """The time as run.json has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def prepare(config: Config, extensions: Path) -> tuple[dict[str, Any], plan.Plan, Host]:
    """run.json of a run that has not begun, its plan, and the host part.

    Raises HarnessError where this machine can't measure what is configured.
    """
    detection.require_x86_64()
    compilers, skipped = build.find_compilers(config)
    host = first_host(config, extensions, compilers)
    processor = host.processor()
    isas, lacking = detection.usable_isas(processor, config["isas"])
    names = [compiler.name for compiler in compilers]
    require_current(config, extensions, itertools.product(names, isas))
    table = load_kernels(extensions, names[0], isas[0])
    check_passes(config, table)
    memory_bytes = detection.available_memory_bytes()
    choice = host.choice()
    cpus, limit = topology.usable(choice)
    with topology.on(choice.cpu):
        clock = Clock(host)
        canaries = clock.canaries()
    found, lacking_peers = peers.find(config["peers"])
    installed, broken_peers = peers.working(host, found)
    planned = plan.make_plan(config, processor, names, isas, memory_bytes, len(cpus), [peer.name for peer in installed])
    if not planned.items:
        raise HarnessError("nothing to measure: " + "; ".join(f"{s['what']}: {s['reason']}" for s in planned.skipped))
    planned.slowness = plan.slowness(host, next(kernel for kernel in table if kernel.name == "exp_store"))
    planned.skipped[:0] = reductions(config) + skipped + lacking + lacking_peers + broken_peers
    plan.trim(config, planned, processor.llc_bytes)
    machine = detection.describe(processor, config.get("machine"))
    if not machine["overridden"]:
        planned.skipped += identity.mistaken(machine)
    identity.wanted_variants(config["tuning"], machine["name"])
    digest = build.content_hash(config, compilers, [(peer.name, peer.version) for peer in installed])
    protocol = config["protocols"][config["protocol"]]
    info = {
        "schema_version": store.SCHEMA_VERSION,
        "run": "",
        "machine": machine,
        "audit": [],
        "sessions": [],
        "compilers": {
            c.name: {
                "command": list(c.command),
                "version": c.version,
                "flags": {target: build.flags(config, target) for target in (*isas, build.HOST)},
            }
            for c in compilers
        },
        "content_hash": digest,
        "protocol": {
            "name": config["protocol"],
            **protocol,
            "input": config["input"],
            "rotation": config["rotation"],
            "experiments": config["experiments"],
            "tuning": config["tuning"],
            "tuner": config["tuner"],
        },
        "seed": int(digest[:8], 16),
        "timer": clock.describe(),
        "canary": {
            "clock_adds": CLOCK_ADDS,
            "throughput_fmas": THROUGHPUT_FMAS,
            "clock_nanoseconds": round(canaries[0]),
            "throughput_nanoseconds": round(canaries[1]),
        },
        "memory": {
            "arena_bytes": plan.run_layout(config, planned, processor).arena_bytes,
            "huge_page_bytes": "unknown",
            "cpu": choice.cpu,
            **({"cpu_kind": choice.kind} if choice.kind else {}),
        },
        "threads": {"cpus": cpus, "limit": limit},
        "kernels": {
            k.name: {
                "reads_x": k.reads_x,
                "reads_y": k.reads_y,
                "writes_y": k.writes_y,
                "computes": not k.is_bandwidth_loop,
            }
            for k in table
        },
        **accuracy_asked(config, memory_bytes, planned.skipped),
        "algorithms": config["algorithms"],
        "controls": controls(config),
        **({"peers": peers.described(host, installed)} if installed else {}),
        "experiments": planned.experiments(),
        "tuning": [],
        "skipped": planned.skipped,
        "vetoes": {"samples": 0, "disturbed_samples": 0},
        "started": now(),
        "ended": None,
    }
    info["run"] = instance.run_name(info)
    return info, planned, host


def accuracy_asked(config: Config, memory_bytes: int, skipped: list[dict[str, str]]) -> dict[str, Any]:
    """The `accuracy` part of run.json before anything is known; empty where the protocol does not ask for it. Lengths
    that do not fit in memory are added to what is `skipped`."""
    asked = config["protocols"][config["protocol"]].get("accuracy", {}).get("elements", [])
    elements = [n for n in asked if n * accuracy.BYTES_PER_ELEMENT <= plan.MOST_OF_MEMORY * memory_bytes]
    for n in sorted(set(asked) - set(elements)):
        need = n * accuracy.BYTES_PER_ELEMENT
        reason = f"needs {need / 1e9:.1f} GB of memory, {memory_bytes / 1e9:.1f} GB are available"
        skipped.append({"what": f"accuracy of {n} elements", "reason": reason})
    return {"accuracy": {"elements": elements, "exp": [], "softmax": []}} if elements else {}


def reductions(config: Config) -> list[dict[str, str]]:
    """What a configuration of one's own changes in the shipped one, so that the run says so."""
    shipped, used = load(), config
    told = [
        (f"{config['protocol']}'s {key}", old, new)
        for key, old, new in differences(*(settings["protocols"][config["protocol"]] for settings in (shipped, used)))
    ]
    told += [(key, old, new) for key, old, new in differences(shipped, used) if key.split(".")[0] not in SAID_ELSEWHERE]
    found = [{"what": f"{what}: {old}", "reason": f"the configuration has {new}"} for what, old, new in told]
    if inexact := build.inexact_flags(config):
        reason = f"{' '.join(inexact)}: kernels need not compute what their source says"
        found.append({"what": "IEEE 754", "reason": reason})
    return found


def differences(shipped: Mapping[str, Any], used: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Key (those of nested mappings after a dot), shipped and used value as JSON, of all that differs."""
    for key in dict.fromkeys([*shipped, *used]):
        if key not in shipped or key not in used:
            yield key, *(json.dumps(its[key]) if key in its else "nothing" for its in (shipped, used))
        elif isinstance(shipped[key], Mapping) and isinstance(used[key], Mapping):
            yield from ((f"{key}.{below}", *values) for below, *values in differences(shipped[key], used[key]))
        elif shipped[key] != used[key]:
            yield key, json.dumps(shipped[key]), json.dumps(used[key])


def check_named(config: Config, extensions: Path, isas: list[str] | None, compilers: list[str] | None) -> None:
    """Raises HarnessError for an ISA that was asked for by name and that this processor lacks, and for a compiler that
    was asked for by name and is not installed."""
    for name in compilers or []:
        build.require_compiler(config, name)
    processor = first_host(config, extensions, build.find_compilers(config)[0]).processor()
    for isa in isas or []:
        if isa not in processor.isas:
            has = ", ".join(processor.isas) or "none of the ISAs"
            raise HarnessError(f"{processor.brand} does not have {isa}; it has {has}")


def planned_text(config: Config, extensions: Path) -> str:
    """What `measure` would do, in words."""
    _, planned, host = prepare(config, extensions)
    return plan.describe(config, planned, host.processor())


def run_worker(
    folder: Path,
    extensions: Path,
    config: Config,
    process: int | str | None,
    deadline: float,
    late: float,
    wanted: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[dict[str, Any]]:
    """Runs one process of a run (None: the tuning) over the `wanted` questions, of which it begins none that would end
    after the `deadline`, and yields what it tells. Raises HarnessError if it fails, TimeSpent if it is so `late` that
    it is killed."""
    job = {"folder": str(folder), "extensions": str(extensions), "config": config}
    job |= {"process": process, "wanted": dict(wanted), "deadline": deadline}
    return processes.ask("harness.run.worker", job, "a measuring process", late)


def measure(config: Config, extensions: Path, runs: Path) -> Path:
    """Measures what the configuration asks for and returns the run's folder, below `runs`/MACHINE/.

    A complete run of the same content is left as it is; an incomplete one is continued by its own plan. Raises
    HarnessError where another measurement runs on this machine.
    """
    with exclusive():
        info, planned, host = prepare(config, extensions)
        room.require_in(runs, RUN_BYTES, "make room, or write elsewhere with --runs")
        folder = runs / info["machine"]["name"] / info["run"]
        if is_complete(folder):
            print(f"{folder} is complete already; nothing is measured. Remove it to measure anew.")
            return folder
        with held(folder, info["machine"]["host"]):
            if not is_complete(folder):  # another process may have ended it just now
                measure_into(folder, config, extensions, info, planned, host)
    return folder


def is_complete(folder: Path) -> bool:
    """Whether a run's folder holds all that was to be measured; what a kill left there of its journals is removed."""
    complete = (folder / "run.json").exists() and store.read_info(folder)["ended"] is not None
    if complete:
        store.clear_away(folder, is_complete=True)
    return complete


def measure_into(
    folder: Path,
    config: Config,
    extensions: Path,
    info: dict[str, Any],
    planned: plan.Plan,
    host: Host,
) -> None:
    """Begins the run that `info` and `planned` describe, or goes on with what is in the folder, to the end."""
    resumed, processor = (folder / "run.json").exists(), host.processor()
    if resumed:
        begun = store.read_info(folder)
        if changed := instance.changes(begun, info):
            raise HarnessError(f"{folder} is not what its name says: {', '.join(changed)}; remove it")
        store.clear_away(folder, is_complete=False)
        info = begun
        planned = replace(plan.from_experiments(info["experiments"], info["skipped"]), slowness=planned.slowness)
    need, elements = plan.largest_need(config, planned, processor)
    plan.require_memory(need, elements, detection.available_memory_bytes())
    print(plan.describe(config, planned, processor))
    for line in [f"going on with {folder}"] if resumed else begun_elsewhere(folder, info):
        print(f"  {line}")
    begin_session(info, audit.audit(host, info["machine"]["name"], info["memory"]["cpu"]))
    store.write_info(folder, info)
    verify(folder, extensions, config, info)
    # From now on: to know what is right takes seconds, on a slow machine minutes, and is done once.
    budget = Budget(time.monotonic(), plan.budget_seconds(config, planned, processor.llc_bytes))
    tune_verified(folder, extensions, config, info, budget)
    check_accuracy(folder, extensions, config, info, budget)
    measure_processes(folder, extensions, config, info, planned, processor.llc_bytes, budget)
    finish(folder, info)
    if not identity.identify(info["machine"], config.get("machine")).known:
        offer_file(info["machine"])


def begun_elsewhere(folder: Path, info: Mapping[str, Any]) -> Iterator[str]:
    """A line for each run of the same content that is not complete and can't be gone on with here, with the reason."""
    for file in sorted(folder.parents[1].glob(f"*/{instance.content_name(info)}-*/run.json")):
        try:
            begun = store.read_info(file.parent)
        except HarnessError as error:
            yield f"not looked at: {error}"
            continue
        if begun["ended"] is None:
            yield f"a new run begins: for {file.parent} this was another: {', '.join(instance.changes(begun, info))}"


def begin_session(info: dict[str, Any], found: list[dict[str, str]]) -> None:
    """Adds a session with this audit to run.json, tells what disturbs, and keeps the worst that each item was in."""
    for item in found:
        if item["disturbs"] == "yes":
            print(f"  note: {item['item']}: {item['found']}; {item['advice']}")
    info["sessions"].append({"started": now(), "audit": found})
    info["audit"] = audit.worst([session["audit"] for session in info["sessions"]])


def offer_file(machine: Mapping[str, Any]) -> None:
    """Tells of an unknown machine which file would make it known; of an emulated one, that none would."""
    if machine["emulator"] != NOT_EMULATED:
        print(f"This machine is emulated ({machine['emulator']}): what it measures decides nothing.")
        return
    print(f"This machine is not known yet; config/machines/{machine['name']}.yaml would be:\n")
    print(textwrap.indent(identity.offer(machine), "  "))


def pairs_of(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every (compiler, ISA) that a run measures."""
    return list(dict.fromkeys((i["compiler"], i["isa"]) for items in info["experiments"].values() for i in items))


def verify(folder: Path, extensions: Path, config: Config, info: dict[str, Any]) -> None:
    """Looks at every variant that may be timed, if that has not been done, and puts what is wrong into run.json. Raises
    HarnessError where a pass has no other variant."""
    tables = [load_kernels(extensions, *pair) for pair in pairs_of(info)]
    if "excluded" not in info:
        timed = [kernel for table in tables for kernel in exclusion.timed(config, table)]
        exclude(folder, info, exclusion.wrong_ones(extensions, next(iter(info["compilers"])), timed))
    for table in tables:
        exclusion.require_variants(config, table, info["excluded"])


def exclude(folder: Path, info: dict[str, Any], found: list[dict[str, str]]) -> None:
    """Has these variants not be measured, and says so."""
    info["excluded"] = info.get("excluded", []) + found
    for its in found:
        print(f"  {exclusion.told(its)}")
    store.write_info(folder, info)


def tune_verified(folder: Path, extensions: Path, config: Config, info: dict[str, Any], budget: Budget) -> None:
    """Tunes, looks at all that will be timed at the longest length of the run until it is right, and puts the result
    into run.json, with what there was no time for."""
    while not info["tuning"]:
        rows = tune(folder, extensions, config, info, budget)
        tables = [exclusion.usable(load_kernels(extensions, *pair), info["excluded"]) for pair in pairs_of(info)]
        chosen = [(ours, table) for table in tables for ours in tuning.chosen(rows, table).values()]
        both = [(ours, as_published(ours, table)) for ours, table in chosen]
        timed = [kernel for pair in both for kernel in pair if kernel]
        timed += [kernel for table in tables for kernel in table if kernel.is_bandwidth_loop]
        longest = plan.longest_of_pairs(config, plan.from_experiments(info["experiments"]))
        primary = next(iter(info["compilers"]))
        if not (found := exclusion.wrong_ones(extensions, primary, timed, longest)):
            info["tuning"] = rows
            told = tuning.narrowed(info["tuning"])
            for item in told:
                print(f"  skipped: {item['what']}: {item['reason']}")
            info["skipped"] += [item for item in told if item not in info["skipped"]]
            store.write_info(folder, info)
            return
        exclude(folder, info, found)
        verify(folder, extensions, config, info)
        store.TuningJournal(folder).forget(exclusion.passes_of(found))


def tune(
    folder: Path, extensions: Path, config: Config, info: dict[str, Any], budget: Budget
) -> list[tuning.TuningRow]:
    """Tunes what is not tuned yet, and returns all of run.json's `tuning`. Raises HarnessError where there is no time
    to try one variant of each pass."""
    journal = store.TuningJournal(folder)
    passes = {name for names in config["algorithms"].values() for name in names}
    pairs = pairs_of(info)
    total, done = len(passes) * len(pairs), len(journal.keys())
    if done < total:
        deadline, late = budget.until(TUNING_ENDS), budget.until(TUNING_ENDS + GRACE)
        try:
            with bar("tuning", total, done, deadline) as progress:
                for message in run_worker(folder, extensions, config, None, deadline, late):
                    if "tuned" in message:
                        progress.set_postfix_str(message["tuned"], refresh=False)
                        progress.update(1)
                    else:
                        note_canary(info, message)
        except TimeSpent as error:
            raise HarnessError(
                f"{len(journal.keys())} of {total} passes were tuned in {plan.duration(late - budget.began)}: "
                f"{too_slow(config)}; the same command goes on from here"
            ) from error
    return journal.rows()


def too_slow(config: Config) -> str:
    """What would help where the minutes are too few."""
    minutes = config["protocols"][config["protocol"]]["minutes"]
    way_out = "ask for fewer --isas or --compilers, or for a protocol with more"
    return f"this machine is too slow for the {plan.duration(60 * minutes)} of {config['protocol']}; {way_out}"


def check_accuracy(folder: Path, extensions: Path, config: Config, info: dict[str, Any], budget: Budget) -> None:
    """Looks at the accuracy of what is tuned, where the protocol asks for it and it is not known yet. Of lengths that
    time is too short for no row is kept, and it is said that they were skipped."""
    found = info.get("accuracy")
    if not found or found["softmax"]:
        return
    isas = {i["isa"] for items in info["experiments"].values() for i in items}
    softmaxes = 2 * len(config["algorithms"]) * len(isas) + len(peers.of(info))
    each = softmaxes * len(accuracy.DISTRIBUTIONS)
    # However late tuning was.
    ends = max(budget.until(ACCURACY_ENDS), time.monotonic() + (ACCURACY_ENDS - TUNING_ENDS) * budget.seconds)
    exp, softmax = [], []
    with bar("accuracy", len(isas) + each * len(found["elements"]), ends=ends) as progress, suppress(TimeSpent):
        for message in run_worker(folder, extensions, config, worker.ACCURACY, ends, ends):
            exp += [message["exp"]] if "exp" in message else []
            softmax += [message["softmax"]] if "softmax" in message else []
            progress.update(1)
    known = Counter(row["elements"] for row in softmax)
    whole = [n for n in found["elements"] if known[n] >= each]
    for n in found["elements"]:
        if n not in whole:
            skip(info, f"accuracy of {n} elements", "too little time")
    found |= {"elements": whole, "exp": exp, "softmax": [row for row in softmax if row["elements"] in whole]}
    store.write_info(folder, info)


def skip(info: dict[str, Any], what: str, reason: str) -> None:
    """Says that something was not done, and has the run say so."""
    print(f"  skipped: {what}: {reason}")
    info["skipped"].append({"what": what, "reason": reason})


def note_canary(info: dict[str, Any], fastest: dict[str, int]) -> None:
    """Keeps the fastest canaries that any process has seen."""
    for name, nanoseconds in fastest.items():
        info["canary"][name] = min(info["canary"][name], nanoseconds)


def note_memory(info: dict[str, Any], memory: dict[str, Any]) -> None:
    """Keeps the least that any process got in huge pages."""
    known = [m["huge_page_bytes"] for m in (info["memory"], memory) if m["huge_page_bytes"] != "unknown"]
    info["memory"] |= {**memory, "huge_page_bytes": min(known, default="unknown")}


def measure_processes(
    folder: Path,
    extensions: Path,
    config: Config,
    info: dict[str, Any],
    planned: plan.Plan,
    llc_bytes: int,
    budget: Budget,
) -> None:
    """Runs one process after the other: the protocol's least number over everything, then over what is not known
    precisely enough, until nothing is left, the most processes have run, or the minutes are spent. Which of these it
    was is recorded. The first process is always begun; what it can't do in time is taken out of the plan. A run that is
    resumed has its minutes anew.

    Raises HarnessError where no question at all was answered in time.
    """
    protocol = config["protocols"][config["protocol"]]
    least, most = protocol["processes"]["least"], protocol["processes"]["most"]
    costs = {
        item.key(n, threads): plan.question_seconds(config, item, n, llc_bytes, threads)
        for item in planned.items
        for n, threads in item.points()
    }
    journals = [store.Journal(folder / f"process-{process}.journal") for process in range(most)]
    before = sum(costs[key] for journal in journals for key in journal.points())
    stopped_by, seconds_of_cost = "processes", 0.0
    ends, late = budget.until(), budget.until(1 + GRACE)
    with bar("measuring", sum(costs.values()) * least, before, ends) as progress:
        for process, journal in enumerate(journals):
            wanted = set(costs) if process < least else precision.open_questions(folder, info, journals[:process])
            if not wanted:
                stopped_by = "precision"
                break
            done = journal.points().keys()
            if done >= wanted:
                continue
            cost = plan.PROCESS_OVERHEAD_SECONDS + sum(costs[key] for key in wanted - done)
            if process and cost * seconds_of_cost > budget.left():
                progress.write(f"processes {process} to {most - 1} are skipped: time is spent", file=sys.stderr)
                stopped_by = "minutes"
                break
            if process >= least:
                progress.total += sum(costs[key] for key in wanted)
            progress.set_description_str(f"measuring, process {process + 1} of {least if process < least else most}")
            start = time.monotonic()
            to_do = {key: costs[key] for key in wanted}
            with suppress(TimeSpent):
                for message in run_worker(folder, extensions, config, process, ends, late, to_do):
                    if "point" in message:
                        progress.set_postfix_str(message["point"], refresh=False)
                        progress.update(costs[message["point"]])
                    elif "arena_bytes" in message:
                        note_memory(info, message)
                    elif "domain" in message:
                        info["domain"] = message["domain"]
                        store.write_info(folder, info)
                    else:
                        note_canary(info, message)
            seconds_of_cost = max(seconds_of_cost, (time.monotonic() - start) / cost)
            store.write_info(folder, info)
            if not journal.points().keys() >= wanted:
                stopped_by = "minutes"
                break
    keep_answered(config, info, planned, journals[0].points().keys())
    info["precision"] = {
        "target_half_width_percent": protocol["half_width_percent"],
        "stopped_by": stopped_by,
        **precision.reached(folder, info, journals),
    }


def keep_answered(config: Config, info: dict[str, Any], planned: plan.Plan, answered: Collection[str]) -> None:
    """Takes out of a run's experiments what its first process had no time for, and says so. Raises HarnessError where
    that is everything."""
    if not answered:
        raise HarnessError(f"no question was answered in time: {too_slow(config)}; the same command goes on from here")
    missing = [(item, n, t) for item in planned.items for n, t in item.points() if item.key(n, t) not in answered]
    for item, n, threads in missing:
        team = f" with {threads} threads" if threads > 1 else ""
        skip(info, f"{item.experiment} {item.compiler} {item.isa} at {n} elements{team}", "too little time")
    if missing:
        print(f"No process measured everything, so that this run decides nothing: {too_slow(config)}.")
        info["experiments"] = plan.remaining(planned, answered).experiments()


def finish(folder: Path, info: dict[str, Any]) -> None:
    """Merges the journals into samples.csv, completes run.json, then removes what only a run in progress needs: not
    before the rows on disk are known to be all that this run.json says.

    Raises HarnessError where they are not; then the journals stay.
    """
    info |= store.write_samples(folder, store.journals(folder))
    info["ended"] = now()
    store.check_samples(folder, info)
    store.write_info(folder, info)
    store.clear_away(folder, is_complete=True)
