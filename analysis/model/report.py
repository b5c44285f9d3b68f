"""The model in words: what it expects of machines that were not measured, why, and how far it may be trusted."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.claims.claims import paper_percent
from analysis.model import figures
from analysis.model.forecast import LENGTHS, PUBLISHED, SPEEDUP_PERCENT, UNHIDDEN, forecast, predicted_machines, told
from analysis.model.times import REGIONS, Parameters
from analysis.model.validate import ALGORITHM, COVERED, LATER, OTHER_MICROARCHITECTURE, PASS, SPEEDUP
from harness.reading import names
from harness.record.machines import load_machines
from harness.statistics.selection import THREE_PASS, TWO_PASS

COVERAGE_TARGET, BAND_TARGET = (70, 90), 15
"""Percent of what was measured in the bands; points of half a band of the largest speedup."""


@dataclass(frozen=True)
class Asked:
    """What is asked of the model, of one kind of numbers."""

    what: str
    unit: str
    of: Callable[[pd.DataFrame], pd.Series]
    """Which rows of validate.compare these are."""
    most_off: float = math.inf
    """By how much they may be off, in the unit and in the median."""
    is_covered: bool = False
    """Whether COVERAGE_TARGET of them have to lie in their bands."""

    def row(self, own: pd.DataFrame, machines: Sequence[str]) -> str:
        """A row of the table in Markdown; `own` as `_held`."""
        each = ", ".join(f"{off:.1f}" for off in own.groupby("machine")["off"].median().reindex(machines))
        cells = (
            self.what,
            str(len(own)),
            f"{own['off'].median():.1f} {self.unit}",
            each,
            f"{own['inside'].mean():.0f} %",
            f"{own['apart'].mean():.0f} %",
            f"{own['needed'].quantile(COVERED):.1f}",
        )
        return f"| {' | '.join(cells)} |".replace("nan %", "–").replace("nan", "–")

    def misses(self, own: pd.DataFrame) -> Iterator[str]:
        """What is not met, in words."""
        off, inside, (least, most) = own["off"].median(), own["inside"].mean(), COVERAGE_TARGET
        if off > self.most_off:
            yield f"{self.what} are off by {off:.1f} {self.unit}, asked at most {self.most_off:g}"
        if self.is_covered and not least <= inside <= most:
            yield f"{inside:.0f} % of {self.what} in the bands, asked {least} to {most}"


def _kind(kind: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda table: table["kind"] == kind


def _far_speedups(isa: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda table: (table["kind"] == SPEEDUP) & (table["region"] == REGIONS[-1]) & (table["isa"] == isa)


ASKED = (
    Asked("times of algorithms", "%", _kind(ALGORITHM), 7, is_covered=True),
    Asked("times of passes", "%", _kind(PASS), 7, is_covered=True),
    Asked("times of later algorithms", "%", _kind(LATER)),
    Asked("speedups out of cache, AVX512F", "points", _far_speedups("avx512f"), 5),
    Asked("speedups out of cache, AVX2", "points", _far_speedups("avx2"), 7),
    Asked("speedups", "points", _kind(SPEEDUP), is_covered=True),
)


def _held(table: pd.DataFrame) -> pd.DataFrame:
    """The table of validate.compare with relative (expected to measured), off (percent of times, points of speedups),
    inside and apart (100 where what was measured is in the band, by other blocks of its machine and by other machines;
    NaN where there is no band), and needed (the factor that the latter band would take)."""
    relative = table["expected"] / table["measured"]
    is_ratio, measured = table["kind"] == SPEEDUP, table["measured"]
    apart_reaches = np.log(table["high_apart"] / table["expected"])
    found = table.assign(
        relative=relative,
        off=100 * (table["expected"] - measured).abs() / measured.where(~is_ratio, 1),
        inside=100.0 * measured.between(table["low"], table["high"]),
        apart=100.0 * measured.between(table["low_apart"], table["high_apart"]),
        needed=OTHER_MICROARCHITECTURE * np.abs(np.log(relative)) / apart_reaches,
    )
    found.loc[np.isinf(table["high"]), "inside"] = np.nan
    found.loc[np.isinf(table["high_apart"]), ["apart", "needed"]] = np.nan
    return found


def validation(table: pd.DataFrame) -> str:
    """How well the model does, as Markdown, what is not met first; `table` as validate.compare gives it."""
    machines, runs = sorted(set(table["machine"])), sorted(set(table["machine"] + "/" + table["run"]))
    found, chosen = _held(table), Parameters()
    asked = [(one, own) for one in ASKED if len(own := found[one.of(found)])]
    rows = [one.row(own, machines) for one, own in asked]
    misses = [miss for one, own in asked for miss in one.misses(own)]
    places = found[_kind(ALGORITHM)(found)].groupby(["machine", "region"])["relative"].median()
    where = ", ".join(f"{machine} {region} {100 * (one - 1):+.0f} %" for (machine, region), one in places.items())
    return f"""\
Not met of what was asked: {"; ".join(misses) or "nothing"}.

| what | how many | median error | of {", ".join(machines)} | in the bands of 80 % | by other machines | would take |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

*In the bands*: those of each block of (compiler, ISA, what holds X) are as wide as the errors of the same machine's
other blocks with X in the same place; of later algorithms as those of the paper's. *By other machines*: as wide as
their errors times {OTHER_MICROARCHITECTURE:g}; *would take*: the factor that holds 80 %. Where there is no other such
block there is no band, and nothing is counted: {np.isinf(table["high"]).sum()} of {len(table)}.

Expected times of algorithms against those measured, by what holds X (median): {where}. Bandwidths are those of the
run's best loops, timed at another minute; computation takes as much longer as the run's canary beside neighbours.

