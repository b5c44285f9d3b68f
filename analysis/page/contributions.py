"""The paper's contributions, what was found beyond them, and the figures that show each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contribution:
    """One of the paper's contributions, or what was found beyond it."""

    id: str
    says: str
    figures: tuple[str, ...]


CONTRIBUTIONS = (
    Contribution(
        "C1",
        "Two-Pass softmax: two passes over memory instead of three, without a max pass and without overflow",
        ("accuracy", "accumulation", "algorithms"),
    ),
    Contribution(
        "C2",
        "The passes of well-optimized Three-Pass softmax are limited by memory bandwidth",
        ("pass-bandwidth", "pass-breakdown", "scaling"),
    ),
    Contribution(
        "C3",
        "On out-of-cache inputs Two-Pass is faster than the better Three-Pass",
        ("speedup", "repeatability", "three-pass", "class-counts", "compilers"),
    ),
    Contribution(
        "C4",
        "Beyond the paper: what came after it, and how near the limit of memory that is",
        ("frontier", "advice", "regret"),
    ),
)
