"""Progress of long work: how far, how long it took, how long it will take."""

from __future__ import annotations

import sys
from typing import TextIO

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


def bar(what: str, total: float, done: float = 0) -> tqdm:
    """A bar over work of this `total`, in any unit, of which so much is `done` already: drawn in place on a terminal, a
    line each 15 s elsewhere."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=done,
        desc=what,
        bar_format="{desc}: {percentage:3.0f}%, {elapsed} gone, {remaining} left{postfix}",
        mininterval=0.2 if terminal else 15,
        maxinterval=0.5 if terminal else 60,
        file=sys.stderr if terminal else Lines(sys.stderr),
        ncols=None if terminal else 120,
        dynamic_ncols=terminal,
    )
