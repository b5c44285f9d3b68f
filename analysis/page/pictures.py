"""The interactive figures of the page: a row each. Each shows the table of a figure for papers, turned where it has to
be (`analysis.page.turned`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from analysis import panels, style
from analysis.claims.claims import paper_percent
from analysis.page import turned
from analysis.page.charts import ELEMENTS, Axis, Bars, Lines, Plot, algorithm_looks
from analysis.page.found import MACHINE, Found
from analysis.tables.bandwidths import EFFECTIVE
from analysis.tables.scaling import THROUGHPUT
from harness.reading import names
from harness.record.machines import load_machines

PROCESSES = {"processes": "processes", "runs": "runs"}
VARIANT = {"variant": "variant"}


@dataclass(frozen=True)
class Picture:
    """One interactive figure."""

    name: str
    section: str
    figure: str
    """Whose table it shows."""
    title: str
    says: str
    """What is drawn, and how it is read."""
    plot: Callable[[Found], Plot]
    turn: turned.Turned = lambda table, found: table

    def table(self, found: Found) -> pd.DataFrame:
        """The rows that are drawn; empty where no run has them."""
        table = found.predicted if self.figure == PREDICTED else found.table(self.figure)
        if table.empty:
            return table
        table = self.turn(table, found)
        return table[[MACHINE, *(name for name in table if name != MACHINE)]].reset_index(drop=True)


PREDICTED = "model"


def every_algorithm(found: Found) -> Mapping[str, style.Style]:
    """The looks of all algorithms of all runs."""
    return algorithm_looks([name for its in found.bodies for name in its.newest.algorithms])


def papers_speedups() -> list[tuple[float, str]]:
    """The largest speedups that the paper claims, with whose they are."""
    known, told = load_machines(), []
    for isa, title in names.ISAS.items():
        claim = paper_percent(isa)
        if claim and claim.machine:
            machine = known[claim.machine].microarchitecture
            told.append((claim.value, f"paper: up to {claim.value:g} % ({title}, {machine})"))
    return told


def caches(found: Found) -> pd.DataFrame:
    """Where the input alone fills each cache of each machine: machine, level, elements."""
    rows = [
        {MACHINE: found.label(its.newest), "level": level, "elements": elements}
        for its in found.bodies
        for level, elements in panels.cache_boundaries(its.newest.machine).items()
    ]
    return pd.DataFrame(rows, columns=[MACHINE, "level", "elements"])


ISA_LOOKS = {
    "AVX512F": style.Style(style.BLUE, "o", "-"),
    "AVX2": style.Style(style.VERMILLION, "s", "-"),
    "scalar": style.Style(style.GREY, "^", (0, (4, 1.5))),
}
TIME = Axis("nanoseconds_per_element", "ns per element", form=".3f")
ZERO = (0, "")
"""A line where there is no difference, without a word."""


def limit_looks(found: Found) -> dict[str, style.Style]:
    """The loops that only move data: grey, each with dashes of its own."""
    loops = dict.fromkeys(name for its in found.bodies for name in its.newest.bandwidth_loops)
    return {
        f"limit: {name}": style.Style(style.GREY, marker, style.LIMITS[place % len(style.LIMITS)])
        for place, (name, marker) in enumerate(zip(loops, "osD^v", strict=False))
    }


def bandwidths(found: Found) -> Plot:
    """Bandwidths by length, a line a pass."""
    return Lines(
        ELEMENTS,
        Axis(EFFECTIVE, "effective GB/s", is_log=True),
        "series",
        switches=(MACHINE, "isa", "compiler"),
        tells=VARIANT | PROCESSES,
        looks=limit_looks(found),
        caches=True,
    )


MODEL_LOOKS = {
    "Two-Pass over the better Three-Pass (model)": style.Style(style.VERMILLION, "o", (0, (4, 1.2))),
    "Two-Pass (model)": style.Style(style.VERMILLION, "o", (0, (4, 1.2))),
    "Three-Pass, recomputing (model)": style.Style(style.SKY, "s", (0, (5, 1.5))),
    "Three-Pass, reloading (model)": style.Style(style.PURPLE, "^", (0, (1.2, 1.2))),
}

PICTURES = (
    Picture(
        "speedup",
        "speedup",
        "speedup",
        "Speedup of Two-Pass over the better Three-Pass",
        "Above zero Two-Pass is faster. Each point is a ratio within rounds, in which all algorithms ran one after the "
        "other; bars are intervals. The dashed lines are the paper's, of its own machine.",
        lambda found: Lines(
            ELEMENTS,
            Axis("speedup_percent", "speedup, %", form="+.1f"),
            "isa",
            switches=(MACHINE, "compiler"),
            tells={"against": "against", **PROCESSES},
            looks=ISA_LOOKS,
            marks=[ZERO, *papers_speedups()],
            caches=True,
        ),
        turned.widest_first,
    ),
    Picture(
        "algorithms",
        "speedup",
        "algorithms",
        "Time of the three algorithms",
        "Nanoseconds per element: lower is faster.",
        lambda found: Lines(
            ELEMENTS,
            TIME,
            "algorithm",
            switches=(MACHINE, "isa", "compiler"),
            tells=VARIANT | PROCESSES,
            looks=every_algorithm(found),
            caches=True,
        ),
        turned.with_variants,
    ),
    Picture(
        "frontier",
        "frontier",
        "frontier",
        "Every algorithm against the fastest at its length",
        "1 is the fastest. A cold output was written longest ago, a warm one by the call before.",
        lambda found: Lines(
            ELEMENTS,
            Axis("relative_time", "time relative to the fastest", form=".3f"),
            "algorithm",
            switches=(MACHINE, "isa", "output", "threads"),
            tells={
                "fastest": "the fastest",
                "origin": "whose",
                "limit_percent_median": "limit of memory, % of its time",
                **PROCESSES,
            },
            looks=every_algorithm(found),
            caches=True,
        ),
        turned.widest_first,
    ),
    Picture(
        "bandwidth",
        "bandwidth",
        "pass-bandwidth",
        "Effective bandwidth of each pass, and the limits of the machine",
        "Grey are plain loops that only move data: what memory and caches give. A pass beside the loop of its traffic "
        "is limited by memory; one far below it computes. Where time goes, below, shows the passes of each algorithm.",
        bandwidths,
        turned.passes_of("paper"),
    ),
    Picture(
        "bandwidth-later",
        "bandwidth",
        "pass-bandwidth",
        "The same of passes that came after the paper",
        "Passes with nt use non-temporal stores, those with table take exp by a table, those with prefetch ask for "
        "lines that they will read later.",
        bandwidths,
        turned.passes_of("later"),
    ),
    Picture(
        "breakdown",
        "breakdown",
        "pass-breakdown",
        "Where time goes: each algorithm's passes",
        "A bar is one call at the longest split length; point at it to see which.",
        lambda found: Bars(
            "algorithm",
            TIME,
            "pass",
            switches=(MACHINE, "isa", "compiler"),
            tells={"elements": "elements", "processes": "processes"},
        ),
        turned.parts,
    ),
    Picture(
        "threads",
        "threads",
        "scaling",
        "Throughput against the number of threads",
        "All threads together, each with a vector of its own or all with parts of one.",
        lambda found: Lines(
            Axis("threads", "threads", kind="O"),
            Axis(THROUGHPUT, "10⁹ elements/s", form=".3f"),
            "name",
            switches=(MACHINE, "isa", "vectors"),
            tells={"elements": "elements", **PROCESSES},
            looks=every_algorithm(found),
        ),
        turned.threads,
    ),
    Picture(
        "accuracy",
        "accuracy",
        "accuracy",
        "Largest relative error of whole results",
        "Against 80-bit references. Sums are folded into doubles; in float lanes, as published, they lose digits as "
        "vectors grow.",
        lambda found: Lines(
            ELEMENTS,
            Axis("largest_relative_error", "largest relative error", is_log=True, form=".2e"),
            "series",
            switches=(MACHINE, "isa", "distribution"),
        ),
        turned.errors,
    ),
    Picture(
        "peers",
        "peers",
        "peers",
        "Other libraries beside these algorithms",
        "Nanoseconds for one call, in the same rounds. Of later algorithms the fastest at the longest length is shown.",
        lambda found: Lines(
            ELEMENTS,
            Axis("nanoseconds_per_call", "ns per call", is_log=True),
            "series",
            switches=(MACHINE, "threads"),
            tells={
                "two_pass_speedup_percent_median": "Two-Pass faster by, %",
                "version": "version",
                "output": "output",
                **PROCESSES,
            },
            looks=every_algorithm(found),
        ),
        turned.libraries,
    ),
    Picture(
        "conditions",
        "conditions",
        "conditions",
        "Was the machine calm?",
        "Bandwidth, canaries, disturbed samples and waits, by the time of day (UTC). All pooled runs can be chosen.",
        lambda found: Lines(
            Axis("started", "time, UTC", kind="T"),
            Axis("value", "what was found", form=".3~f"),
            "series",
            switches=(MACHINE, "run", "quantity"),
            tells={"process": "process", "group": "group"},
        ),
        turned.over_time,
    ),
    Picture(
        "controls",
        "trust",
        "controls",
        "Known answers: differences that are none, and planted ones",
        "Two-Pass against itself and against its own copy must show 0 %, planted work what was planted. What "
        "they show where there is no difference is the noise floor.",
        lambda found: Lines(
            Axis("series", "what was asked", kind="N"),
            Axis("difference_percent", "difference, %", form="+.2f"),
            "elements_told",
            switches=(MACHINE, "isa", "compiler"),
            tells={"planted_percent": "the answer, %", **PROCESSES},
            marks=[ZERO],
            joined=False,
        ),
        turned.known_answers,
    ),
    Picture(
        "repeatability",
        "trust",
        "repeatability",
        "Runs against each other",
        "By how much each run differs from all pooled.",
        lambda found: Lines(
            ELEMENTS,
            Axis("difference_percent", "difference, %", form="+.2f"),
            "run",
            switches=(MACHINE, "isa", "compiler"),
            tells={"agrees": "agrees", **PROCESSES},
            marks=[ZERO],
            caches=True,
        ),
        turned.widest_first,
    ),
    Picture(
        "model",
        "predictions",
        PREDICTED,
        "What the model expects (model, not measured)",
        "Bars are 10 to 90 % of all draws of what is uncertain. Nothing here decides a claim.",
        lambda found: Lines(
            ELEMENTS,
            Axis("expected", "expected (model)", form=".3~f"),
            "series",
            switches=(MACHINE, "isa", "quantity"),
            looks=MODEL_LOOKS,
        ),
        turned.forecasts,
    ),
)
