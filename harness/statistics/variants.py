"""Which variant of a pass is the fastest, by how much, and what the choice of one may cost.

What a process adds stays the same however often it samples: so differences are formed within each process, over its own
figure for each variant and length, and their median and interval are over processes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.record.run import Row, Skipped, by_pass
from harness.statistics.intervals import bounds, intervals

# What a first look finds so much slower than the best is not measured again: several times what one process is off.
FINALISTS_WITHIN = 0.05
# Variants whose medians lie so close are equal, and a rule decides that does not depend on noise: in simulation six
# processes are off by some 0.3 %. The choice of an earlier run stays until it is twice as far off, so that a variant at
# the edge does not come and go. Both are well below the 2 % that a choice may cost.
TIE, KEPT = 0.005, 0.01
FIRST_LOOK = 0
"""The process that looks at all variants; those after it, at finalists."""
TOGETHER = 0
"""Stands as `elements` for all lengths together: the geometric mean over them."""

KEYS = ["compiler", "isa", "pass"]
REVERSED = ("median", "high", "low")
"""The bounds of a ratio that is turned round, in the order median, low, high."""


@dataclass(frozen=True)
class Favoured:
    """What is known of the variants of one pass before they are measured: the machines that each was `published` for;
    the one that is `wanted`, which is chosen whatever it takes; and those that `earlier` runs chose, the most frequent
    first."""

    published: Mapping[str, Sequence[str]]
    wanted: str | None = None
    earlier: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """All of them, most important first."""
        wanted = [self.wanted] if self.wanted else []
        return list(dict.fromkeys([*wanted, *self.earlier, *self.published]))


def by_promise(variants: Sequence[str], favoured: Favoured) -> list[str]:
    """The variants, given in the order of the table of kernels, in the order in which they are tried where time is
    short: favoured ones, then from the middle of the table, where loops are neither short of independent work nor of
    registers."""
    middle = len(variants) // 2
    first = [name for name in favoured.names if name in variants]
    rest = [name for name in variants if name not in first]
    return [*first, *sorted(rest, key=lambda name: abs(variants.index(name) - middle))]


def logs(rows: Sequence[Row]) -> pd.DataFrame:
    """log(nanoseconds) of one pass, for each process (index) and for each variant and length (columns); rows have
    process, variant, elements and nanoseconds. A process that lacks one of the variants of any other is left out, but
    for the first look, which stands alone."""
    table = pd.DataFrame(rows)
    later = table[table["process"] != FIRST_LOOK]
    table = np.log(table.pivot(index="process", columns=["variant", "elements"], values="nanoseconds"))
    if len(later):
        wanted = [column for column in table if column[0] in set(later["variant"])]
        table.loc[table[wanted].isna().any(axis=1)] = np.nan
    return table.dropna(how="all")


def together(table: pd.DataFrame) -> pd.DataFrame:
    """Of `logs`, the mean over lengths: one column for each variant."""
    return table.T.groupby(level="variant", sort=False).mean().T


def finalists(rows: Sequence[Row], favoured: Favoured, most: int) -> list[str]:
    """The variants of one pass that are measured again, by a first look: those within FINALISTS_WITHIN of the best,
    best first, `most` at most; and all that are favoured."""
    first = together(logs([row for row in rows if row["process"] == FIRST_LOOK])).loc[FIRST_LOOK]
    ranked = first.sort_values(kind="stable")
    near = ranked[ranked - ranked.iloc[0] <= math.log1p(FINALISTS_WITHIN)].index[:most]
    return list(dict.fromkeys([*near, *(name for name in favoured.names if name in first.index)]))


def choose(scores: pd.DataFrame, order: Sequence[str], favoured: Favoured) -> tuple[str, str]:
    """The variant that is chosen, and by what: `paper` (it is wanted), `time` (it is the fastest), or of equal ones
    `earlier` (a run on disk chose it) or `table` (it comes first in the table of kernels, so its loop is the shortest).

    `scores` are log times of all finalists, one row for each process.
    """
    if favoured.wanted:
        return favoured.wanted, "paper"
    best = (scores.sub(scores.mean(axis=1), axis=0)).median().idxmin()
    behind = scores.sub(scores[best], axis=0).median()
    kept = next((name for name in favoured.earlier if name in behind and behind[name] <= math.log1p(KEPT)), None)
    tied = (name for name in order if name in behind and behind[name] <= math.log1p(TIE))
    chosen, by = (kept, "earlier") if kept else (next(tied), "table")
    return chosen, "time" if chosen == best else by


def table(rows: Sequence[Row], order: Sequence[str], favoured: Favoured) -> list[dict[str, object]]:
    """Rows of a run's table `tuning` for one pass, of what its processes have measured (compiler, isa, pass, process,
    variant, elements, nanoseconds); `order` has all variants that there are, as the table of kernels has them.

    Of every variant there is a row over all lengths (`elements` is None), and of every finalist one for each length:
    finalists first, by their times.
    """
    known = logs(rows)
    later = known.loc[known.index != FIRST_LOOK].dropna(axis=1)
    final = later if len(later) else known
    chosen, by = choose(together(final), order, favoured)
    finals = set(final.columns.get_level_values("variant"))
    found = [_told(final, chosen)]
    if len(later):
        found.append(_told(known.loc[[FIRST_LOOK]], chosen).query("variant not in @finals"))
    told = pd.concat(found)
    told = told[told["variant"].isin(finals) | (told["elements"] == TOGETHER)]
    place = told[told["elements"] == TOGETHER].set_index("variant")["relative_percent_median"]
    ranks = {name: (name not in finals, place[name]) for name in place.index}
    tried, key = len(place), {name: rows[0][name] for name in KEYS}
    made = [
        {
            **key,
            "variant": row["variant"],
            "elements": int(row["elements"]) or None,
            "chosen": row["variant"] == chosen,
            **({"chosen_by": by} if row["variant"] == chosen else {}),
            "finalist": row["variant"] in finals,
            **({"available": len(order)} if tried < len(order) else {}),
            "published_for": list(favoured.published.get(row["variant"], ())),
            "processes": int(row["processes"]),
            **{name: float(row[name]) for value in ("nanoseconds", "relative_percent") for name in bounds(value)},
        }
        for row in told.to_dict("records")
    ]
    return sorted(made, key=lambda row: (*ranks[row["variant"]], row["elements"] or TOGETHER))


def _told(known: pd.DataFrame, chosen: str) -> pd.DataFrame:
    """Nanoseconds, and by how many percent they are more than the chosen variant's, of each variant and length and over
    all lengths, with intervals over processes."""
    whole = together(known)
    whole.columns = pd.MultiIndex.from_product([whole.columns, [TOGETHER]], names=known.columns.names)
    everything = pd.concat([whole, known], axis=1)
    long = everything.melt(ignore_index=False, value_name="log").reset_index()
    ours = long[long["variant"] == chosen].rename(columns={"log": "ours"})[["process", "elements", "ours"]]
    long = long.merge(ours, on=["process", "elements"])
    long["relative"] = long["log"] - long["ours"]
    by = ["variant", "elements"]
    times, relative = (intervals(long, by, value) for value in ("log", "relative"))
    times[bounds("nanoseconds")] = np.exp(times[bounds("log")].to_numpy(float))
    times[bounds("relative_percent")] = 100 * np.expm1(relative[bounds("relative")].to_numpy(float))
    return times


def narrowed(rows: Sequence[Row]) -> list[Skipped]:
    """Of which passes time was too short to try every variant."""
    found = []
    for key, those in by_pass(row for row in rows if "available" in row and row["elements"] is None).items():
        tried, available = len(those), those[0]["available"]
        variant = next(row["variant"] for row in those if row["chosen"])
        how = "which no other was tried against" if tried == 1 else f"the best of {tried}"
        what = f"tuning of {available - tried} of {available} variants of {' '.join(key)}"
        found.append(Skipped(what, f"too little time; measured is {variant}, {how}"))
    return found


def regret(rows: Sequence[Row]) -> tuple[float, float, float]:
    """By how many percent the chosen variant of one pass may be slower than the best of the finalists: median, low and
    high.

    Which is the best is not known, so that the true figure lies between the largest lower and the largest upper bound
    of what the chosen one takes against any; never below 0, since it is one of them.
    """
    against = [row for row in rows if row["finalist"] and row["elements"] is None]
    found = [[100 * (100 / (100 + row[f"relative_percent_{end}"]) - 1) for row in against] for end in REVERSED]
    median, low, high = (max(0.0, *values) for values in found)
    return median, low, high
