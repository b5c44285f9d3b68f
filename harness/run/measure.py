"""A whole run: plan, tune, one process after the other, then samples.csv and run.json. A killed run is continued."""

from __future__ import annotations

import math
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.machine import detection, identity
from harness.machine.allocation import allocation
from harness.machine.lock import exclusive, held
from harness.native import audit
from harness.record import instance, room, store
from harness.record.configuration import Config
from harness.record.errors import HarnessError, TimeSpent
from harness.record.journal import Journal
from harness.record.run import NOT_EMULATED, UNKNOWN, Machine, Row, Session, Skipped
from harness.run import accuracy, plan, precision, tune, words, worker
from harness.run.begun import Begun
from harness.run.budget import ACCURACY_ENDS, GRACE, TUNING_ENDS, Budget
from harness.run.folders import begun_elsewhere, is_complete, note_of, ordinals_wanted
from harness.run.follow import follow, run_worker
from harness.run.prepare import now, prepare
from harness.run.progress import bar
from harness.run.worker import ToMeasure

if TYPE_CHECKING:
    from harness.record.samples import Run

# Recorded runs have up to 80,000 rows, 7 MB, which lie in journals and in samples.csv for a moment.
RUN_BYTES = 48 << 20


def measure(config: Config, extensions: Path, runs: Path, again: int = 0, asked: str | None = None) -> Path:
    """Measures what the configuration asks for and returns the folder of the last run, below `runs`/MACHINE/.

    An incomplete run of the same content is continued by its own plan. A complete one is left as it is; where it is to
    be measured `again`, so many runs follow beside it. `asked`: the machine that a scheduler was asked for; where this
    is another, the run says so.

    Raises HarnessError where another measurement runs on this machine; in a job of a scheduler it waits for that
    instead, since nobody is there to start it again.
    """
    while True:
        with exclusive(patience=math.inf if allocation() else 0.0):
            record, planned, host = prepare(config, extensions)
            room.require_in(runs, RUN_BYTES, "make room, or write elsewhere with --runs")
            todo = ordinals_wanted(runs, record, again)
            if again > 1:
                print(f"run {again - len(todo) + 1} of {again}")
            record = instance.numbered(record, todo[0])
            folder = runs / record.machine.name / record.name
            if is_complete(folder):
                told = "nothing is measured. `make again` (or --again) measures once more."
                print(f"{folder} is complete already; {told}")
                return folder
            with held(folder, record.machine.host or UNKNOWN):
                if not is_complete(folder):  # another process may have ended it just now
                    measure_into(Begun(folder, record, planned, host), asked)
        if len(todo) == 1:
            if again > 1:
                note_of(folder.parent, record).unlink(missing_ok=True)
            return folder


def measure_into(run: Begun, asked: str | None = None) -> None:
    """Begins a run, or goes on with what is in its folder, to the end. `asked`: as for `measure`."""
    resumed = (run.folder / store.INFO).exists()
    if resumed:
        begun = store.read_record(run.folder)
        if changed := instance.changes(begun, run.record):
            raise HarnessError(f"{run.folder} is not what its name says: {', '.join(changed)}; remove it")
        store.clear_away(run.folder, is_complete=False)
        run.record = begun
        run.plan = replace(run.plan, items=plan.items_of(begun.experiments), skipped=begun.skipped)
    plan.require_memory(*run.plan.largest_need(), detection.available_memory_bytes())
    print(words.text(run.plan))
    for line in [f"going on with {run.folder}"] if resumed else begun_elsewhere(run.folder, run.record):
        print(f"  {line}")
    found = audit.audit(run.host, run.record.machine.name, run.record.memory.cpu)
    if job := allocation():
        found += audit.audit_job(job, run.record.machine.name, asked, run.plan.budget_seconds())
    begin_session(run, found)
    tune.verify(run)
    # From now on: to know what is right takes seconds, on a slow machine minutes, and is done once.
    budget = Budget(time.monotonic(), run.plan.budget_seconds())
    tune.tune_verified(run, budget)
    check_accuracy(run, budget)
    measure_processes(run, budget)
    finish(run)
    if not identity.identify(run.record.machine, run.config.get("machine")).known:
        offer_file(run.record.machine)


def begin_session(run: Begun, found: list[dict[str, str]]) -> None:
    """Adds a session with this audit to a run, tells what disturbs, and keeps the worst that each item was in."""
    for item in found:
        if item["disturbs"] == "yes":
            print(f"  note: {item['item']}: {item['found']}; {item['advice']}")
    sessions = (*run.record.sessions, Session(now(), tuple(found)))
    run.write(sessions=sessions, audit=tuple(audit.worst([session.audit for session in sessions])))


def offer_file(machine: Machine) -> None:
    """Tells of an unknown machine which file would make it known; of an emulated one, that none would."""
    if machine.emulator != NOT_EMULATED:
        print(f"This machine is emulated ({machine.emulator}): what it measures decides nothing.")
        return
    print(f"This machine is not known yet; config/machines/{machine.name}.yaml would be:\n")
    print(textwrap.indent(identity.offer(machine), "  "))


