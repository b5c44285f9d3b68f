"""The paper's contributions, what was found beyond them, and what shows each: claims, figures, a part of the page."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Contribution:
    """One of the paper's contributions, or what was found beyond it."""

    id: str
    says: str
    quantities: Mapping[str, str]
    """Of the claims that are about it, each with the section of the page that shows what it is judged by."""
    figures: tuple[str, ...]


CONTRIBUTIONS = (
    Contribution(
        "C1",
        "Two-Pass softmax: two passes over memory instead of three, without a max pass and without overflow",
        {"results-not-finite": "accuracy", "floats-per-element": "method"},
        ("accuracy", "accumulation", "algorithms"),
    ),
    Contribution(
        "C2",
        "The passes of well-optimized Three-Pass softmax are limited by memory bandwidth",
        {"slowest-pass-over-memory-percent": "bandwidth"},
        ("pass-bandwidth", "pass-breakdown", "scaling"),
    ),
    Contribution(
        "C3",
        "On out-of-cache inputs Two-Pass is faster than the better Three-Pass",
        {"largest-speedup-percent": "speedup"},
        ("speedup", "repeatability", "three-pass", "class-counts", "compilers"),
    ),
    Contribution(
        "C4",
        "Beyond the paper: what came after it, and how near the limit of memory that is",
        dict.fromkeys(
            (
                *("faster-than-two-pass-percent", "lead-by-stores-percent"),
                *("behind-fastest-percent", "limit-reached-percent"),
            ),
            "frontier",
        ),
        ("frontier", "advice", "regret"),
    ),
)
EVIDENCE = {quantity: section for one in CONTRIBUTIONS for quantity, section in one.quantities.items()}
"""The section that shows what a claim is judged by, by the claim's quantity."""