Two numbers were chosen, with Zen 4 in view, and none is fitted: loops lie {chosen.in_core:g} of the way from llvm-mca's
block throughput to its simulation, and stores cost {chosen.lone_store:g} times the copy loop's while nothing is read
from beyond L2. Neighbouring lengths are not independent. By runs {", ".join(runs)}.
"""


def explanation(scores: Iterable[str], recorded: str) -> str:
    """What the model expects of the paper's machines, and why, as a page of Markdown; `scores` say how what was sealed
    fared; `recorded` is the validation. Raises HarnessError."""
    missed, _, validated = recorded.partition("\n")
    machines = predicted_machines()
    rows = [_largest(name, isa) for name, isas in machines.items() for isa in isas]
    paragraphs = [text for name, isas in machines.items() for text in _reasons(name, isas)]
    return f"""\
# What the model expects of machines that were not measured

Predictions, not measurements: no claim is judged by them. {missed}

Largest speedup of Two-Pass over the better Three-Pass out of cache, for gcc's loops in the variants that llvm-mca gives
the fewest cycles: median with 10 to 90 %. *By its inputs alone*: were the model never off but for what it is told.

| machine | ISA | model says | by its inputs alone | the paper claims |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

## Why

At {names.count(LENGTHS[-1])} elements. Two-Pass is ext_sum and ext_scale; what takes less than 100 % of the time of its
data waits for them. u4k1 takes four vectors at once into one accumulator.

{(2 * chr(10)).join(paragraphs)}

## What the bands are

What is uncertain of a machine is drawn once a draw and shared by its passes: clock and bandwidths of each level (ranges
in config/machines/, none of these very products), where llvm-mca's loops lie, what lone stores cost, and up to
{100 * UNHIDDEN:.0f} % of the shorter one of computation and data that is not hidden. The rest, and most of it, is how
far the model was off on machines that were measured, one of them beside loud neighbours. What another microarchitecture
does they cannot tell: for it errors are widened by {OTHER_MICROARCHITECTURE:g} (OTHER_MICROARCHITECTURE in
analysis/model/validate.py, with its reason). What measured machines need of one another the validation tells last.

## Sealed before it was measured

{chr(10).join(f"- {score}" for score in scores) or "Nothing."}

## Validation

{validated.strip()}
"""


def _largest(name: str, isa: str) -> str:
    """The largest speedup that is expected of a machine, as a row of a table in Markdown."""
    claim, its = paper_percent(isa), forecast(name, isa)
    inputs_alone = replace(its, grids={(SPEEDUP_PERCENT, ""): 100 * (its.prediction.ratio() - 1)})
    (_, low, high), (_, *ends) = its.largest(), inputs_alone.largest()
    wide = f", wider than ± {BAND_TARGET}" if high - low > 2 * BAND_TARGET else ""
    alone = "[{:+.0f}, {:+.0f}]".format(*ends)
    claimed = f"up to {claim.value:g} %" if claim and claim.machine == name else "more than 0"
    title = load_machines()[name].title
    return f"| {title} | {names.ISAS[isa]} | {told(name, isa)}{wide} | {alone} | {claimed} |"


def _reasons(name: str, isas: Iterable[str]) -> tuple[str, str]:
    """Why that is expected of a machine, a paragraph, and its figure."""
    title = load_machines()[name].title
    why = " ".join([f"**{title}.**", *(_why(name, isa) for isa in isas)])
    return why, f"![{title}, as the model expects it]({name}/{figures.NAME}.svg)"


def _why(name: str, isa: str) -> str:
    """What limits Two-Pass out of cache on a machine, and what would have to be true for what the paper claims."""
    ours, theirs = (forecast(name, isa, *variants) for variants in ((), (PUBLISHED,)))
    made, claim = ours.prediction, paper_percent(isa)
    passes = {one: made.passes[TWO_PASS, one] for one in made.subject.algorithms[TWO_PASS]}
    busy = {one: 100 * float(np.median(its.computation[:, -1] / its.data[:, -1])) for one, its in passes.items()}
    two_pass, *rivals = (made.total(one, "data")[:, -1] for one in (TWO_PASS, *THREE_PASS))
    bound = " and ".join(one for one, percent in busy.items() if percent > 100)
    (shape, *ends), (published, *its) = (one.prediction.subject.loops["ext_sum"] for one in (ours, theirs))
    sentences = [
        f"In {names.ISAS[isa]} {f'the core limits {bound}' if bound else 'memory limits both passes of Two-Pass'}: "
        f"computation takes {' and '.join(f'{busy[one]:.0f} % ({one})' for one in busy)} of the time of their data.",
        f"By what it moves alone Two-Pass would gain {100 * (np.median(np.minimum(*rivals) / two_pass) - 1):.0f} %.",
        f"A vector of ext_sum takes {np.mean(ends):.1f} cycles ({shape}), in the published shape {np.mean(its):.1f} "
        f"({published}); with all published shapes {theirs.largest()[0]:+.0f} % would be expected.",
    ]
    if claim and claim.machine == name:
        ext_sum, now = passes["ext_sum"], made.total(TWO_PASS)
        longer = ext_sum.total + now * (made.ratio() / (1 + claim.value / 100) - 1)
        sentences.append(
            f"For the paper's {claim.value:g} % ext_sum would have to take "
            f"{np.median(longer[:, -1] / ext_sum.computation[:, -1]):.1f} times its cycles; in the published shape it "
            f"takes {np.mean(its) / np.mean(ends):.2f} times as many."
        )
    return " ".join(sentences)
