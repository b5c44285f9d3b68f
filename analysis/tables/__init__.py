"""The tables that figures, verdicts and the summary read: a file each, made once of a run."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

Made = TypeVar("Made")


def made_once(make: Callable[..., Made]) -> Callable[..., Made]:
    """A function whose result is kept for the last few runs, so that all who read it read the same. None changes it."""
    return lru_cache(maxsize=32)(make)
