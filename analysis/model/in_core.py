"""Cycles that a core needs for each vector of a pass when its data is in L1: from the hot loops as our compilers build
them, by llvm-mca's model of each microarchitecture. Nothing runs and nothing is fitted.

Of each loop the table has an interval. One end is the block reciprocal throughput: what the busiest port, or the width
of dispatch, allows if nothing ever waits for a result. The other is a simulation of out-of-order execution, which also
knows latencies, chains of dependent operations from one iteration to the next, and the size of the scheduler.

What llvm-mca's model leaves out: every load hits L1 and takes its latency; loads never wait for stores (-noalias, its
default), so a spilled value comes back by the latency of a load alone, without store forwarding; each branch is
predicted; instructions come from the decoders at full rate; no 4 KiB aliasing, no line that a vector straddles. Block
reciprocal throughput does not see dependence chains: of a reduction by one accumulator it is far below any real time.

Compared with a recorded run on Zen 4 in L1 (tuned variants, 2150 elements by gcc, 3160 by clang, with call and
remainder), the simulated end is off by -14 to +19 % (gcc) and -23 to +44 % (clang) in AVX2 and AVX512F, without
`scale`. That is off by -26 % at most in AVX2 and by -55 % in AVX512F, where the model stores 64 bytes in each cycle,
the processor in every second. Scalar takes up to twice as long as measured: the model has one pipe for scalar FMA and
maximum, the processor two. So the interval is no bound.

The recorded table is in git, so a prediction needs neither LLVM nor the compilers. `python -m harness assembly`, then
`python -m analysis.model in-core` makes it anew.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.model.assembly import FLOAT_BYTES, Loop, functions, marked_places, skeleton
from harness.record import machines
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.isa import ISAS

KERNELS = ROOT / "kernels"
ASSEMBLY = ROOT / "results" / "build" / "assembly"
REFRESH = "`python -m harness assembly`, then `python -m analysis.model in-core` makes it"
RECORDED = ROOT / "results" / "model" / "in-core.csv"
TARGET = "-mtriple=x86_64-unknown-linux-gnu"
# Versions differ in their models: first the one of the recorded table, last whatever the distribution calls its own.
COMMANDS = ("llvm-mca-19", "llvm-mca-20", "llvm-mca")
# The difference of two simulations is free of what the first iterations lack: their scheduler starts empty.
WARM_UP, ITERATIONS = 20, 120
FAILURE = "error: "


@dataclass(frozen=True)
class Simulator:
    """An installed llvm-mca."""

    command: str
    version: str


def find_simulator(cpus: Collection[str]) -> Simulator:
    """The first installed llvm-mca that has a model of all these processors. Raises HarnessError where none has."""
    lacking = "llvm-mca is not installed"
    for command in filter(shutil.which, COMMANDS):
        version = version_number(_told_by(command, "--version").stdout)
        known = re.findall(r"^ +(\S+) +- Select", _told_by(command, TARGET, "-mcpu=help").stderr, re.MULTILINE)
        if not (unknown := sorted(set(cpus) - set(known))):
            return Simulator(command, version)
        lacking = f"llvm-mca {version} has no model of {', '.join(unknown)}"
    raise HarnessError(f"{lacking} (Debian and Ubuntu: apt install llvm-19)")


def modelled_cpus() -> set[str]:
    """LLVM's names of all processors that are predicted."""
    return {model.cpu for model in machines.llvm_models().values()}


@dataclass(frozen=True)
class Compiled:
    """The kernels of one compiler and ISA in assembly: `plain` as they are measured, `lines` with source lines."""

    compiler: str
    version: str
    isa: str
    passes: frozenset[str]
    """Those of the algorithms; other kernels are not predicted."""
    plain: str
    lines: str


