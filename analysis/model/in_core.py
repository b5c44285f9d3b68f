"""Cycles that a core needs for each vector of a pass when its data is in L1: from the hot loops as our compilers build
them, by llvm-mca's model of each microarchitecture. A run is held against loops of its own kernels alone.

Of each loop the table has an interval. One end is the block reciprocal throughput: what the busiest port, or the width
of dispatch, allows if nothing ever waits for a result; of a reduction by one accumulator it is far below any real time.
The other is a simulation of out-of-order execution, with latencies, chains from one iteration to the next, and the size
of the scheduler. Both have every load hit L1, loads that never wait for stores, and each branch predicted: no bounds.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import pandas as pd

from analysis.model.assembly import bytes_per_iteration, hot_loops
from harness.record import machines
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.isa import ISAS
from harness.record.samples import Run

VECTORS = ("avx512f", "avx2")
"""The ISAs that are predicted; llvm-mca's models of scalar code are up to twice too slow."""
SEVERAL_LOOPS = ("block_sum", "block_store", "held_sum")
"""Passes that go over a block by more than one loop, of which the model knows one: what has them is not predicted."""
PREFETCH = "prefetch"  # the form of passes that do
REFRESH = "`python -m analysis.model refresh` makes it"
RECORDED = ROOT / "results" / "model" / "in-core.csv"
BEFORE_HASHES = "before kernels had a hash"
"""The kernels of such runs, whose loops were compiled from the sources of that time."""
TARGET = "-mtriple=x86_64-unknown-linux-gnu"
# Versions differ in their models: first the one of the recorded table, last whatever the distribution calls its own.
COMMANDS = ("llvm-mca-19", "llvm-mca-20", "llvm-mca")
OLDEST = 16  # the first with a model of Zen 4
# The difference of two simulations is free of what the first iterations lack: their scheduler starts empty.
WARM_UP, ITERATIONS = 10, 60
Algorithms = Mapping[str, Sequence[str]]  # the passes of each
Loops = Mapping[tuple[str, str], Sequence[str]]  # lines of AT&T assembly, by pass and variant
CODE = ["kernels", "microarchitecture", "compiler", "isa"]
COLUMNS = [*CODE, "pass", "variant", "cycles_low", "cycles_high", "compiler_version", "llvm_version"]


def find_simulator() -> tuple[str, str]:
    """Command and version of llvm-mca. Raises HarnessError where none is installed that has all models."""
    for command in filter(shutil.which, COMMANDS):
        if int((version := version_number(_told_by(command, "--version").stdout)).split(".")[0]) >= OLDEST:
            return command, version
    raise HarnessError(f"llvm-mca {OLDEST} or newer is not installed (Debian and Ubuntu: apt install llvm-19)")


def predictable(algorithms: Algorithms) -> set[str]:
    """Passes of these that loops are recorded of. The model knows nothing of prefetches: it has how much memory gives,
    not how late."""
    passes = {name for names in algorithms.values() for name in names}
    return {name for name in passes if name not in SEVERAL_LOOPS and not name.endswith(f"_{PREFETCH}")}


def predicted(algorithms: Algorithms, loops: pd.DataFrame) -> dict[str, list[str]]:
    """Those of all of whose passes there are loops."""
    return {name: list(passes) for name, passes in algorithms.items() if {*loops["pass"]}.issuperset(passes)}


@cache
def load(file: Path = RECORDED) -> pd.DataFrame:
    """The recorded table, as `table` makes it. Raises HarnessError where there is none."""
    try:
        return pd.read_csv(file, dtype={"kernels": str, "compiler_version": str, "llvm_version": str})
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror} ({REFRESH})") from error


def of_code(recorded: pd.DataFrame, code: Sequence[str]) -> pd.DataFrame:
    """The rows of some code: of kernels, microarchitecture, compiler and ISA."""
    return recorded[(recorded[CODE] == [*code]).all(axis=1)]


def intervals(loops: pd.DataFrame, variants: Mapping[str, str] | None = None) -> dict[str, tuple[str, float, float]]:
    """Of each pass its variant, as `variants` say or the one that is fastest halfway between its ends, and cycles per
    vector, low and high; `loops` as `of_code`. Raises HarnessError where one of `variants` has none."""
    if variants is not None:
        loops = loops[loops["variant"] == loops["pass"].map(variants)]
    loops = loops.assign(middle=loops["cycles_low"] + loops["cycles_high"]).sort_values("middle", kind="stable")
    best = loops.drop_duplicates("pass").set_index("pass")[["variant", "cycles_low", "cycles_high"]]
    if missing := {*(variants or ())}.difference(best.index):
        raise HarnessError(f"{RECORDED}: no cycles of {', '.join(sorted(missing))} ({REFRESH})")
    return {name: tuple(row) for name, row in zip(best.index, best.itertuples(index=False), strict=True)}


