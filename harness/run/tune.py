"""The first phases of a run: which variants are right, and which of them are measured."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from harness.experiments.base import Roster
from harness.native.extensions import load_kernels
from harness.record.errors import HarnessError, TimeSpent
from harness.record.journal import TuningJournal
from harness.record.run import Row, by_pass
from harness.run import exclusion, plan, words, worker
from harness.run.begun import Begun
from harness.run.budget import FIRST_LOOK_ENDS, GRACE, TUNING_ENDS, Budget
from harness.run.folders import earlier_runs
from harness.run.follow import follow, run_worker
from harness.run.progress import Bar, bar
from harness.run.worker import ToTune


def verify(run: Begun) -> None:
    """Looks at every variant that may be timed, if that has not been done, and has the run say what is wrong. Raises
    HarnessError where a pass has no other variant."""
    rosters = [Roster(run.config, load_kernels(run.host.folder, *pair)) for pair in run.pairs]
    if run.record.excluded is None:
        timed = [kernel for roster in rosters for kernel in exclusion.timed(roster)]
        exclude(run, exclusion.wrong_ones(run.host, timed))
    for roster in rosters:
        exclusion.require_variants(roster, run.record.excluded or ())


def exclude(run: Begun, found: list[dict[str, str]]) -> None:
    """Has these variants not be measured, and says so."""
    for its in found:
        print(f"  {exclusion.told(its)}")
    run.write(excluded=(*(run.record.excluded or ()), *found))


def tune_verified(run: Begun, budget: Budget) -> None:
    """Tunes, looks at all that will be timed at the longest length of the run until it is right, and has the run say
    what was chosen, and what there was no time for."""
    from harness.statistics.variants import narrowed

    while not run.record.tuning:
        rows = tune(run, budget)
        rosters = [replace(roster, tuning=rows) for roster in run.rosters().values()]
        chosen = [(roster, roster.tuned[name]) for roster in rosters for name in roster.passes]
        timed = [kernel for roster, ours in chosen for kernel in (ours, roster.as_published(ours)) if kernel]
        timed += [kernel for roster in rosters for kernel in roster.kernels if not kernel.computes]
        if not (found := exclusion.wrong_ones(run.host, timed, run.plan.longest_of_pairs())):
            for item in narrowed(rows):
                run.skip(item)
            run.write(tuning=tuple(rows))
            return
        # First, so that a run that is killed before the end only tunes anew.
        TuningJournal(run.folder).forget({its[:3] for its in exclusion.wrong(timed, found)})
        exclude(run, found)
        verify(run)


def tune(run: Begun, budget: Budget) -> list[Row]:
    """Tunes what is not tuned yet, in one process over all variants and then in as many over finalists as there is time
    for, and returns a run's `tuning`. Raises HarnessError where there is no time to look at one variant of each
    pass."""
    from harness.run.choices import Choices

    journal, choices = TuningJournal(run.folder), Choices.of(run, earlier_runs(run.folder))
    most, ends, seconds_of_size = run.plan.protocol["tuner"]["processes"], budget.until(TUNING_ENDS), 0.0
    waits = TUNING_ENDS * run.seconds_to_wait(budget.seconds)
    with bar("tuning", 1, ends=ends) as progress:
        for process in range(1 + most):
            fields, done = choices.fields(process, journal.rows()), journal.keys()
            todo = [field for field in fields if (process, *field.key) not in done]
            size = sum(field.size for field in todo)
            expected = plan.PROCESS_OVERHEAD_SECONDS + seconds_of_size * size
            if process and time.monotonic() + expected > ends:
                break
            if todo:
                progress.total = progress.n + size + (most - process) * len(fields) * choices.most
                progress.set_description_str(f"tuning, process {process + 1} of {most + 1}")
                began = time.monotonic()
                # The first look has to see all variants, so it does not wait.
                asked = ToTune(process, tuple(todo), waits if process else 0.0)
                if (waited := look(run, asked, budget, progress)) is None:
                    break
                waits -= waited
                seconds_of_size = max(seconds_of_size, (time.monotonic() - began - waited) / size)
    return choices.table(journal.rows())


def look(run: Begun, asked: ToTune, budget: Budget, progress: Bar) -> float | None:
    """Runs one process of tuning: the seconds that it waited, None where it was not done in time. Raises HarnessError
    where the first was not."""
    # The first tries fewer variants where it has to hurry; those after it are begun where they are expected to end.
    deadline = math.inf if asked.process else budget.until(FIRST_LOOK_ENDS)
    late, sizes = budget.until(TUNING_ENDS + GRACE), {" ".join(field.key): field.size for field in asked.fields}
    try:
        return follow(run, run_worker(run, worker.TUNING, deadline, late, asked), progress, sizes)
    except TimeSpent as error:
        if asked.process:
            return None
        total = len(run.plan.roster.passes) * len(run.pairs)
        tuned = len(by_pass(TuningJournal(run.folder).rows()))
        spent, why = words.duration(late - budget.began), words.too_slow(run.plan)
        raise HarnessError(
            f"{tuned} of {total} passes were tuned in {spent}: {why}; the same command goes on from here"
        ) from error
