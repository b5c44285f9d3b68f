"""The rows of each experiment that statistics use: undisturbed where there are any, of one thread."""

import pandas as pd

from harness.record.errors import MissingRows
from harness.record.exactness import TOO_FAST
from harness.record.samples import Run

THREE_PASS = ("three-pass-recompute", "three-pass-reload")
TWO_PASS = "two-pass"

POINT = ["compiler", "isa", "elements", "process"]
"""What one process measures together, in rounds."""


def algorithm_rows(run: Run) -> pd.DataFrame:
    """Samples of whole algorithms, contenders of a round together, in the paper's cache state."""
    rows = _rows(run, "algorithms")
    rows = _some(run, "algorithms", rows[(rows["pass"] == "") & (rows["cache_state"] == "paper")])
    return undisturbed(rows, [*POINT, "round"], POINT)


def team_rows(run: Run, experiment: str, within_rounds: bool = True) -> pd.DataFrame:
    """Samples of an experiment with one or more threads; POINT and threads tell what was measured together. Undisturbed
    are whole rounds, or if nothing is asked `within_rounds`, the samples of each contender on their own."""
    rows = run.samples[run.samples["experiment"] == experiment]
    point = [*POINT, "threads"] if within_rounds else [*POINT, "threads", "algorithm", "pass", "variant"]
    return undisturbed(_some(run, experiment, rows), [*point, "round"], point)


def accumulation_rows(run: Run) -> pd.DataFrame:
    """Samples of passes that sum, each beside the same that accumulates as published."""
    return undisturbed(_some(run, "accumulation", _rows(run, "accumulation")), [*POINT, "round"], POINT)


def control_rows(run: Run) -> pd.DataFrame:
    """Samples of controls and of the algorithms that they are compared with."""
    return undisturbed(_some(run, "controls", _rows(run, "controls")), [*POINT, "round"], POINT)


def pass_rows(run: Run) -> pd.DataFrame:
    """Samples of single passes and of the bandwidth kernels, warm."""
    rows = _rows(run, "passes")
    rows = _some(run, "passes", rows[(rows["algorithm"] == "") & (rows["cache_state"] == "warm")])
    contender = [*POINT, "pass", "variant"]
    return undisturbed(rows, [*contender, "round"], contender)


def breakdown_rows(run: Run) -> pd.DataFrame:
    """Samples of each pass within an algorithm's call."""
    rows = _rows(run, "breakdown")
    rows = _some(run, "breakdown", rows[(rows["algorithm"] != "") & (rows["pass"] != "")])
    return undisturbed(rows, [*POINT, "round"], POINT)


def is_out_of_cache(elements: pd.Series, run: Run) -> pd.Series:
    """Whether the input alone, 4n bytes, is more than L2 and the last-level cache hold."""
    held = sum(cache["bytes"] for cache in run.information["machine"]["caches"] if cache["level"] > 1)
    return 4 * elements > held


def undisturbed(rows: pd.DataFrame, unit: list[str], within: list[str]) -> pd.DataFrame:
    """The rows of the units (groups of rows by these columns) in which no row has a flag; all rows of a group `within`
    that has no such unit.

    So a process that was disturbed all the time still counts, as one of several, instead of vanishing; how many rows
    were disturbed is said with every figure.
    """
    clean = (rows["flags"] == "").groupby([rows[name] for name in unit]).transform("all")
    has_clean = clean.groupby([rows[name] for name in within]).transform("any")
    return rows[(clean | ~has_clean) & ~is_too_fast(rows)]


def is_too_fast(rows: pd.DataFrame) -> pd.Series:
    """Whether a sample was faster than its machine can be: such a one is never used."""
    return rows["flags"].map({flags: TOO_FAST in flags.split(";") for flags in rows["flags"].unique()}).astype(bool)


def _rows(run: Run, experiment: str) -> pd.DataFrame:
    samples = run.samples
    return samples[(samples["experiment"] == experiment) & (samples["threads"] == 1)]


def _some(run: Run, experiment: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, where there are any. Raises MissingRows otherwise."""
    if rows.empty:
        held = ", ".join(sorted(run.samples["experiment"].unique()))
        raise MissingRows(f"{run.folder}: no rows of the experiment '{experiment}' (the run has: {held})")
    return rows


def compilers(rows: pd.DataFrame) -> list[str]:
    """The compilers in the rows, the one that is drawn as a line first: the primary one, with the most lengths."""
    lengths = rows.groupby("compiler")["elements"].nunique()
    return sorted(lengths.index, key=lambda name: (-lengths[name], name != "gcc", name))


def isas(rows: pd.DataFrame) -> list[str]:
    """The ISAs in the rows, widest vectors first."""
    return [isa for isa in ("avx512f", "avx2", "scalar") if isa in set(rows["isa"])]
