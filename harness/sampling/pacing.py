"""Waiting for a calm machine, where measuring would only be disturbed."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# Seconds; after the last of them it is measured all the same.
PAUSES = (1.0, 2.0, 4.0, 8.0)
# The recent past: as many samples as are taken within some seconds. Most of them is half.
RECENT, MOST = 200, 0.5


@dataclass
class Pacer:
    """Waits where most of the samples of the recent past were disturbed, until `is_calm` says so: for `allowed` seconds
    in all, and not beyond the `deadline` (by `now`).

    Each pause is told, in seconds, before it is made.
    """

    allowed: float
    is_calm: Callable[[], bool]
    tell: Callable[[float], None]
    deadline: float = math.inf
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    waited: float = 0.0
    """Seconds, so far."""
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))

    @classmethod
    def never(cls) -> Pacer:
        """One that never waits."""
        return cls(0.0, lambda: True, lambda _: None)

    def note(self, disturbed: Iterable[bool]) -> None:
        """Takes up of new samples whether they were disturbed."""
        self.recent.extend(disturbed)

    def wait(self) -> float:
        """Waits until it is calm, each time longer, and returns the seconds that took; 0 where there is no reason to.
        What was before the wait is the past."""
        if sum(self.recent) <= MOST * len(self.recent):
            return 0.0
        self.recent.clear()
        began = self.now()
        for pause in PAUSES:
            ends = self.now() + pause
            if self.is_calm() or self.waited + ends - began > self.allowed or ends > self.deadline:
                break
            self.tell(pause)
            self.sleep(pause)
        seconds = self.now() - began
        self.waited += seconds
        return seconds
