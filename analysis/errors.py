"""What can go wrong with the data of a run, each told in one line."""

import sys
from functools import cache
from pathlib import Path


class AnalysisError(Exception):
    """Something that the person who asked can mend; its text is one clear line."""


class DamagedRun(AnalysisError):
    """A recorded file is missing, cut off or does not fit its schema."""


def damaged_row(path: Path, row: int, field: str, reason: str) -> DamagedRun:
    """The error of one cell of samples.csv; `row` counts from 0."""
    # The header is line 1.
    return DamagedRun(f"{path}, line {row + 2}, {field}: {reason}")


def tell_skipped(error: AnalysisError) -> None:
    """Says on standard error, once, that a run is left out and why: the others are drawn all the same."""
    _tell(f"analysis: skipped: {error}")


@cache
def _tell(line: str) -> None:
    print(line, file=sys.stderr)


class MissingRows(AnalysisError):
    """The run is sound, but does not hold what a figure needs."""


class UnknownFigure(AnalysisError):
    """No figure has this name."""


class BadConfiguration(AnalysisError):
    """A file below config/ does not say what it should."""
