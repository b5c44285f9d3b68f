"""How the minutes of a run are shared by its phases, and what to do with too few."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

# The phases end at these shares of the minutes, so that there is time to measure. The first look at all variants has a
# part of that of tuning, so that there is time for several processes over finalists.
FIRST_LOOK_ENDS, TUNING_ENDS, ACCURACY_ENDS = 0.12, 0.25, 0.4
# By this share of the minutes a process may be late, for the question that it is at, before it is killed.
GRACE = 0.2

Key = TypeVar("Key")


@dataclass(frozen=True)
class Budget:
    """The time of a run, in seconds: when it began (by time.monotonic) and how long it may take."""

    began: float
    seconds: float

    def until(self, share: float = 1.0) -> float:
        """When so much of it is spent."""
        return self.began + share * self.seconds

    def left(self) -> float:
        """What is left of it."""
        return max(0.0, self.until() - time.monotonic())


def spare(deadline: float, needed: float, parts: int) -> float:
    """The seconds that each of so many parts may take beyond what all of them are expected to need until a deadline."""
    return max(0.0, deadline - time.monotonic() - needed) / parts


class Allowance:
    """Time until a deadline, shared by a number of parts: what one leaves over the others have."""

    def __init__(self, deadline: float, parts: int) -> None:
        self.deadline, self.parts = deadline, parts

    def next(self) -> float:
        """The seconds that the next part may take."""
        share = max(0.0, self.deadline - time.monotonic()) / max(1, self.parts)
        self.parts -= 1
        return share


def in_time(
    costs: Mapping[Key, float], order: Iterable[Key], deadline: float, beside: Callable[[], float] = lambda: 0.0
) -> Iterator[Key]:
    """Of keys with expected costs (in any unit) those that can be done before the deadline at the pace that is seen:
    each is handed out, done by the caller, and then the next one that fits. The seconds that went `beside` them, so
    far, are not of the pace."""
    began, done = time.monotonic() - beside(), 0.0
    for key in order:
        now = time.monotonic()
        pace = (now - began - beside()) / done if done else 0.0
        if now >= deadline or now + pace * costs[key] > deadline:
            continue
        yield key
        done += costs[key]
