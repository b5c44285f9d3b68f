"""Runs whose times are given, so that answers can be derived by hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.claims.claims import Claim
from analysis.claims.verdicts import Judgement, of_machine, together
from harness.record.run import content_of, record_of
from harness.record.samples import Run

ISAS, LENGTHS, PROCESSES = ("avx2", "avx512f"), (4096, 1 << 25), 8
"""Of the runs with controls."""
NEAR, FAR = 4096, 1 << 25
PASSES = {
    ("max", "u1k1"): (20, 100), ("exp_sum", "u1k1"): (150, 165), ("exp_store", "u1k1"): (160, 260),
    ("exp_scale", "u1k1"): (170, 262.5), ("scale", "u1k1"): (20, 210),
    ("load", "u1k1"): (10, 110), ("load", "u4k1"): (10, 100), ("copy", "u1k1"): (20, 250),
    ("copy_nt", "u1k1"): (100, 200), ("update", "u1k1"): (20, 200), ("store", "u1k1"): (20, 180),
}  # fmt: skip
"""By pass and variant, at NEAR and at FAR."""
Timed = tuple[str, str, str, str, int, int, float]
"""experiment, algorithm, pass, variant, elements, threads, nanoseconds."""


def judge_all(claims: Sequence[Claim], runs: Mapping[str, Sequence[Run]]) -> list[Judgement]:
    """Every claim by the runs of some machines."""
    return together(claims, {machine: of_machine(claims, machine, those) for machine, those in runs.items()})


def run_that_says(run: Run, /, **changed: Any) -> Run:
    """The run with other values of these keys of run.json."""
    return Run.of(record_of({**content_of(run), **changed}), run.folder, run.samples)


def run_with_times(run: Run, rows: Iterable[Timed]) -> Run:
    """The run with these times alone, the same in each of 6 processes."""
    table = [
        (experiment, "gcc", "avx2", algorithm, name, variant, elements, threads, "paper", process, 0, place, 1,
         nanoseconds, 5000, 1, "")
        for place, (experiment, algorithm, name, variant, elements, threads, nanoseconds) in enumerate(rows)
        for process in range(6)
    ]  # fmt: skip
    return replace(run, samples=pd.DataFrame(table, columns=list(run.samples)))


def run_with_controls(run: Run, percent: Callable[[str, str, int, int], float]) -> Run:
    """The run with controls alone, which take so many percent more than Two-Pass, by (control, ISA, elements,
    process)."""
    table = [
        ("controls", "gcc", isa, name, "", "u1k1", elements, 1, "paper", process, turn, place, 1,
         round(1e9 * (1 + percent(name, isa, elements, process) / 100)), 1, 1, "")
        for isa in ISAS
        for elements in LENGTHS
        for process in range(PROCESSES)
        for turn in range(2)
        for place, name in enumerate(("two-pass", *run.controls))
    ]  # fmt: skip
    return replace(run, samples=pd.DataFrame(table, columns=list(run.samples)))


def run_with_passes(run: Run, times: Mapping[tuple[str, str], tuple[float, float]] = PASSES) -> Run:
    """The run with single passes alone, of eight processes; times[pass, variant] is nanoseconds per element at NEAR and
    at FAR."""
    table = [
        ("passes", "gcc", "avx2", "", name, variant, elements, 1, "warm", process, 0, 0, 1,
         round(elements * time * 1000 * (1 + 0.001 * process)), 5000, 1, "")
        for (name, variant), pair in times.items()
        for elements, time in zip((NEAR, FAR), pair, strict=True)
        for process in range(8)
    ]  # fmt: skip
    return replace(run, samples=pd.DataFrame(table, columns=list(run.samples)))


def planted(control: str) -> float:
    """What a control's name says was planted, in percent."""
    return float(control.split("-")[3]) if "plus" in control else 0.0


def body_of_evidence(run: Run, percents: Iterable[float]) -> list[Run]:
    """Runs of one body of evidence, the newest first: the run again and again, where Three-Pass takes so many percent
    longer."""
    return [
        replace(
            run_that_says(
                run, run=f"quick-{place:012x}", kernels_hash="a" * 64, ended=f"2026-02-{20 - place}T00:00:00Z"
            ),
            samples=slower(run.samples, percent),
        )
        for place, percent in enumerate(percents)
    ]


def at_other_lengths(run: Run) -> Run:
    """The run with whole algorithms at other lengths, as a run of a few lengths more."""
    items = tuple(replace(item, elements=tuple(n + 1 for n in item.elements)) for item in run.experiments["algorithms"])
    samples = run.samples.assign(elements=run.samples["elements"] + (run.samples["experiment"] == "algorithms"))
    return replace(run, experiments={**run.experiments, "algorithms": items}, samples=samples)


def slower(samples: pd.DataFrame, percent: float) -> pd.DataFrame:
    """Samples in which Three-Pass takes so many percent longer."""
    those = (samples["experiment"] == "algorithms") & samples["algorithm"].str.startswith("three-pass")
    times = samples["nanoseconds"] * (1 + percent / 100 * those)
    return samples.assign(nanoseconds=times.round().astype("int64"))
