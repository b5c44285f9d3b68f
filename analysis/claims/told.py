"""Verdicts in words: as a table, as a page of Markdown, as lines for a terminal."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.claims.verdicts import Judgement, Said
from harness.reading import names

VALUES = ("value", "low", "high", "confidence")


def number(judgement: Judgement) -> str:
    """What was measured, with its interval and unit; empty where nothing was."""
    measured, unit = judgement.measured, judgement.claim.unit
    if measured is None:
        return ""
    if measured.is_counted:
        return f"{measured.value:g}{unit}"
    return names.interval((measured.value, measured.low, measured.high), unit)


def table(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row for each judgement; value, low and high in the unit of the claim, empty where nothing was measured."""
    return pd.DataFrame(
        [
            {
                "id": its.claim.id,
                "machine": its.machine,
                "about": its.claim.machine or "any",
                "whose": its.claim.whose,
                "isa": its.claim.isa or "any",
                "verdict": its.verdict,
                **{name: getattr(its.measured, name, math.nan) for name in VALUES},
                "unit": its.claim.unit.strip(),
                "claimed": its.claim.claimed,
                "run": its.run,
                "model_says": its.model,
                "reason": its.reason,
            }
            for its in judgements
        ]
    )


def report(judgements: Sequence[Judgement], said: Iterable[Said]) -> str:
    """The verdicts as a page of Markdown."""
    paper, ours = ([its for its in judgements if its.claim.whose == whose] for whose in ("paper", "ours"))
    claims = dict.fromkeys(its.claim for its in judgements)
    words = (
        f"- **{claim.id}** [{claim.origin}]: {claim.says}. Agrees: {claim.claimed}; tolerance: "
        f"{claim.tolerance_reason.strip()}."
        for claim in claims
    )
    return f"""\
# What the paper claims, what was found beyond it, and what these runs say

Verdicts on a claim's own machine: *reproduced* (the whole interval agrees), *not reproduced* (none of it
does), *inconclusive*, *not run*. On any other machine: *generalizes*, *does not generalize*, *inconclusive*.
Runs of a machine in which the same was timed are one body of evidence. Intervals are of what any run would
find, or, of one alone, over its processes; that of a largest value holds for all lengths or passes at once.
A verdict that one more run could turn is inconclusive: the next run's prediction interval must say the same.
What the model says of a machine without a run is a prediction (10 to 90 %): it decides nothing.

{_section("The paper's claims", paper)}{_section("Findings of our own", ours)}
## The runs

{chr(10).join(f"- {line}" for its in said for line in its.trust)}

## In words

{chr(10).join(words)}
"""


def _section(heading: str, judgements: Sequence[Judgement]) -> str:
    """A table in Markdown, with its heading; empty where there is nothing to tell."""
    rows = "\n".join(map(_row, judgements))
    return (
        rows
        and f"""
## {heading}

| claim | machine | verdict | measured | claimed | model says | why |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
"""
    )


def _row(its: Judgement) -> str:
    verdict = f"**{its.verdict}**" if its.is_native else its.verdict
    cells = (its.claim.id, its.machine, verdict, number(its), its.claim.claimed, its.model, its.reason)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def terminal(judgements: Sequence[Judgement]) -> str:
    """The verdicts as lines for a terminal."""
    rows = [(j.claim.id, j.machine, j.verdict, number(j), f"claimed {j.claim.claimed}") for j in judgements]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )
