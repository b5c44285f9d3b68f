"""The rows of each experiment that statistics use: undisturbed where there are any."""

import pandas as pd

from harness.record.errors import MissingRows
from harness.record.exactness import TOO_FAST
from harness.record.isa import ISAS
from harness.record.samples import Run, made_once

THREE_PASS = ("three-pass-recompute", "three-pass-reload")
TWO_PASS = "two-pass"

POINT = ("compiler", "isa", "elements", "threads", "process")
"""What one process measures together, in rounds."""
CONTENDER = (*POINT, "algorithm", "pass", "variant")


@made_once
def algorithm_rows(run: Run) -> pd.DataFrame:
    """Samples of whole algorithms, contenders of a round together, in the paper's cache state."""
    rows = _alone(run, "algorithms")
    return _calm(run, "algorithms", rows[(rows["pass"] == "") & (rows["cache_state"] == "paper")])


def accumulation_rows(run: Run) -> pd.DataFrame:
    """Samples of passes that sum, each beside the same that accumulates as published."""
    return _calm(run, "accumulation", _alone(run, "accumulation"))


def control_rows(run: Run) -> pd.DataFrame:
    """Samples of controls and of the algorithms that they are compared with."""
    return _calm(run, "controls", _alone(run, "controls"))


def breakdown_rows(run: Run) -> pd.DataFrame:
    """Samples of each pass within an algorithm's call."""
    rows = _alone(run, "breakdown")
    return _calm(run, "breakdown", rows[(rows["algorithm"] != "") & (rows["pass"] != "")])


@made_once
def pass_rows(run: Run) -> pd.DataFrame:
    """Samples of single passes and of the bandwidth kernels, warm; each contender undisturbed on its own."""
    rows = _alone(run, "passes")
    return _calm(run, "passes", rows[(rows["algorithm"] == "") & (rows["cache_state"] == "warm")], CONTENDER)


def team_rows(run: Run, experiment: str, within: tuple[str, ...] = POINT) -> pd.DataFrame:
    """Samples of an experiment with one or more threads. Undisturbed are whole rounds, or with CONTENDER the samples of
    each contender on their own."""
    return _calm(run, experiment, run.samples[run.samples["experiment"] == experiment], within)


def _alone(run: Run, experiment: str) -> pd.DataFrame:
    """Samples of one thread."""
    return run.samples[(run.samples["experiment"] == experiment) & (run.samples["threads"] == 1)]


def _calm(run: Run, experiment: str, rows: pd.DataFrame, within: tuple[str, ...] = POINT) -> pd.DataFrame:
    """The rows of the rounds `within` a point, or a contender, in which no row has a flag; all rows where no round is
    such. Raises MissingRows where there are no rows.

    So a process that was disturbed all the time still counts, as one of several, instead of vanishing; how many rows
    were disturbed is said with every figure.
    """
    if rows.empty:
        held = ", ".join(sorted(run.samples["experiment"].unique()))
        raise MissingRows(f"{run.folder}: no rows of the experiment '{experiment}' (the run has: {held})")
    point = [rows[name] for name in within]
    clean = (rows["flags"] == "").groupby([*point, rows["round"]]).transform("all")
    has_clean = clean.groupby(point).transform("any")
    return rows[(clean | ~has_clean) & ~is_too_fast(rows)]


def is_too_fast(rows: pd.DataFrame) -> pd.Series:
    """Whether a sample was faster than its machine can be: such a one is never used."""
    return rows["flags"].map({flags: TOO_FAST in flags.split(";") for flags in rows["flags"].unique()}).astype(bool)


def of_primary(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The rows of the primary compiler."""
    return rows[rows["compiler"] == run.primary]


def compilers(rows: pd.DataFrame, run: Run) -> list[str]:
    """The compilers in the rows: the primary one, which is drawn as a line, and then those with the most lengths."""
    lengths = rows.groupby("compiler")["elements"].nunique()
    return sorted(lengths.index, key=lambda name: (name != run.primary, -lengths[name], name))


def isas(rows: pd.DataFrame) -> list[str]:
    """The ISAs in the rows, widest vectors first."""
    found = {*rows["isa"].unique()}
    return [isa for isa in ISAS if isa in found]
