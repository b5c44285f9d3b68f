"""Effective bandwidth of passes and of the machine's limits, from their declared traffic."""

import pandas as pd

from analysis.tables.times import times
from harness.reading import names
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import bounds
from harness.statistics.selection import TWO_PASS
from harness.statistics.traffic import logical_floats, write_allocate_floats

EFFECTIVE = "effective_gigabytes_per_second"


@made_once
def bandwidths(run: Run) -> pd.DataFrame:
    """Effective bandwidth of each pass and bandwidth kernel at each length.

    Where several variants were measured, the one with the smallest median time counts: a limit is the best loop found.

    Returns the columns isa, compiler, pass, variant, elements, effective_gigabytes_per_second_median, _low, _high (10^9
    declared logical bytes per second), write_allocate_gigabytes_per_second_median, nanoseconds_per_element_median,
    core_cycles_per_element_median, confidence, processes. Raises MissingRows.
    """
    by = ["isa", "compiler", "pass", "elements"]
    variants = times(selection.pass_rows(run), [*by, "variant"], run.canary.clock_adds)
    best = variants.sort_values([*by, "nanoseconds_per_element_median", "variant"]).drop_duplicates(by)
    kernels = best["pass"].map(run.kernels)
    logical, allocated = (FLOAT_BYTES * kernels.map(floats) for floats in (logical_floats, write_allocate_floats))
    table = best.assign(
        # Bytes per nanosecond are 10^9 bytes per second; the longest time is the lowest bandwidth.
        effective_gigabytes_per_second_median=logical / best["nanoseconds_per_element_median"],
        effective_gigabytes_per_second_low=logical / best["nanoseconds_per_element_high"],
        effective_gigabytes_per_second_high=logical / best["nanoseconds_per_element_low"],
        write_allocate_gigabytes_per_second_median=allocated / best["nanoseconds_per_element_median"],
    )
    by_time = ["write_allocate_gigabytes_per_second_median", "nanoseconds_per_element_median"]
    by_time += ["core_cycles_per_element_median", "confidence", "processes"]
    return table[["isa", "compiler", "pass", "variant", "elements", *bounds(EFFECTIVE), *by_time]].reset_index(
        drop=True
    )


def at_longest(run: Run, isa: str) -> pd.DataFrame:
    """`bandwidths` of an ISA and the primary compiler at the longest length at which a pass of Two-Pass was measured,
    by pass. Raises MissingRows."""
    table = selection.of_primary(bandwidths(run), run)
    table = table[table["isa"] == isa].set_index("pass")
    table = table[table["elements"] == table[table.index.isin(run.algorithms[TWO_PASS])]["elements"].max()]
    if table.empty:
        raise MissingRows(f"{run.folder}: no pass of Two-Pass was measured on its own in {names.ISAS[isa]}")
    return table
