"""The rows of each experiment that statistics may use: undisturbed, one thread, in the experiment's cache state."""

import pandas as pd

from analysis.errors import MissingRows
from analysis.rows import Run

THREE_PASS = ("three-pass-recompute", "three-pass-reload")
TWO_PASS = "two-pass"


def algorithm_rows(run: Run) -> pd.DataFrame:
    """Samples of whole algorithms, contenders of a round together, in the paper's cache state."""
    rows = _rows(run, "algorithms")
    return _some(run, "algorithms", rows[(rows["pass"] == "") & (rows["cache_state"] == "paper")])


def pass_rows(run: Run) -> pd.DataFrame:
    """Samples of single passes and of the bandwidth kernels, warm."""
    rows = _rows(run, "passes")
    return _some(run, "passes", rows[(rows["algorithm"] == "") & (rows["cache_state"] == "warm")])


def breakdown_rows(run: Run) -> pd.DataFrame:
    """Samples of each pass within an algorithm's call."""
    rows = _rows(run, "breakdown")
    return _some(run, "breakdown", rows[(rows["algorithm"] != "") & (rows["pass"] != "")])


def _rows(run: Run, experiment: str) -> pd.DataFrame:
    samples = run.samples
    return samples[(samples["experiment"] == experiment) & (samples["flags"] == "") & (samples["threads"] == 1)]


def _some(run: Run, experiment: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, where there are any. Raises MissingRows otherwise."""
    if rows.empty:
        held = ", ".join(sorted(run.samples["experiment"].unique()))
        raise MissingRows(f"{run.folder}: no undisturbed rows of the experiment '{experiment}' (the run has: {held})")
    return rows


def compilers(rows: pd.DataFrame) -> list[str]:
    """The compilers in the rows, the one that is drawn as a line first: gcc where it was measured."""
    return sorted(rows["compiler"].unique(), key=lambda name: (name != "gcc", name))


def isas(rows: pd.DataFrame) -> list[str]:
    """The ISAs in the rows, widest vectors first."""
    return [isa for isa in ("avx512f", "avx2", "scalar") if isa in set(rows["isa"])]
