"""How figures look: the same on every machine, readable in two-column print, in grey, and by the colour-blind."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from typing import Any, TypeVar

RC = {
    "font.family": "DejaVu Sans",  # ships with Matplotlib: the same glyphs on every machine
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "two-pass softmax",
    "svg.fonttype": "path",
}
"""Matplotlib settings, on top of its defaults: nobody's own matplotlibrc changes a figure."""

WIDTH = 7.16
"""Inches: two columns of a paper."""

# Okabe and Ito's palette, which most kinds of colour-blindness tell apart.
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, GREY = "#CC79A7", "#56B4E9", "#000000", "#666666"


Name = TypeVar("Name")
Dashes = str | tuple[float, tuple[float, ...]]
"""A line as Matplotlib is told of it: by a name, or an offset and the lengths of strokes and gaps, in points."""


@dataclass(frozen=True)
class Style:
    """Colour, marker and dashes of a series; each of the three alone tells the paper's three algorithms apart. Most
    later ones share the colour of what they are made of."""

    colour: str
    marker: str
    dashes: Dashes

    @property
    def line(self) -> dict[str, Any]:
        """What Matplotlib is told of it."""
        return {"color": self.colour, "marker": self.marker, "linestyle": self.dashes}

    @property
    def points(self) -> "Style":
        """The same without a line."""
        return Style(self.colour, self.marker, "none")


ALGORITHMS = {
    "three-pass-recompute": Style(BLUE, "s", (0, (5, 1.5))),
    "three-pass-reload": Style(ORANGE, "^", (0, (1.2, 1.2))),
    "two-pass": Style(GREEN, "o", "-"),
    "three-pass-recompute-nt": Style(BLUE, "D", (0, (4, 1.5, 1, 1.5))),
    "two-pass-nt": Style(GREEN, "P", (0, (4, 1.5, 1, 1.5))),
    "three-pass-recompute-nt-prefetch": Style(BLUE, "v", (0, (1.2, 1.2))),
    "two-pass-nt-prefetch": Style(GREEN, "^", (0, (1.2, 1.2))),
    "online": Style(PURPLE, "v", (0, (7, 2))),
    "online-nt": Style(PURPLE, "<", (0, (4, 1.5, 1, 1.5))),
    "block-reload": Style(ORANGE, "X", (0, (7, 2))),
    "unified-max": Style(VERMILLION, "*", (0, (7, 2))),
}
OTHERS = (
    Style(PURPLE, "D", (0, (4, 1.5, 1, 1.5))),
    Style(SKY, "v", (0, (7, 2))),
    Style(VERMILLION, "P", (0, (2, 2))),
    Style(BLACK, "X", (0, (6, 1, 1, 1, 1, 1))),
    Style(GREY, "*", (0, (1, 2.5))),
)
LIMITS = ((0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1)), (0, (9, 3)))
"""Dashes of the bandwidth kernels, which are all grey."""

FILLS = ("full", "none", "bottom", "left")
"""Markers of the first compiler (a line), and of the others (no line)."""


def plain(text: str) -> str:
    """Free text for Matplotlib, which would take what stands between two dollars for mathematics."""
    return text.replace("$", r"\$")


def series(names: Iterable[Name], own: Iterable[Style]) -> dict[Name, Style]:
    """A style without a line for each: their own in this order, then the others; from the start again where there are
    more."""
    return dict(zip(names, cycle([*own, *(look.points for look in OTHERS)]), strict=False))


def algorithms(names: Iterable[str]) -> dict[str, Style]:
    """A style for each algorithm; those without one of their own share out what is left, in their order."""
    others = [name for name in names if name not in ALGORITHMS]
    return ALGORITHMS | {name: OTHERS[place % len(OTHERS)] for place, name in enumerate(others)}
