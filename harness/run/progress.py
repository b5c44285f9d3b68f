"""Progress of long work: how far, how long it took, how long it will take."""

from __future__ import annotations

import math
import sys
import time
from typing import Any, TextIO

from tqdm import tqdm


class Lines:
    """A stream for output that is no terminal: what would be drawn over and over becomes a line each."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        """Writes one state of the bar as a line."""
        if line := text.replace("\r", "").strip():
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        """Passes it on."""
        self.stream.flush()


class Bar(tqdm):
    """A bar whose time left follows the pace since it was begun, and is never beyond the time when it `ends`."""

    ends = math.inf

    def show_wait(self, seconds: float) -> None:
        """Shows that so long is waited now."""
        self.set_postfix_str(f"waiting for calm: {seconds:.0f} s")

    @property
    def format_dict(self) -> dict[str, Any]:
        """What the bar is drawn from."""
        told = super().format_dict
        done, left = told["n"] - told["initial"], self.ends - time.monotonic()
        if left < math.inf and told["total"] > told["n"]:
            slowest = (told["total"] - told["n"]) / max(1.0, left)
            told["rate"] = max(slowest, done / max(1e-9, told["elapsed"]))
        return told


def bar(what: str, total: float, done: float = 0, ends: float = math.inf) -> Bar:
    """A bar over work of this `total`, in any unit, of which so much is `done` already, and which `ends` (by
    time.monotonic) whatever was done then: drawn in place on a terminal, a line each 15 s elsewhere."""
    terminal = sys.stderr.isatty()
    made = Bar(
        total=total,
        initial=done,
        desc=what,
        bar_format="{desc}: {percentage:3.0f}%, {elapsed} gone, {remaining} left{postfix}",
        mininterval=0.2 if terminal else 15,
        maxinterval=0.5 if terminal else 60,
        file=sys.stderr if terminal else Lines(sys.stderr),
        ncols=None if terminal else 120,
        dynamic_ncols=terminal,
        smoothing=0,
    )
    made.ends = ends
    return made
