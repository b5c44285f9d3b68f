"""What a quantity was found to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.statistics.intervals import bounds


@dataclass(frozen=True)
class Measured:
    """A quantity with its interval, and what a reader should know of how it came about."""

    value: float
    low: float
    high: float
    confidence: float
    """1 for what is counted."""
    detail: str
    region: str = ""
    """Of the caches, where it was measured: what is off there bears on it."""
    next_run: tuple[float, float] | None = None
    """Between what the next run would find it; None where it is not known how much runs differ."""
    is_counted: bool = False
    """Counted, so that no noise bears on it."""
    is_declared: bool = False
    """What the kernels say of themselves: a test holds them to it, not the run."""


def of_row(row: Mapping[str, Any], value: str, detail: str, region: str) -> Measured:
    """What a row of a table with intervals says of a value; of pooled runs it says between what the next one would find
    that, where it is known how much they differ."""
    middle, low, high = (row[bound] for bound in bounds(value))
    next_low, next_high = (float(row.get(f"next_run_{value}_{end}", np.nan)) for end in ("low", "high"))
    next_run = None if np.isnan((next_low, next_high)).any() else (next_low, next_high)
    return Measured(middle, low, high, row["confidence"], detail, region, next_run)
