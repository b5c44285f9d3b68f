"""What choices of variants cost: those that were published, and those of the run itself."""

from collections.abc import Iterator

import pandas as pd

from harness.record.errors import MissingRows
from harness.record.run import Row
from harness.record.samples import Run, made_once
from harness.statistics.intervals import bounds, order_statistics
from harness.statistics.variants import KEYS, regret

CHOICE = "this run"
"""Whose the variant is that the run chose; others are of the paper's machines."""


@made_once
def tuning_costs(run: Run) -> pd.DataFrame:
    """What the variants of each pass cost, over all lengths together: for each ISA, compiler and pass a row of the
    choice of the run, and one for each machine with a published variant.

    Columns: isa, compiler, pass, of (CHOICE, or the machine), variant, chosen_by (of the run's choice), processes,
    confidence and cost_percent_median, _low, _high: by how much more time a published variant takes than the chosen
    one, and the chosen one than the best (its regret). Raises MissingRows if nothing was tuned that was measured.
    """
    held = set(run.samples["isa"])
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in run.tuning:
        if row["isa"] in held and row["elements"] is None:
            groups.setdefault(tuple(row[name] for name in KEYS), []).append(row)
    if not groups:
        raise MissingRows(f"{run.folder}: nothing that was measured was tuned")
    return pd.DataFrame([row for rows in groups.values() for row in _of_pass(rows)])


def largest_regrets(run: Run) -> pd.DataFrame:
    """The rows of `tuning_costs` of the run's own choices, the one that may cost most first."""
    table = tuning_costs(run)
    ours = table[(table["of"] == CHOICE) & (table["chosen_by"] != "paper")]
    return ours.sort_values(bounds("cost_percent")[::-2], ascending=False, kind="stable", ignore_index=True)


def _of_pass(rows: list[Row]) -> Iterator[dict[str, object]]:
    chosen = next(row for row in rows if row["chosen"])
    yield _told(chosen, CHOICE, regret(rows))
    for row in rows:
        for machine in row["published_for"]:
            yield _told(row, machine, tuple(row[name] for name in bounds("relative_percent")))


def _told(row: Row, of: str, cost: tuple[float, ...]) -> dict[str, object]:
    return {
        "isa": row["isa"],
        "compiler": row["compiler"],
        "pass": row["pass"],
        "of": of,
        "variant": row["variant"],
        "chosen_by": row.get("chosen_by", ""),
        "processes": row["processes"],
        "confidence": order_statistics(row["processes"])[1],
        **dict(zip(bounds("cost_percent"), cost, strict=True)),
    }
