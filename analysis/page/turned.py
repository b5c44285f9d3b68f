"""Tables of figures as charts need them: what stands first is chosen first, and each series has a name for people."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pandas as pd

from analysis.page import facts
from analysis.page.found import MACHINE, Found
from analysis.tables import conditions, peers
from analysis.tables.breakdown import WHOLE
from harness.reading import names
from harness.record.errors import MissingRows
from harness.statistics import selection
from harness.statistics.intervals import with_text

Turned = Callable[[pd.DataFrame, Found], pd.DataFrame]


def primary(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """The primary compiler of each machine first: what stands first is chosen first."""
    firsts = {found.label(its.newest): its.newest.primary for its in found.bodies}
    is_first = table["compiler"] == table[MACHINE].map(firsts)
    return pd.concat([table[is_first], table[~is_first]])


def by_isa(table: pd.DataFrame) -> pd.DataFrame:
    """ISAs with the longest vectors first."""
    order = {title: place for place, title in enumerate(names.ISAS.values())}
    return table.sort_values("isa", key=lambda isa: isa.map(order), kind="stable")


def widest_first(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """`by_isa`, and within them the primary compiler first."""
    return by_isa(primary(table, found))


def with_variants(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """`widest_first` of whole algorithms, with the variants of their passes as the samples have them of the run that is
    drawn."""
    rows, key = [], ["compiler", "isa", "algorithm"]
    for evidence in found.bodies:
        samples = evidence.telling("algorithms").samples
        whole = samples[(samples["algorithm"] != "") & (samples["pass"] == "") & (samples["variant"] != "")]
        its = with_text(whole[[*key, "variant"]].drop_duplicates()).groupby(key)["variant"]
        rows.append(its.agg(" or ".join).reset_index().assign(**{MACHINE: found.label(evidence.newest)}))
    known = pd.concat(rows)
    known = known.assign(isa=known["isa"].map(names.ISAS), algorithm=known["algorithm"].map(names.algorithm))
    return widest_first(table, found).merge(known, how="left", on=[MACHINE, *key])


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
    longest = table.groupby([MACHINE, "isa", "compiler"])["elements"].transform("max")
    return widest_first(table[(table["elements"] == longest) & (table["pass"] != WHOLE)], found)


def threads(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Vectors in words."""
    told = {"own": "one for each thread", "shared": "one for all threads"}
    table = widest_first(table, found).assign(vectors=table["vectors"].map(told))
    return table.assign(name=table["name"].map(names.algorithm))


def errors(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Algorithms with how they accumulate."""
    ways = {"folded": "", "lanes": ", in float lanes"}
    table = table.assign(series=table["algorithm"] + table["accumulation"].map(ways))
    papers = {names.algorithm(name) for its in found.bodies for name in its.newest.papers}
    return by_isa(table[(table["accumulation"] == "folded") | table["algorithm"].isin(papers)])


def libraries(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Libraries by their titles beside ours that are drawn with them, without the length that tells what a call
    costs."""
    with_peers = [its for its in found.bodies if peers.PEERS in its.parts]
    drawn = [(found.label(its.newest), name) for its in with_peers for name in peers.ours(its.telling(peers.PEERS))]
    is_ours = table["title"] == "this project"
    is_drawn = pd.MultiIndex.from_frame(table[[MACHINE, "name"]]).isin(drawn)
    table = table.assign(series=table["name"].map(names.algorithm).where(is_ours, table["title"]))
    table = table[(~is_ours | is_drawn) & (table["elements"] > 1)]
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
    """Controls and lengths in words, in the order of what was planted."""
    told = {"again": "against itself", "moved": "moved in memory"}
    series = table["kind"].map(told).fillna("planted " + table["planted_percent"].map("{:g}\N{NO-BREAK SPACE}%".format))
    lengths = table["elements"].map(names.count) + " elements"
    table = table.assign(series=series, elements_told=lengths).sort_values("planted_percent", kind="stable")
    return widest_first(table, found)


def forecasts(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """What the model expects, in words."""
    speedup = f"{names.algorithm(selection.TWO_PASS)} over the better Three-Pass"
    told = {"speedup_percent": "speedup, %", "nanoseconds_per_element": "ns per element"}
    series = table["algorithm"].where(table["algorithm"] != "", speedup) + " (model)"
    table = table.assign(series=series, quantity=table["quantity"].map(told)).drop(columns="compiler")
    renamed = {"median": "expected_median", "low": "expected_low", "high": "expected_high"}
    return by_isa(table.rename(columns=renamed).drop(columns="algorithm"))