def table(
    kernels: str, algorithms: Algorithms, compiled: Iterable[Sequence[str]], models: Mapping[str, machines.LlvmModel]
) -> pd.DataFrame:
    """COLUMNS of every pass that is predicted of these `algorithms`, in every variant, ISA and compiler, on the
    microarchitectures of these `models`; `kernels` as a run has their hash, `compiled` as the command `refresh` gives
    it. Raises HarnessError where llvm-mca is missing, or an iteration is not one straight block of whole vectors."""
    (command, llvm), rows = find_simulator(), []
    passes = predictable(algorithms)
    for compiler, version, isa, suffix, text in compiled:
        found = hot_loops(text).items()
        loops = {(name + suffix, variant): loop for (name, variant), loop in found if name + suffix in passes}
        for microarchitecture, model in models.items():
            if isa in model.isas:
                cycles = cycles_per_iteration(command, model.cpu, loops)
                for key, loop in loops.items():
                    ends = sorted(round(end / vectors_per_iteration(loop, isa, key[1]), 3) for end in cycles[key])
                    rows.append((kernels, microarchitecture, compiler, isa, *key, *ends, version_number(version), llvm))
    return pd.DataFrame(rows, columns=COLUMNS)


def of_run(run: Run) -> tuple[str, str]:
    """Kernels and microarchitecture of a run, which are those of the rows that it can be held against."""
    return run.kernels_hash or BEFORE_HASHES, run.machine.microarchitecture


def renewed(recorded: pd.DataFrame, made: pd.DataFrame, runs: Iterable[Run]) -> pd.DataFrame:
    """What is made now, and before it of the recorded table what runs of other kernels need."""
    needed = {of_run(run) for run in runs if of_run(run)[0] != made["kernels"].iloc[0]}
    kept = [pair in needed for pair in zip(recorded["kernels"], recorded["microarchitecture"], strict=True)]
    return pd.concat([recorded[kept], made], ignore_index=True)


def vectors_per_iteration(loop: Sequence[str], isa: str, variant: str) -> int:
    """What a hot loop processes. Raises HarnessError where it is no multiple of its variant's, thus another loop."""
    step = abs(bytes_per_iteration(loop))
    vectors, rest = divmod(step, FLOAT_BYTES * ISAS[isa].lanes)
    if rest or not vectors or vectors % int(variant[1:].partition("k")[0]):
        raise HarnessError(f"{isa} {variant}: an iteration processes {step} bytes, no multiple of its vectors")
    return vectors


def cycles_per_iteration(command: str, cpu: str, loops: Loops) -> dict[tuple[str, str], tuple[float, float]]:
    """Block reciprocal throughput and simulated cycles of each loop's iteration. `command` and `cpu` by the names that
    LLVM gives them. Raises HarnessError where llvm-mca refuses a loop."""
    parts = ("\n".join(["# LLVM-MCA-BEGIN", *lines, "# LLVM-MCA-END\n"]) for lines in loops.values())
    source, ends = "".join(parts), []
    for iterations in (WARM_UP, ITERATIONS):
        options = [TARGET, f"-mcpu={cpu}", f"-iterations={iterations}", "-all-views=false", "-summary-view", "-json"]
        told = _told_by(command, *options, source=source)
        if told.returncode:
            lines = [*filter(lambda line: "error: " in line, told.stderr.splitlines()), told.stderr.strip()]
            raise HarnessError(f"{command}, {cpu}: {lines[0]}")
        ends.append([region["SummaryView"] for region in json.loads(told.stdout)["CodeRegions"]])
    return {
        name: (end["BlockRThroughput"], (end["TotalCycles"] - start["TotalCycles"]) / (ITERATIONS - WARM_UP))
        for name, start, end in zip(loops, *ends, strict=True)
    }


def _told_by(command: str, *options: str, source: str = "") -> subprocess.CompletedProcess[str]:
    """What llvm-mca says of an assembly source."""
    run = partial(subprocess.run, capture_output=True, check=False, encoding="utf-8", errors="backslashreplace")
    return run([command, *options], input=source)


def version_number(version: str) -> str:
    """The last number in what a program says of its version, distributions putting their own before; or 0.0.0."""
    return ["0.0.0", *re.findall(r"\d+\.\d+\.\d+(?=\s|$)", version)][-1]
