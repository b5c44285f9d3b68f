"""How things are called where a person reads them."""

from collections.abc import Iterable

from harness.record import isa

ISAS = {name: known.title for name, known in isa.ISAS.items()}
ALGORITHMS = {
    "three-pass-recompute": "Three-Pass, recomputing",
    "three-pass-reload": "Three-Pass, reloading",
    "two-pass": "Two-Pass",
    "three-pass-recompute-nt": "Three-Pass, recomputing, past the caches",
    "two-pass-nt": "Two-Pass, past the caches",
    "online": "Online, by blocks",
    "online-nt": "Online, past the caches",
    "block-reload": "Reloading, by blocks",
    "unified-max": "Unified maximum",
    "three-pass-reload-table": "Three-Pass, reloading, exp by a table",
    "two-pass-table": "Two-Pass, exp by a table",
    "two-pass-nt-table": "Two-Pass, past the caches, exp by a table",
    "three-pass-recompute-nt-prefetch": "Three-Pass, recomputing, past the caches, prefetching",
    "two-pass-nt-prefetch": "Two-Pass, past the caches, prefetching",
}
SHORT_ALGORITHMS = {"three-pass-recompute": "recomputing", "three-pass-reload": "reloading"}


CLASS_COUNTS = {
    21_841: "ImageNet",
    793_471: "One Billion Word",
    2_933_659: "Wikilinks",
    364_800_000: "DepCC",
}
"""The vector lengths that motivate the paper, by its introduction."""


def algorithm(name: str) -> str:
    """An algorithm as the paper or its users name it; one that has no line here, as run.json does."""
    return ALGORITHMS.get(name, name)


def count(number: float) -> str:
    """A number of elements with an SI letter and at most three digits: 1000 is 1K, 56000000 is 56M."""
    number = float(f"{number:.3g}")
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def percent(share: float) -> str:
    """A share (0 to 1) in percent, with one decimal."""
    return f"{100 * share:.1f} %"


def interval(ends: Iterable[float], unit: str = " %", form: str = "+.1f") -> str:
    """A value with its interval, which `ends` are in this order: "+2.0 % [+1.5, +2.5]"."""
    middle, low, high = (format(end, form) for end in ends)
    return f"{middle}{unit} [{low}, {high}]"


def threads(number: int) -> str:
    """So many threads, in words."""
    return "1 thread" if number == 1 else f"{number} threads"


def spread(low: float, high: float, unit: str = "") -> str:
    """One number where both are the same, "low to high" otherwise, each with one decimal unless it is whole."""
    first, last = (f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}" for value in (low, high))
    return (first if first == last else f"{first} to {last}") + unit
