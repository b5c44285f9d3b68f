"""Which algorithm to use where, and what it costs to use one everywhere, by the frontier of a body of evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from harness.reading import names
from harness.reading.evidence import Evidence, doubts
from harness.reading.frontier import CASE, OUTPUTS, POINT, outputs_in, pooled_frontier
from harness.reading.pooling import largest_of
from harness.record.errors import MissingRows
from harness.record.run import with_threads
from harness.record.samples import made_once
from harness.statistics import selection
from harness.statistics.intervals import bounds


@made_once
def advice(evidence: Evidence) -> pd.DataFrame:
    """What to use at each point.

    Returns one row for each (isa, compiler, output, threads, elements): fastest; ties (the others that no more than the
    noise floor tells from it, joined by a space); papers_best (the fastest algorithm of the paper) and its
    relative_time_median, _low, _high to the fastest; runs, confidence, processes. Raises MissingRows.
    """
    rows = []
    for key, table in pooled_frontier(evidence).groupby(POINT):
        ties = table[table["is_tied"] & (table["algorithm"] != table["fastest"])].sort_values("relative_time_median")
        papers = table[table["origin"] == "paper"].sort_values("relative_time_median", kind="stable")
        best = papers.iloc[0]
        rows.append(
            {
                **dict(zip(POINT, key, strict=True)),
                **{"fastest": best["fastest"], "ties": " ".join(ties["algorithm"]), "papers_best": best["algorithm"]},
                **{name: best[name] for name in bounds("relative_time")},
                **{name: table[name].min() for name in ("runs", "confidence", "processes")},
            }
        )
    return pd.DataFrame(rows)


@made_once
def regrets(evidence: Evidence) -> pd.DataFrame:
    """What it costs to use one algorithm at every length.

    Returns one row for each (isa, compiler, output, threads, algorithm): origin; lengths (how many); worst_elements and
    worst_percent_median, _low, _high (where and by how much it takes longer than the fastest, where that is most: as
    `largest_of`); mean_percent (the same as geometric mean over the lengths); runs, confidence, processes. Raises
    MissingRows.
    """
    rows = []
    for key, table in pooled_frontier(evidence).groupby([*CASE, "algorithm"], sort=False):
        worst = largest_of(table, "relative_time")
        mean = np.exp(np.log(table["relative_time_median"]).mean())
        over = {f"worst_percent_{end}": 100 * (worst[f"relative_time_{end}"] - 1) for end in ("median", "low", "high")}
        rows.append(
            {
                **dict(zip([*CASE, "algorithm"], key, strict=True)),
                **{"origin": worst["origin"], "lengths": len(table), "worst_elements": worst["elements"], **over},
                "mean_percent": 100 * (mean - 1),
                **{name: worst[name] for name in ("runs", "confidence", "processes")},
            }
        )
    return pd.DataFrame(rows)


def advised(evidence: Evidence, elements: int, outputs: Sequence[str], isa: str | None, threads: int) -> list[str]:
    """What to use for vectors of so many elements, a sentence for each of these fates of the output (of all that were
    measured where none is given), by `advice`; in the widest ISA where none is given. Raises MissingRows where that was
    not measured."""
    run, table = evidence.newest, advice(evidence)
    isa = isa or selection.isas(table)[0]
    lines, those = [], table[(table["isa"] == isa) & (table["threads"] == threads)]
    for output in outputs or outputs_in(those) or OUTPUTS.values():
        case = those[those["output"] == output]
        if case.empty:
            asked = f"{names.ISAS[isa]}, {output} output{with_threads(threads)}"
            raise MissingRows(f"{run.folder}: no rows of the frontier of {asked}")
        told = case.set_index("elements").loc[list(nearest(list(case["elements"]), elements))]
        lines += [f"{names.ISAS[isa]}, {output} output, {n:,} elements: {_sentence(row)}" for n, row in told.iterrows()]
    doubt = "a smoke run claims nothing" if run.protocol.is_smoke else doubts(evidence).doubt(isa)
    return [*lines, f"nothing is decided: {doubt}"] if doubt else lines


def _sentence(row: pd.Series) -> str:
    """A row of `advice` in words."""
    ties = [names.algorithm(name) for name in row["ties"].split()]
    told = f"use {names.algorithm(row['fastest'])}" + (f"; as fast: {'; '.join(ties)}" if ties else "")
    if row["papers_best"] in (row["fastest"], *row["ties"].split()):
        return told
    longer = names.interval(100 * (row[bounds("relative_time")] - 1), form=".1f")
    return f"{told}; the paper's best, {names.algorithm(row['papers_best'])}, takes {longer} longer"


def nearest(lengths: list[int], elements: int) -> tuple[int, ...]:
    """The lengths that tell of one: itself, or those on both sides of it, or the one at the end that it lies beyond."""
    ordered = sorted(lengths)
    if elements in ordered:
        return (elements,)
    around = [pair for pair in pairwise(ordered) if pair[0] < elements < pair[1]]
    return around[0] if around else (min(ordered, key=lambda n: abs(math.log(n / elements))),)
