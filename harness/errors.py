"""What a person sees of an error: one clear line. Nothing but the standard library and other errors is imported
here, so that the import of libraries can fail, or be interrupted, in one line too."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from analysis.console import print_no_more
from analysis.errors import BadConfiguration

# What libraries and the loader say where memory, address space or the number of processes is limited too tightly.
SIGNS_OF_A_LIMIT = (
    "cannot allocate memory",
    "failed to map segment",
    "cannot map zero-fill pages",
    "can't start new thread",
    "unable to allocate",
)
WAY_OUT = "raise the limit (`ulimit -v`, `ulimit -u`, the container's), or ask for shorter vectors"


class HarnessError(Exception):
    """Something a person can mend; the command line prints it as one line and exits with 2."""


class Killed(HarnessError):
    """A process was killed by a signal (its number)."""

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


class TimeSpent(HarnessError):
    """What was not done in the time that it had."""


def is_limit(error: BaseException) -> bool:
    """Whether an error says that the system gives no more memory or threads."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.EAGAIN)):
        return True
    return any(sign in str(error).lower() for sign in SIGNS_OF_A_LIMIT)


def one_line(error: BaseException) -> str:
    """An error in one line, with the way out where there is a common one."""
    if isinstance(error, HarnessError):
        return str(error)
    text = (str(error).strip().splitlines() or ["no message"])[0]
    if is_limit(error):
        return f"the system gives no more memory or threads ({type(error).__name__}: {text}); {WAY_OUT}"
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or text}"
    return f"{type(error).__name__}: {text}"


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Ends the program with one line and status 2 for what a person can mend, and 130 for an interrupt. What is a fault
    of the program itself keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        print("harness: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        print_no_more()
    except Exception as error:
        if not (isinstance(error, HarnessError | OSError) or is_limit(error)):
            raise
        print(f"harness: {one_line(error)}", file=sys.stderr)
        if isinstance(error, OSError) and error.filename is None:  # of the output, where one_line says so
            print_no_more()
        sys.exit(2)


@contextmanager
def files_read() -> Iterator[None]:
    """Raises HarnessError for what the analysis finds wrong with a file below config/."""
    try:
        yield
    except BadConfiguration as error:
        raise HarnessError(str(error)) from error
