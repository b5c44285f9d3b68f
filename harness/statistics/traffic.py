"""Declared traffic of passes and bandwidth kernels, and the effective bandwidth that follows from it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.record.samples import Run
from harness.statistics.ratios import times
from harness.statistics.selection import pass_rows

BYTES_PER_FLOAT = 4


def moved(kernel: Mapping[str, int]) -> tuple[int, int, int]:
    """Floats of X that are read, of Y that are read, and of Y that are written for each element."""
    return kernel["reads_x"], kernel["reads_y"], kernel["writes_y"]


def logical_floats(kernel: Mapping[str, int]) -> int:
    """Floats read and written for each element, as the paper counts them."""
    return sum(moved(kernel))


def write_allocate_floats(name: str, kernel: Mapping[str, int]) -> int:
    """The same with write-allocate: a line of Y that is written but not read is fetched first.

    Non-temporal stores fetch nothing.
    """
    fetches = kernel["writes_y"] > 0 and kernel["reads_y"] == 0 and not is_non_temporal(name)
    return logical_floats(kernel) + (kernel["writes_y"] if fetches else 0)


def is_non_temporal(name: str) -> bool:
    """Whether the stores of the kernel with this name go past the caches."""
    return name.endswith("_nt")


def kind(kernel: Mapping[str, int]) -> str:
    """Which limit a pass meets: "reads X", "writes Y" (whether or not it reads X) or "updates Y" in place."""
    if kernel["writes_y"] == 0:
        return "reads X"
    return "updates Y" if kernel["reads_y"] else "writes Y"


def limits(information: Mapping[str, Any]) -> list[str]:
    """The bandwidth kernels, in the order of run.json."""
    used = {name for passes in information["algorithms"].values() for name in passes}
    return [name for name, kernel in information["kernels"].items() if not kernel.get("computes", name in used)]


def bandwidths(run: Run) -> pd.DataFrame:
    """Effective bandwidth of each pass and bandwidth kernel at each length.

    Where several variants were measured, the one with the smallest median time counts: a limit is the best loop found.

    Returns the columns isa, compiler, pass, variant, elements, effective_gigabytes_per_second_median, _low, _high (10^9
    declared logical bytes per second), write_allocate_gigabytes_per_second_median, nanoseconds_per_element_median,
    core_cycles_per_element_median, confidence, processes. Raises MissingRows.
    """
    by = ["isa", "compiler", "pass", "elements"]
    kernels = run.information["kernels"]
    variants = times(pass_rows(run), [*by, "variant"], run.information["canary"]["clock_adds"])
    best = variants.sort_values([*by, "nanoseconds_per_element_median", "variant"]).drop_duplicates(by)
    logical = BYTES_PER_FLOAT * best["pass"].map({name: logical_floats(kernel) for name, kernel in kernels.items()})
    allocated = BYTES_PER_FLOAT * best["pass"].map(
        {name: write_allocate_floats(name, kernel) for name, kernel in kernels.items()}
    )
    table = best.assign(
        # Bytes per nanosecond are 10^9 bytes per second; the longest time is the lowest bandwidth.
        effective_gigabytes_per_second_median=logical / best["nanoseconds_per_element_median"],
        effective_gigabytes_per_second_low=logical / best["nanoseconds_per_element_high"],
        effective_gigabytes_per_second_high=logical / best["nanoseconds_per_element_low"],
        write_allocate_gigabytes_per_second_median=allocated / best["nanoseconds_per_element_median"],
    )
    return table[
        ["isa", "compiler", "pass", "variant", "elements"]
        + [f"effective_gigabytes_per_second_{bound}" for bound in ("median", "low", "high")]
        + ["write_allocate_gigabytes_per_second_median", "nanoseconds_per_element_median"]
        + ["core_cycles_per_element_median", "confidence", "processes"]
    ].reset_index(drop=True)
