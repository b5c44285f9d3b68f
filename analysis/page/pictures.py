"""The interactive figures of the page: a row each. Each shows the table of a figure of the papers; where that has to be
turned (a row a value), it is turned here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from analysis import figures, panels, style
from analysis.claims.claims import paper_percent
from analysis.page import facts
from analysis.page.charts import ELEMENTS, Axis, Bars, Lines, Plot, algorithm_looks
from analysis.page.found import MACHINE, Found
from analysis.tables import conditions
from analysis.tables.bandwidths import EFFECTIVE
from analysis.tables.breakdown import WHOLE
from analysis.tables.scaling import THROUGHPUT
from harness.reading import names
from harness.record.errors import MissingRows, UnknownFigure
from harness.statistics import selection

PROCESSES = {"processes": "processes", "runs": "runs"}
VARIANT = {"variant": "variant"}
Turned = Callable[[pd.DataFrame, Found], pd.DataFrame]


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
    turned: Turned = lambda table, found: table
    columns: tuple[str, ...] = ()
    """Those that are shown; all, where none is named."""

    def table(self, found: Found) -> pd.DataFrame:
        """The rows that are drawn; empty where no run has them."""
        table = found.predicted if self.figure == PREDICTED else found.table(self.figure)
        if table.empty:
            return table
        table = self.turned(table, found)
        wanted = [name for name in (MACHINE, *self.columns) if name in table] if self.columns else list(table)
        return table[[MACHINE, *(name for name in wanted if name != MACHINE)]].reset_index(drop=True)

    @property
    def caption(self) -> str:
        """What the figure for papers says of itself."""
        try:
            return figures.caption(self.figure)
        except UnknownFigure:
            return self.says


PREDICTED = "model"


def primary(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """The primary compiler of each machine first: what stands first is chosen first."""
    firsts = {found.label(its.newest): its.newest.primary for its in found.bodies}
    is_first = table["compiler"] == table[MACHINE].map(firsts)
    return pd.concat([table[is_first], table[~is_first]])


def widest_first(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """ISAs with the longest vectors first, and within them the primary compiler."""
    order = {title: place for place, title in enumerate(names.ISAS.values())}
    return primary(table, found).sort_values("isa", key=lambda isa: isa.map(order), kind="stable")


def with_variants(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """`widest_first` with the variants of each algorithm's passes, as their samples have them."""
    rows = []
    for evidence in found.bodies:
        samples = evidence.newest.samples
        whole = samples[(samples["algorithm"] != "") & (samples["pass"] == "") & (samples["variant"] != "")]
        its = whole.groupby(["compiler", "isa", "algorithm"])["variant"].agg(lambda those: " or ".join(those.unique()))
        rows.append(its.reset_index().assign(**{MACHINE: found.label(evidence.newest)}))
    known = pd.concat(rows)
    known = known.assign(isa=known["isa"].map(names.ISAS), algorithm=known["algorithm"].map(names.algorithm))
    return widest_first(table, found).merge(known, how="left", on=[MACHINE, "compiler", "isa", "algorithm"])


