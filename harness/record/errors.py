"""What can go wrong that a person can mend, each told in one line. Nothing but the standard library is imported here,
so that the import of libraries can fail, or be interrupted, in one line too."""

from __future__ import annotations

import errno
import sys
from functools import cache
from pathlib import Path

# What libraries and the loader say where memory, address space or the number of processes is limited too tightly.
SIGNS_OF_A_LIMIT = (
    "cannot allocate memory",
    "failed to map segment",
    "cannot map zero-fill pages",
    "can't start new thread",
    "unable to allocate",
)
WAY_OUT = "raise the limit (`ulimit -v`, `ulimit -u`, the container's), or ask for shorter vectors"
LONGEST = 200
"""Characters of what somebody else says."""


class HarnessError(Exception):
    """Something a person can mend; its text is one clear line, which command lines print before they end with 2."""


class Killed(HarnessError):
    """A process was killed by a signal (its number)."""

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


class TimeSpent(HarnessError):
    """What was not done in the time that it had."""


class BadConfiguration(HarnessError):
    """A file below config/ does not say what it should."""


class DamagedRun(HarnessError):
    """A recorded file is missing, cut off or does not fit its schema."""


class MissingRows(HarnessError):
    """The run is sound, but does not hold what a figure needs."""


class UnknownFigure(HarnessError):
    """No figure has this name."""


def damaged_row(path: Path, row: int, field: str, reason: str) -> DamagedRun:
    """The error of one cell of samples.csv; `row` counts from 0."""
    # The header is line 1.
    return DamagedRun(f"{path}, line {row + 2}, {field}: {reason}")


def tell_skipped(error: HarnessError) -> None:
    """Says on standard error, once, that a run is left out and why: the others are drawn all the same."""
    _tell(f"analysis: skipped: {error}")


@cache
def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def one_line(message: object) -> str:
    """The message without line breaks and characters that a terminal would obey, shortened to what fits there."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(str(message).split()))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def is_limit(error: BaseException) -> bool:
    """Whether an error says that the system gives no more memory or threads."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.EAGAIN)):
        return True
    return any(sign in str(error).lower() for sign in SIGNS_OF_A_LIMIT)


def described(error: BaseException) -> str:
    """An error in one line, with the way out where there is a common one."""
    if isinstance(error, HarnessError):
        return str(error)
    text = (str(error).strip().splitlines() or ["no message"])[0]
    if is_limit(error):
        return f"the system gives no more memory or threads ({type(error).__name__}: {text}); {WAY_OUT}"
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or text}"
    return f"{type(error).__name__}: {text}"
