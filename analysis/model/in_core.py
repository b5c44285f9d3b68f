"""Cycles that a core needs for each vector of a pass when its data is in L1: from the hot loops as our compilers build
them, by llvm-mca's model of each microarchitecture. Nothing runs and nothing is fitted.

Of each loop the table has an interval. One end is the block reciprocal throughput: what the busiest port, or the width
of dispatch, allows if nothing ever waits for a result; of a reduction by one accumulator it is far below any real time.
The other is a simulation of out-of-order execution, with latencies, chains from one iteration to the next, and the size
of the scheduler. Both have every load hit L1, loads that never wait for stores, and each branch predicted: no bounds.

The recorded table is in git, so a prediction needs neither LLVM nor the compilers.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.model.assembly import Instruction, bytes_per_iteration, functions, marked_places
from harness.record import machines
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.isa import ISAS
from harness.statistics import selection

KERNELS = ROOT / "kernels"
ASSEMBLY = ROOT / "results" / "build" / "assembly"
REFRESH = "`python -m analysis.model refresh` makes it"
RECORDED = ROOT / "results" / "model" / "in-core.csv"
TARGET = "-mtriple=x86_64-unknown-linux-gnu"
# Versions differ in their models: first the one of the recorded table, last whatever the distribution calls its own.
COMMANDS = ("llvm-mca-19", "llvm-mca-20", "llvm-mca")
# The difference of two simulations is free of what the first iterations lack: their scheduler starts empty.
WARM_UP, ITERATIONS = 20, 120
PREDICTED = (*selection.THREE_PASS, selection.TWO_PASS)
"""The paper's algorithms: of those that came later no run has told yet how far off the model is."""
FAILURE = "error: "
COLUMNS = [
    *("microarchitecture", "compiler", "compiler_version", "isa", "pass", "variant", "vectors_per_iteration"),
    *("cycles_per_vector_low", "cycles_per_vector_high", "llvm_version"),
]


def find_simulator(cpus: Collection[str]) -> tuple[str, str]:
    """Command and version of the first installed llvm-mca that has a model of all these processors. Raises HarnessError
    where none has."""
    lacking = "llvm-mca is not installed"
    for command in filter(shutil.which, COMMANDS):
        version = version_number(_told_by(command, "--version").stdout)
        known = re.findall(r"^ +(\S+) +- Select", _told_by(command, TARGET, "-mcpu=help").stderr, re.MULTILINE)
        if not (unknown := sorted(set(cpus) - set(known))):
            return command, version
        lacking = f"llvm-mca {version} has no model of {', '.join(unknown)}"
    raise HarnessError(f"{lacking} (Debian and Ubuntu: apt install llvm-19)")


def modelled_cpus() -> set[str]:
    """LLVM's names of all processors that are predicted."""
    return {model.cpu for model in machines.llvm_models().values()}


def load(file: Path = RECORDED) -> pd.DataFrame:
    """The recorded table, as `table` makes it. Raises HarnessError where there is none."""
    try:
        return pd.read_csv(file, dtype={"compiler_version": str, "llvm_version": str})
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror} ({REFRESH})") from error


def intervals(
    recorded: pd.DataFrame, microarchitecture: str, compiler: str, isa: str, variants: Mapping[str, str] | None = None
) -> dict[str, tuple[str, float, float]]:
    """Of each pass its variant and that variant's cycles per vector, low and high: the one in `variants`, or where
    nothing is said the one that is fastest halfway between the two. Raises HarnessError where a pass has none."""
    keys = {"microarchitecture": microarchitecture, "compiler": compiler, "isa": isa}
    rows = recorded.dropna(subset=["cycles_per_vector_low"])
    for name, value in keys.items():
        rows = rows[rows[name] == value]
    found = {}
    for name in dict.fromkeys(variants or rows["pass"]):
        those = rows[rows["pass"] == name]
        if variants:
            those = those[those["variant"] == variants[name]]
        if those.empty:
            what = " ".join([*keys.values(), name, variants[name] if variants else ""])
            raise HarnessError(f"{RECORDED}: no cycles of {what} ({REFRESH})")
        middle = those["cycles_per_vector_low"] + those["cycles_per_vector_high"]
        best = those.loc[middle.idxmin()]
        found[name] = (best["variant"], float(best["cycles_per_vector_low"]), float(best["cycles_per_vector_high"]))
    return found