def compiled_kernels(folder: Path) -> Iterator[Compiled]:
    """What the harness compiled into `folder`, in order. Raises HarnessError where there is nothing."""
    try:
        contents = json.loads((folder / "assembly.json").read_text(encoding="utf-8"))
        passes = frozenset(name for names in contents["algorithms"].values() for name in names)
        for one in contents["objects"]:
            plain, lines = ((folder / one[way]).read_text(encoding="utf-8") for way in ("plain", "lines"))
            yield Compiled(one["compiler"], version_number(one["version"]), one["isa"], passes, plain, lines)
    except OSError as error:
        raise HarnessError(f"{error.filename}: {error.strerror} (`python -m harness assembly` makes it)") from error


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
    the harness wrote into `folder`.

    Columns: microarchitecture, compiler, compiler_version, isa, pass, variant; vectors_per_iteration: of the compiled
    loop (a multiple of the variant's where the compiler unrolls further); cycles_per_vector_low and _high;
    instructions_per_vector; spill_stores, spill_loads: instructions in an iteration that write and read the stack
    frame; llvm_version. Numbers are missing where an iteration is not one straight block of code (gcc leaves the
    polynomial a loop of its own in scalar variants of 7 vectors or more).

    Raises HarnessError where llvm-mca or the assembly is missing, or one of the two does not fit the other.
    """
    simulator = find_simulator(modelled_cpus())
    rows = []
    for compiled in compiled_kernels(folder):
        loops = hot_loops(compiled)
        for microarchitecture, model in machines.llvm_models().items():
            if compiled.isa in model.isas:
                key = (microarchitecture, compiled.compiler, compiled.version, compiled.isa)
                found = _rows(simulator, model.cpu, compiled.isa, loops)
                rows += [(*key, *row, simulator.version) for row in found]
    columns = [
        "microarchitecture", "compiler", "compiler_version", "isa", "pass", "variant", "vectors_per_iteration",
        "cycles_per_vector_low", "cycles_per_vector_high", "instructions_per_vector", "spill_stores", "spill_loads",
        "llvm_version",
    ]  # fmt: skip
    counts = {name: "Int64" for name in ("vectors_per_iteration", "spill_stores", "spill_loads")}
    return pd.DataFrame(rows, columns=columns).astype(counts)


def _rows(simulator: Simulator, cpu: str, isa: str, loops: Mapping[tuple[str, str], Loop | None]) -> Iterator[tuple]:
    code = {
        f"{pass_name} {variant}": [instruction.text for instruction in loop.instructions]
        for (pass_name, variant), loop in loops.items()
        if loop
    }
    cycles = cycles_per_iteration(simulator, cpu, code)
    for (pass_name, variant), loop in loops.items():
        if loop is None:
            yield pass_name, variant, *[None] * 6
            continue
        vectors = vectors_per_iteration(loop, isa)
        low, high = sorted(cycles[f"{pass_name} {variant}"])
        per_vector = (round(count / vectors, 3) for count in (low, high, len(loop.instructions)))
        yield pass_name, variant, vectors, *per_vector, *loop.stack_accesses()


def hot_loops(compiled: Compiled) -> dict[tuple[str, str], Loop | None]:
    """The hot loop of every instance of the algorithms' passes by (pass, variant); None where an iteration is not one
    straight block of code.

    Raises HarnessError where the lines tell nothing, or the code differs with them.
    """
    plain = {function.name: function for function in functions(compiled.plain)}
    places = marked_places(KERNELS)
    loops = {}
    for function in functions(compiled.lines):
        if function.pass_name in compiled.passes:
            if function.name not in plain or skeleton(function) != skeleton(plain[function.name]):
                raise HarnessError(
                    f"{function.name}: line tables change its instructions, so this is not what is measured"
                )
            loops[function.pass_name, function.variant] = function.hot_loop(places)
    return loops


def vectors_per_iteration(loop: Loop, isa: str) -> int:
    """How many vectors an iteration of a hot loop processes. Raises HarnessError where that is no whole number."""
    vectors, rest = divmod(abs(loop.bytes_per_iteration() or 0), FLOAT_BYTES * ISAS[isa].lanes)
    if rest or not vectors:
        raise HarnessError(f"{isa}: an iteration processes {loop.bytes_per_iteration()} bytes, no whole vectors")
    return vectors


def cycles_per_iteration(
    simulator: Simulator, cpu: str, loops: Mapping[str, Sequence[str]]
) -> dict[str, tuple[float, float]]:
    """(block reciprocal throughput, simulated) of each loop, in cycles for one iteration, by its name.

    `loops` are lines of AT&T assembly, `cpu` a name that LLVM has. Raises HarnessError where llvm-mca refuses one.
    """
    source = "".join(
        f"# LLVM-MCA-BEGIN {name}\n" + "\n".join(lines) + "\n# LLVM-MCA-END\n" for name, lines in loops.items()
    )
    start, end = (_simulate(simulator, cpu, source, iterations) for iterations in (WARM_UP, ITERATIONS))
    return {
        name: (
            end[name]["BlockRThroughput"],
            (end[name]["TotalCycles"] - start[name]["TotalCycles"]) / (ITERATIONS - WARM_UP),
        )
        for name in loops
    }


def _simulate(simulator: Simulator, cpu: str, source: str, iterations: int) -> dict[str, dict[str, float]]:
    """llvm-mca's summary of each region of an assembly source, by its name."""
    options = [TARGET, f"-mcpu={cpu}", f"-iterations={iterations}", "-all-views=false", "-summary-view", "-json"]
    told = _told_by(simulator.command, *options, source=source)
    if told.returncode:
        lines = told.stderr.splitlines() or ["no message"]
        raise HarnessError(f"{simulator.command}, {cpu}: {next((line for line in lines if FAILURE in line), lines[0])}")
    return {region["Name"]: region["SummaryView"] for region in json.loads(told.stdout)["CodeRegions"]}


def _told_by(command: str, *options: str, source: str = "") -> subprocess.CompletedProcess[str]:
    """What llvm-mca says of an assembly source."""
    text = {"encoding": "utf-8", "errors": "backslashreplace"}
    return subprocess.run([command, *options], input=source, capture_output=True, check=False, **text)


def version_number(version: str) -> str:
    """The number in what a program says of its version, "unknown" where there is none: the last, since distributions
    put their own before."""
    return ["unknown", *re.findall(r"\d+\.\d+\.\d+(?=\s|$)", version)][-1]