def check_accuracy(run: Begun, budget: Budget) -> None:
    """Looks at the accuracy of what is tuned, where the protocol asks for it and it is not known yet. Of lengths that
    time is too short for no row is kept, and it is said that they were skipped."""
    lengths = run.record.accuracy_elements
    if not lengths or run.record.accuracy:
        return
    isas = {isa for _, isa in run.pairs}
    softmaxes = accuracy.softmaxes(run.plan.roster) * len(isas) + len(run.record.peers.libraries)
    each = softmaxes * len(accuracy.DISTRIBUTIONS)
    # However late tuning was.
    ends = max(budget.until(ACCURACY_ENDS), time.monotonic() + (ACCURACY_ENDS - TUNING_ENDS) * budget.seconds)
    exp: list[Row] = []
    softmax: list[Row] = []
    with bar("accuracy", len(isas) + each * len(lengths), ends=ends) as progress, suppress(TimeSpent):
        for message in run_worker(run, worker.ACCURACY, ends, ends):
            exp += [message["exp"]] if "exp" in message else []
            softmax += [message["softmax"]] if "softmax" in message else []
            progress.update(1)
    known = Counter(row["elements"] for row in softmax)
    whole = tuple(n for n in lengths if known[n] >= each)
    for n in lengths:
        if n not in whole:
            run.skip(Skipped(f"accuracy of {n} elements", "too little time"))
    kept = tuple(row for row in softmax if row["elements"] in whole)
    run.write(accuracy_elements=whole, exp=tuple(exp), accuracy=kept)


def measure_processes(run: Begun, budget: Budget) -> None:
    """Runs one process after the other: the protocol's least number over everything, then over what is not known
    precisely enough, until nothing is left, the most processes have run, or the minutes are spent. Which of these it
    was is recorded. The first process is always begun; what it can't do in time is taken out of the plan. A run that is
    resumed has its minutes anew.

    Raises HarnessError where no question at all was answered in time.
    """
    least, most = (run.plan.protocol["processes"][end] for end in ("least", "most"))
    costs = run.plan.costs()
    journals = [Journal(run.folder / f"process-{process}.journal") for process in range(most)]
    before = sum(costs.get(key, 0) for journal in journals for key in journal.points())
    stopped_by, seconds_of_cost = "processes", 0.0
    ends = budget.until()
    with bar("measuring", sum(costs.values()) * least, before, ends) as progress:
        for process, journal in enumerate(journals):
            wanted = set(costs) if process < least else set(precision.reached(so_far(run, journals[:process])).missed)
            if not wanted:
                stopped_by = "precision"
                break
            done = journal.points().keys()
            if done >= wanted:
                continue
            cost = run.plan.process_seconds(wanted - done)
            if process and cost * seconds_of_cost > budget.left():
                progress.write(f"processes {process} to {most - 1} are skipped: time is spent", file=sys.stderr)
                stopped_by = "minutes"
                break
            if process >= least:
                progress.total += sum(costs[key] for key in wanted)
            progress.set_description_str(f"measuring, process {process + 1} of {least if process < least else most}")
            asked = ToMeasure(
                costs={key: costs[key] for key in wanted},
                cost=cost,
                later=(run.plan.process_seconds(),) * max(0, least - 1 - process),
                pace=seconds_of_cost or run.plan.slowness,
                waits=max(0.0, (1 - TUNING_ENDS) * run.seconds_to_wait(budget.seconds) - waited_for(journals)),
            )
            start, beyond = time.monotonic(), 0.0
            with suppress(TimeSpent):
                told = run_worker(run, process, ends, budget.until(1 + GRACE), asked)
                beyond = follow(run, told, progress, costs)
            seconds_of_cost = max(seconds_of_cost, (time.monotonic() - start - beyond) / cost)
            run.write()
            if not journal.points().keys() >= wanted:
                stopped_by = "minutes"
                break
    keep_answered(run, journals[0].points().keys())
    run.learn(precision=precision.reached(so_far(run, journals), stopped_by))


def waited_for(journals: Sequence[Journal]) -> float:
    """The seconds that the processes of these journals waited for a calm machine."""
    return sum(group.told["waited"] for journal in journals for group in journal.groups())


def so_far(run: Begun, journals: Sequence[Journal]) -> Run:
    """The run as these journals have it."""
    from harness.record.samples import Run

    return Run.of(run.record, run.folder, precision.read(journals))


def keep_answered(run: Begun, answered: Collection[str]) -> None:
    """Takes out of a run's experiments what its first process had no time for, and says so. Raises HarnessError where
    that is everything."""
    if not answered:
        told = words.too_slow(run.plan)
        raise HarnessError(f"no question was answered in time: {told}; the same command goes on from here")
    missing = [item.told(n, t) for item, n, t in run.plan.questions() if item.key(n, t) not in answered]
    for what in missing:
        run.skip(Skipped(what, "too little time"))
    if missing:
        print(f"No process measured everything, so that this run decides nothing: {words.too_slow(run.plan)}.")
        run.learn(experiments=run.plan.remaining(answered).described())


def finish(run: Begun) -> None:
    """Merges the journals into samples.csv, completes run.json, then removes what only a run in progress needs: not
    before the rows on disk are known to be all that this run.json says.

    Raises HarnessError where they are not; then the journals stay.
    """
    from harness.record.samples import read_samples

    kept = store.journals(run.folder)
    groups = tuple(group.told for journal in kept for group in journal.groups())
    run.learn(**store.write_samples(run.folder, kept), groups=groups, ended=max(now(), run.record.started))
    read_samples(run.folder / store.SAMPLES, run.record)
    run.write()
    store.clear_away(run.folder, is_complete=True)
