"""What a quantity was found to be."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


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


def between_next(row: pd.Series, value: str) -> tuple[float, float] | None:
    """Between what the next run would find a value, by a row of a pooled table; None where that is not known."""
    low, high = (float(row.get(f"next_run_{value}_{end}", np.nan)) for end in ("low", "high"))
    return None if np.isnan((low, high)).any() else (low, high)