def table(folder: Path = ASSEMBLY) -> pd.DataFrame:
    """The interval of every pass, variant, ISA, compiler and microarchitecture that has a model, from the assembly that
    the harness wrote into `folder`: COLUMNS. vectors_per_iteration is a multiple of the variant's where the compiler
    unrolls further; numbers are missing where an iteration is not one straight block of code (gcc leaves the polynomial
    a loop of its own in scalar variants of 7 vectors or more). Raises HarnessError where llvm-mca or the assembly is
    missing, or one of the two does not fit the other."""
    command, llvm = find_simulator(modelled_cpus())
    rows = []
    for one, loops in compiled_loops(folder):
        for microarchitecture, model in machines.llvm_models().items():
            if one["isa"] in model.isas:
                key = (microarchitecture, one["compiler"], version_number(one["version"]), one["isa"])
                cycles = cycles_per_iteration(command, model.cpu, {name: loop for name, loop in loops.items() if loop})
                for name, loop in loops.items():
                    vectors = vectors_per_iteration(loop, one["isa"]) if loop else None
                    ends = [round(c / vectors, 3) for c in sorted(cycles[name])] if loop else [None, None]
                    rows.append((*key, *name, vectors, *ends, llvm))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"vectors_per_iteration": "Int64"})


def compiled_loops(folder: Path) -> Iterator[tuple[dict[str, str], dict[tuple[str, str], tuple[str, ...]]]]:
    """Of each compiler and ISA what `python -m harness assembly` says of it, and the hot loop of every instance of
    their passes by (pass, variant). Raises HarnessError where there is nothing, or the lines tell nothing."""
    places = marked_places(KERNELS)
    try:
        contents = json.loads((folder / "assembly.json").read_text(encoding="utf-8"))
        passes = {name for algorithm in PREDICTED for name in contents["algorithms"][algorithm]}
        for one in contents["objects"]:
            found = functions((folder / one["lines"]).read_text(encoding="utf-8"))
            yield one, {(f.pass_name, f.variant): f.hot_loop(places) for f in found if f.pass_name in passes}
    except OSError as error:
        raise HarnessError(f"{error.filename}: {error.strerror} (`python -m harness assembly` makes it)") from error


def vectors_per_iteration(loop: Sequence[str], isa: str) -> int:
    """How many vectors an iteration of a hot loop processes. Raises HarnessError where that is no whole number."""
    step = bytes_per_iteration([Instruction(line) for line in loop]) or 0
    vectors, rest = divmod(abs(step), FLOAT_BYTES * ISAS[isa].lanes)
    if rest or not vectors:
        raise HarnessError(f"{isa}: an iteration processes {step} bytes, no whole vectors")
    return vectors


def cycles_per_iteration(
    command: str, cpu: str, loops: Mapping[tuple[str, str], Sequence[str]]
) -> dict[tuple[str, str], tuple[float, float]]:
    """(block reciprocal throughput, simulated) of each loop, in cycles for one iteration, by its name.

    `loops` are lines of AT&T assembly, `cpu` a name that LLVM has. Raises HarnessError where llvm-mca refuses one.
    """
    parts = ("\n".join(["# LLVM-MCA-BEGIN", *lines, "# LLVM-MCA-END\n"]) for lines in loops.values())
    source, ends = "".join(parts), []
    for iterations in (WARM_UP, ITERATIONS):
        options = [TARGET, f"-mcpu={cpu}", f"-iterations={iterations}", "-all-views=false", "-summary-view", "-json"]
        told = _told_by(command, *options, source=source)
        if told.returncode:
            lines = told.stderr.splitlines() or ["no message"]
            raise HarnessError(f"{command}, {cpu}: {next((line for line in lines if FAILURE in line), lines[0])}")
        ends.append([region["SummaryView"] for region in json.loads(told.stdout)["CodeRegions"]])
    return {
        name: (end["BlockRThroughput"], (end["TotalCycles"] - start["TotalCycles"]) / (ITERATIONS - WARM_UP))
        for name, start, end in zip(loops, *ends, strict=True)
    }


def _told_by(command: str, *options: str, source: str = "") -> subprocess.CompletedProcess[str]:
    """What llvm-mca says of an assembly source."""
    text = {"encoding": "utf-8", "errors": "backslashreplace"}
    return subprocess.run([command, *options], input=source, capture_output=True, check=False, **text)


def version_number(version: str) -> str:
    """The number in what a program says of its version, "unknown" where there is none: the last, since distributions
    put their own before."""
    return ["unknown", *re.findall(r"\d+\.\d+\.\d+(?=\s|$)", version)][-1]
