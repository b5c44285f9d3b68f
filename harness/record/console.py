"""What is printed for people reaches them whatever the locale is, and an interrupt is one line. Nothing but the
standard library is imported here."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def interrupted_in_one_line(program: str) -> Iterator[None]:
    """Ends the program with one line and status 130 where it is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        sys.exit(130)


def print_everywhere() -> None:
    """Has standard output escape what its encoding lacks (± in the C locale, a path that is no UTF-8) instead of
    failing; standard error does so of its own."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def print_no_more() -> None:
    """Has what is still to be printed go nowhere: where standard output is full or its reader has gone, Python would
    try it once more at the end, with a message and a status of its own."""
    if not sys.stdout:
        return
    with suppress(io.UnsupportedOperation):  # what stands in for it has no file below
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
