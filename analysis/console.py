"""What is printed for people reaches them whatever the locale is. Both command lines use it."""

import io
import sys


def print_everywhere() -> None:
    """Has standard output escape what its encoding lacks (± in the C locale, a path that is no UTF-8) instead of
    failing; standard error does so of its own."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