def speedup_variants(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """The same of the two algorithms that a speedup is of."""
    mine = with_variants(table.assign(algorithm=names.algorithm(selection.TWO_PASS)), found)
    mine = mine.rename(columns={"variant": "variants"}).drop(columns="algorithm")
    theirs = with_variants(mine.assign(algorithm=mine["against"]), found)
    return theirs.assign(variants=theirs["variants"] + " against " + theirs["variant"])


def passes_of(origin: str) -> Turned:
    """Passes of one origin, without those that accumulate as published, beside the loops that only move data."""

    def passes(table: pd.DataFrame, found: Found) -> pd.DataFrame:
        kernels = {name: its for evidence in found.bodies for name, its in evidence.newest.kernels.items()}
        table = widest_first(table, found)
        its = table["pass"].map(kernels)
        is_loop = ~its.map(lambda kernel: kernel.computes)
        is_asked = its.map(lambda kernel: kernel.origin == origin and not kernel.twin_of) & ~is_loop
        is_loop &= table[MACHINE].isin(table[is_asked][MACHINE])
        table = table.assign(series=table["pass"].where(~is_loop, "limit: " + table["pass"]))
        return pd.concat([table[is_asked], table[is_loop]])

    return passes


def parts(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """The longest length that was split, without the sums."""
    longest = table.groupby([MACHINE, "isa"])["elements"].transform("max")
    return widest_first(table[(table["elements"] == longest) & (table["pass"] != WHOLE)], found)


def threads(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Vectors in words."""
    told = {"own": "one for each thread", "shared": "one for all threads"}
    table = widest_first(table, found).assign(vectors=table["vectors"].map(told))
    return table.assign(name=table["name"].map(names.algorithm))


def errors(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Algorithms with how they accumulate."""
    ways = {"folded": "", "lanes": ", in float lanes"}
    table = table.assign(series=table["algorithm"] + table["accumulation"].map(ways), compiler="")
    papers = {names.algorithm(name) for its in found.bodies for name in its.newest.papers}
    table = table[(table["accumulation"] == "folded") | table["algorithm"].isin(papers)]
    return widest_first(table, found).drop(columns="compiler")


def libraries(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Libraries by their titles, without the length that tells what a call costs."""
    own = table["title"] == "this project"
    table = table[table["elements"] > 1].assign(series=table["name"].map(names.algorithm).where(own, table["title"]))
    return table.assign(nanoseconds_per_call=table["nanoseconds_per_call_median"])


def over_time(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Of each run that is pooled, not only the one that stands for the machine, one row for each group and what was
    looked at: bandwidths by level and loop, canaries, disturbed samples."""
    held = [(run, found.label(run)) for its in found.bodies for run in its.runs if conditions.is_in(run)]
    tables = []
    for run, label in held:
        with suppress(MissingRows):
            tables.append(conditions.conditions(run).assign(run=facts.when(run), **{MACHINE: label}))
    table = pd.concat(tables)
    looks = [name for name in table if name.endswith(conditions.GAVE)]
    kinds = {
        "bandwidth, GB/s": {name: name.removesuffix(f"_{conditions.GAVE}").replace("_", ", ") for name in looks},
        "canaries, relative to the fastest": {"clock_relative": "clock", "throughput_relative": "throughput"},
        "samples disturbed, %": {"disturbed_percent": "disturbed"},
        "seconds waited": {"waited_seconds": "waited"},
    }
    key = [MACHINE, "run", "process", "group", "started"]
    parts = [
        table[[*key, column]].rename(columns={column: "value"}).assign(quantity=kind, series=told)
        for kind, columns in kinds.items()
        for column, told in columns.items()
    ]
    whole = pd.concat(parts, ignore_index=True).dropna(subset="value")
    return whole.assign(started=whole["started"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def known_answers(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Controls in words, in the order of what was planted."""
    told = {"again": "against itself", "moved": "moved in memory"}
    series = table["kind"].map(told).fillna("planted " + table["planted_percent"].map("{:g}\N{NO-BREAK SPACE}%".format))
    table = table.assign(series=series).sort_values("planted_percent", kind="stable")
    return widest_first(table, found)


def forecasts(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """What the model expects, in words."""
    speedup = f"{names.algorithm(selection.TWO_PASS)} over the better Three-Pass"
    told = {"speedup_percent": "speedup, %", "nanoseconds_per_element": "ns per element"}
    series = table["algorithm"].where(table["algorithm"] != "", speedup) + " (model)"
    table = table.assign(series=series, quantity=table["quantity"].map(told), compiler="")
    renamed = {"median": "expected_median", "low": "expected_low", "high": "expected_high"}
    order = {title: place for place, title in enumerate(names.ISAS.values())}
    table = table.rename(columns=renamed).drop(columns=["algorithm", "compiler"])
    return table.sort_values("isa", key=lambda isa: isa.map(order), kind="stable")


def every_algorithm(found: Found) -> Mapping[str, style.Style]:
    """The looks of all algorithms of all runs."""
    return algorithm_looks([name for its in found.bodies for name in its.newest.algorithms])


def papers_speedups() -> list[tuple[float, str]]:
    """The largest speedups that the paper claims, with whose they are."""
    claims = [claim for isa in names.ISAS if (claim := paper_percent(isa))]
    return [
        (claim.value, f"paper: up to {claim.value:g} % ({names.ISAS[claim.isa or '']}, Skylake-X)") for claim in claims
    ]


def caches(found: Found) -> pd.DataFrame:
    """Where the input alone fills each cache of each machine: machine, level, elements."""
    rows = [
        {MACHINE: found.label(its.newest), "level": level, "elements": elements}
        for its in found.bodies
        for level, elements in panels.cache_boundaries(its.newest.machine).items()
    ]
    return pd.DataFrame(rows, columns=[MACHINE, "level", "elements"])


BY_MACHINE = (MACHINE,)
ISA_LOOKS = {
    "AVX512F": style.Style(style.BLUE, "o", "-"),
    "AVX2": style.Style(style.VERMILLION, "s", "-"),
    "scalar": style.Style(style.GREY, "^", (0, (4, 1.5))),
}
DISTANCE = Axis("relative_time", "time relative to the fastest", form=".3f")


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
        Axis(EFFECTIVE, "effective GB/s", True, form=".3~s"),
        "series",
        (MACHINE, "isa"),
        VARIANT | PROCESSES,
        limit_looks(found),
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
            *(ELEMENTS, Axis("speedup_percent", "speedup, %", form="+.1f"), "isa", (MACHINE, "compiler")),
            {"against": "against", "variants": "variants", **PROCESSES},
            *(ISA_LOOKS, [(0, ""), *papers_speedups()], True),
        ),
        speedup_variants,
    ),
    Picture(
        "algorithms",
        "speedup",
        "algorithms",
        "Time of the three algorithms",
        "Nanoseconds per element: lower is faster.",
        lambda found: Lines(
            *(ELEMENTS, Axis("nanoseconds_per_element", "ns per element", form=".3f"), "algorithm"),
            *((MACHINE, "isa", "compiler"), VARIANT | PROCESSES, every_algorithm(found)),
            caches=True,
        ),
        with_variants,
    ),
    Picture(
        "frontier",
        "frontier",
        "frontier",
        "Every algorithm against the fastest at its length",
        "1 is the fastest. A cold output was written longest ago, a warm one by the call before. Algorithms in one "
        "colour and other dashes differ in their stores, or in how they take exp.",
        lambda found: Lines(
            *(ELEMENTS, DISTANCE, "algorithm", (MACHINE, "isa", "output", "threads")),
            {"fastest": "the fastest", "origin": "whose", "limit_percent_median": "limit of memory, % of its time"}
            | VARIANT
            | PROCESSES,
            *(every_algorithm(found), (), True),
        ),
        with_variants,
    ),
    Picture(
        "bandwidth",
        "bandwidth",
        "pass-bandwidth",
        "Effective bandwidth of each pass, and the limits of the machine",
        "Grey are plain loops that only move data: what memory and caches give. A pass beside the loop of its traffic "
        "is limited by memory; one far below it computes. Where time goes, below, shows the passes of each algorithm.",
        bandwidths,
        passes_of("paper"),
    ),
    Picture(
        "bandwidth-later",
        "bandwidth",
        "pass-bandwidth",
        "The same of passes that came after the paper",
        "Passes with nt store past the caches, those with table take exp by a table.",
        bandwidths,
        passes_of("later"),
    ),
    Picture(
        "breakdown",
        "breakdown",
        "pass-breakdown",
        "Where time goes: each algorithm's passes, out of cache",
        "A bar is one call at the longest length that was split.",
        lambda found: Bars(
            *("algorithm", Axis("nanoseconds_per_element", "ns per element", form=".3f"), "pass", (MACHINE, "isa")),
            {"elements": "elements", "processes": "processes"},
        ),
        parts,
    ),
    Picture(
        "threads",
        "threads",
        "scaling",
        "Throughput against the number of threads",
        "All threads together, each with a vector of its own or all with parts of one.",
        lambda found: Lines(
            *(Axis("threads", "threads", kind="O"), Axis(THROUGHPUT, "10⁹ elements/s", form=".3f"), "name"),
            *((MACHINE, "isa", "vectors"), {"elements": "elements", **PROCESSES}, every_algorithm(found)),
        ),
        threads,
    ),
    Picture(
        "accuracy",
        "accuracy",
        "accuracy",
        "Largest relative error of whole results",
        "Against 80-bit references. Sums are folded into doubles; in float lanes, as published, they lose digits as "
        "vectors grow.",
        lambda found: Lines(
            *(ELEMENTS, Axis("largest_relative_error", "largest relative error", True, form=".2e"), "series"),
            *((MACHINE, "isa", "distribution"), {}),
        ),
        errors,
    ),
    Picture(
        "peers",
        "peers",
        "peers",
        "Other libraries beside these algorithms",
        "Nanoseconds for one call, in the same rounds.",
        lambda found: Lines(
            *(ELEMENTS, Axis("nanoseconds_per_call", "ns per call", True, form=".3~s"), "series"),
            (MACHINE, "threads"),
            {"two_pass_speedup_percent_median": "Two-Pass faster by, %", "version": "version", "output": "output"}
            | PROCESSES,
            every_algorithm(found),
        ),
        libraries,
    ),
    Picture(
        "conditions",
        "conditions",
        "conditions",
        "Was the machine calm?",
        "What was found by a look between each two groups of questions of a run, by the time of day (UTC). All runs "
        "that are pooled can be chosen.",
        lambda found: Lines(
            *(Axis("started", "time, UTC", kind="T"), Axis("value", "what was found", form=".3~f"), "series"),
            switches=(MACHINE, "run", "quantity"),
            tells={"process": "process", "group": "group"},
        ),
        over_time,
    ),
    Picture(
        "controls",
        "trust",
        "controls",
        "Known answers: differences that are none, and planted ones",
        "Two-Pass against itself and against its own copy must show 0 %, planted work what was planted. The largest "
        "difference where there is none is the noise floor.",
        lambda found: Lines(
            *(Axis("series", "what was asked", kind="N"), Axis("difference_percent", "difference, %", form="+.2f")),
            "elements_told",
            switches=(MACHINE, "isa"),
            tells={"planted_percent": "the answer, %", **PROCESSES},
            marks=[(0, "")],
            joined=False,
        ),
        lambda table, found: known_answers(table, found).assign(
            elements_told=lambda those: those["elements"].map(lambda n: f"{names.count(n)} elements")
        ),
    ),
    Picture(
        "repeatability",
        "trust",
        "repeatability",
        "Runs against each other",
        "By how much each run differs from all pooled.",
        lambda found: Lines(
            *(ELEMENTS, Axis("difference_percent", "difference, %", form="+.2f"), "run", (MACHINE, "isa", "compiler")),
            *({"agrees": "agrees", **PROCESSES}, {}, [(0, "")], True),
        ),
        widest_first,
    ),
    Picture(
        "model",
        "predictions",
        PREDICTED,
        "What the model expects (model, not measured)",
        "Bars are 10 to 90 % of all draws of what is uncertain. Nothing here decides a claim.",
        lambda found: Lines(
            *(ELEMENTS, Axis("expected", "expected (model)", form=".3~f"), "series", (MACHINE, "isa", "quantity")),
            looks=MODEL_LOOKS,
        ),
        forecasts,
    ),
)
