"""The traffic between caches that the timed loop makes on every known machine: simulates what results/model records.

Nothing is measured. The simulator needs a compiler, where the harness puts vectors, and the lengths of the protocols.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from analysis.model import cache_simulator, traffic_simulator
from analysis.model.cache_simulator import Simulator
from analysis.model.traffic import ALONE, LOOPS, RECORDED
from analysis.model.traffic_simulator import Contender, Core, Pass
from harness.native import build
from harness.native.memory import Layout
from harness.record import configuration
from harness.record.files import csv_bytes, write_whole
from harness.record.machines import Machine

# Lengths for smooth lines, beside those that a protocol measures.
PER_DECADE, FROM, TO = 8, 1000, 300_000_000


@cache
def simulator() -> Simulator:
    """The simulator, compiled now by the primary compiler. Raises HarnessError where that fails."""
    compilers, _ = build.find_compilers(configuration.load())
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "cache_simulator.so"
        sources = [*cache_simulator.FLAGS, "-shared", "-fPIC", str(cache_simulator.SOURCE)]
        build.run([*compilers[0].command, *sources, "-o", str(library)])
        return Simulator(library)


def declared() -> dict[str, Pass]:
    """The passes by name, with the traffic that the table of kernels in kernels.c declares."""
    row = r"^ *(?:REDUCTION|MAP|LOOPS)\(X, *(\w+), *([01]), ([01]), ([01]),.*?(\.non_temporal = 1)?\)"
    rows = re.findall(row, (build.KERNELS / "kernels.c").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        name: ((int(reads_x), int(reads_y), int(writes_y)), "STORE_NT" if non_temporal else "STORE")
        for name, reads_x, reads_y, writes_y, non_temporal in rows
    }


def contenders(settings: configuration.Config) -> list[Contender]:
    """Every algorithm under the paper's protocol, and every loop of LOOPS on its own, warm."""
    passes = declared()
    named = [("paper", algorithm, names) for algorithm, names in settings["algorithms"].items()]
    named += [("warm", ALONE, [name]) for name in LOOPS]
    return [(state, algorithm, {name: passes[name] for name in names}) for state, algorithm, names in named]


def lengths(settings: configuration.Config, llc_bytes: int) -> list[int]:
    """Every length from FROM that a protocol measures on a machine with this last-level cache, and PER_DECADE to draw
    lines. Shorter vectors never leave L1, and would take millions of calls to fill an L3."""
    steps = range(math.floor(PER_DECADE * math.log10(TO / FROM)) + 1)
    wanted = {TO, *(configuration.three_digits(FROM * 10 ** (step / PER_DECADE)) for step in steps)}
    for protocol in settings["protocols"].values():
        for key, spec in protocol["lengths"].items():
            if key in settings["experiments"] or not isinstance(spec, str | int):
                wanted.update(configuration.lengths(spec, llc_bytes))
    return sorted(n for n in wanted if n >= FROM)


def core(settings: configuration.Config, machine: Machine) -> Core:
    """A core of this machine, with vectors where the harness puts them. Raises BadConfiguration where its file does not
    tell enough, HarnessError where there is no compiler."""
    rotation_bytes = math.ceil(settings["rotation"] * machine.holds_bytes)

    def places(elements: int) -> tuple[int, int]:
        layout = Layout(elements, rotation_bytes)
        return layout.outputs_at, layout.output_count(elements)

    return Core(simulator(), cache_simulator.hierarchy(machine), places)


def table(machines: Mapping[str, Machine], elements: Sequence[int] | None = None) -> pd.DataFrame:
    """What is recorded, of these machines by name, at every length or at these. Raises as `core` does."""
    settings = configuration.load()
    return pd.concat(
        traffic_simulator.table(
            name,
            core(settings, machine),
            contenders(settings),
            elements or lengths(settings, machine.caches[-1].bytes),
        )
        for name, machine in machines.items()
    )


def record(output: Path | None = None) -> Path:
    """Simulates every machine whose file tells enough and writes the table, by default where it is recorded; returns
    its path. Raises HarnessError where a file is bad or there is no compiler."""
    output = output or RECORDED
    write_whole({output: csv_bytes(table(cache_simulator.known_hierarchies()))})
    return output
