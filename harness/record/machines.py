"""Machines as data: config/machines/*.yaml and config/microarchitectures.yaml, read, checked and compared with what a
run.json says. Nothing here asks the processor, so that both the harness and the analysis can use it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.record.caches import HasCaches
from harness.record.documents import read_checked
from harness.record.errors import BadConfiguration
from harness.record.files import ROOT
from harness.record.isa import ISAS
from harness.record.run import NOT_EMULATED, UNKNOWN, Record
from harness.record.run import Machine as Detected
from harness.record.schema import schema

CONFIG = ROOT / "config"
MACHINES = CONFIG / "machines"
MICROARCHITECTURES = CONFIG / "microarchitectures.yaml"
# Of the clock; above the record of any x86 processor.
LEAST_GIGAHERTZ, LARGEST_GIGAHERTZ = 0.1, 10.0
MOST_ADDITIONS_OF_AN_FMA = 20
MACHINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class KnownCache:
    """One cache as a core sees it. `inclusion` is towards the level before it, in the words of the schema; `ways` may
    be "unknown"."""

    level: int
    bytes: int
    shared_by_threads: int
    inclusion: str
    ways: int | str = UNKNOWN


@dataclass(frozen=True)
class Memory:
    """Main memory; each value may be "unknown"."""

    channels: int | str
    type: str
    peak_gb_per_second: float | str


@dataclass(frozen=True)
class Estimate:
    """A value that is known within a range, in the unit of what it belongs to."""

    low: float
    high: float
    source: str
    """In the words of the schema: `spec`, `published`, `estimated`, ..."""
    published: Mapping[str, float]
    """What was published, by the name of its reference; of other processors it may lie outside the range."""


@dataclass(frozen=True)
class Bandwidth:
    """What one core gets from plain loops whose data are in one level."""

    level: int | str
    """A level of cache, or "memory"."""
    kind: str
    """load, copy or update. What the loop reads and writes is counted, write-allocate is not."""
    isas: tuple[str, ...]
    """Whose vectors the loop has. Empty: any, their width makes no difference."""
    unit: str
    """`bytes_per_cycle` of the core, or `gb_per_second`, which its clock does not change."""
    estimate: Estimate


@dataclass(frozen=True)
class Reference:
    """Where published values are from: a public page, or a file of a public repository."""

    processor: str
    clock_ghz: float | None
    """Of the core while it was measured, None where that is not told or not needed."""
    where: str


@dataclass(frozen=True)
class Performance:
    """What one core of a machine can do, as ranges: the inputs of predictions."""

    clock_ghz: Mapping[str, Estimate]
    """By ISA, of a core that runs its code while the others are idle."""
    bandwidths: tuple[Bandwidth, ...]
    references: Mapping[str, Reference]

    def bandwidth(self, level: int | str, kind: str, isa: str) -> Bandwidth:
        """The row of this level and kind that holds for the ISA. Raises KeyError where there is none."""
        for row in self.bandwidths:
            if (row.level, row.kind) == (level, kind) and (not row.isas or isa in row.isas):
                return row
        raise KeyError(f"level {level}, {kind}, {isa}")


@dataclass(frozen=True)
class Machine(HasCaches):
    """A machine that a file describes. Where a value may be "unknown", its type has str."""

    name: str
    """The file's name, and the folder of its runs."""
    title: str
    microarchitecture: str
    product: str
    vendor: str
    brand: str
    """The brand string that CPUID gives."""
    brand_pattern: str
    """A regular expression that is found in this machine's brand string and in no other product's."""
    family: int
    model: int
    steppings: tuple[int, ...]
    """Empty: any."""
    cores: int | str
    threads: int | str
    hypervisor: str
    """Its CPUID signature; empty: the product itself."""
    base_clock_ghz: float | str
    caches: tuple[KnownCache, ...]
    memory: Memory
    paper_isas: tuple[str, ...]
    """What the paper measured on it; empty for any other machine."""
    paper_variants: Mapping[str, Mapping[str, str]]
    """The published tuning: ISA, pass, variant (u9k3)."""
    performance: Performance | None
    """None where the file has none: what a run measures on the machine is better."""
    sources: Mapping[str, str]
    """Where each value is from, by its key in the file: `processor.brand`, `caches.0`, ..."""

    @property
    def product_told(self) -> str:
        """The product; with that word where it is recalled."""
        return f"{self.product}, recalled" if self.sources["product"] == "recalled" else self.product


@dataclass(frozen=True)
class LlvmModel:
    """LLVM's model of a microarchitecture."""

    cpu: str
    """As in -mcpu."""
    isas: tuple[str, ...]
    """Those that the microarchitecture has."""


def load_machines(folder: Path = MACHINES) -> dict[str, Machine]:
    """Every known machine, by name. Raises BadConfiguration naming file, key and what is allowed."""
    return {name: _read_machine(folder / f"{name}.yaml") for name in machine_names(folder)}


def machine_names(folder: Path = MACHINES) -> list[str]:
    """The names of the known machines, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def matches(machine: Machine, found: Detected) -> bool:
    """Whether a processor says that it is this machine's: vendor, family, model, stepping and brand."""
    same = (found.vendor, found.family, found.model) == (machine.vendor, machine.family, machine.model)
    stepping = not machine.steppings or found.stepping in machine.steppings
    return same and stepping and re.search(machine.brand_pattern, found.brand) is not None


def doubts(machine: Machine, its: Detected) -> list[str]:
    """Why a machine of this product's vendor, family, model, stepping and brand is another one all the same, in words:
    hypervisors give one brand to machines of any size, and emulators give any. What is not told is no doubt."""
    found = []
    if (caches := _sizes(its)) != (known := _sizes(machine)):
        found.append(f"its caches are {caches}, not {known}")
    isas = set(its.isas) - {"scalar"}
    if machine.paper_isas and isas != set(machine.paper_isas):
        found.append(f"it has {', '.join(sorted(isas)) or 'no vectors'}, not {', '.join(sorted(machine.paper_isas))}")
    # With SMT switched off there are as many threads as cores.
    for what, allowed in (("cores", {machine.cores}), ("threads", {machine.threads, machine.cores})):
        count = getattr(its, what)
        if UNKNOWN not in {count, *allowed} and count not in allowed:
            found.append(f"it has {count} {what}, not {getattr(machine, what)}")
    if its.hypervisor != machine.hypervisor:
        found.append(f"its hypervisor is {its.hypervisor or 'none'}, not {machine.hypervisor or 'none'}")
    if its.emulator != NOT_EMULATED:
        found.append(f"it is emulated ({its.emulator})")
    return found


def _sizes(its: HasCaches) -> str:
    return " ".join(f"L{cache.level} {cache.bytes >> 10} KiB" for cache in its.caches)


def is_evidence(machine: Machine, run: Record) -> bool:
    """Whether a run answers claims about the machine: it was measured on this very product, and the machine was
    detected, not given by name. Any other run, even on the same microarchitecture, is generalization."""
    is_it = not run.machine.overridden and matches(machine, run.machine)
    return is_it and not doubts(machine, run.machine) and not emulator(run)


def mistaken(machine: Machine, run: Record) -> str:
    """Why a run on a machine of this product's brand is no evidence about it, in words; empty where it is evidence, or
    the machine is of another brand."""
    if not matches(machine, run.machine) or is_evidence(machine, run):
        return ""
    given = ["the machine's name was given, not detected"] if run.machine.overridden else []
    found = doubts(machine, run.machine)
    told = emulator(run)
    return "; ".join([*given, *found, *([f"it is emulated ({told})"] if told and not found else [])])


def emulator(run: Record) -> str:
    """What emulated the processor that a run was measured on, in words; empty where nothing tells of one. What an
    emulator measures is its own speed, and decides nothing."""
    if run.machine.emulator != NOT_EMULATED:
        return run.machine.emulator
    reason = implausible(vars(run.canary))
    return f"suspected: {reason}" if reason else ""


def implausible(canary: Mapping[str, int]) -> str:
    """Why no processor has these canaries, in words; empty where one may.

    An emulator may keep the pace of integer additions (QEMU's at 2.7 to 2.9 GHz, where the processor had 3.0), but
    makes a vector FMA out of many instructions: 400 to 700 additions long, in valgrind 440. A processor's take half an
    addition, or two where its vectors are split and shared with a sibling. What translates vectors to vectors keeps
    that pace too, and is told from a processor by its name alone.
    """
    addition = canary["clock_nanoseconds"] / canary["clock_adds"]
    multiply_add = canary["throughput_nanoseconds"] / canary["throughput_fmas"]
    if not LEAST_GIGAHERTZ <= 1 / addition <= LARGEST_GIGAHERTZ:
        return f"its additions would make a clock of {1 / addition:.2g} GHz"
    if multiply_add > MOST_ADDITIONS_OF_AN_FMA * addition:
        return f"an FMA takes as long as {multiply_add / addition:.0f} additions"
    return ""


def microarchitecture(vendor: str, family: int, model: int, stepping: int, file: Path = MICROARCHITECTURES) -> str:
    """The microarchitecture that CPUID's words stand for, "unknown" where the table does not have it.

    Raises BadConfiguration where the table does not fit its schema.
    """
    for row in _table(file):
        numbers = (("model", model), ("stepping", stepping))
        if (row["vendor"], row["family"]) == (vendor, family) and all(
            key not in row or _is_among(number, row[key]) for key, number in numbers
        ):
            return row["name"]
    return UNKNOWN


def llvm_models(file: Path = MICROARCHITECTURES) -> dict[str, LlvmModel]:
    """The microarchitectures that LLVM's models are used for, by name. Raises BadConfiguration."""
    rows = [row for row in _table(file) if "llvm" in row]
    return {row["name"]: LlvmModel(row["llvm"]["cpu"], tuple(row["llvm"]["isas"])) for row in rows}


def _is_among(number: int, numbers: Sequence[int | Mapping[str, int]]) -> bool:
    return any(number == n if isinstance(n, int) else n["from"] <= number <= n["to"] for n in numbers)


@cache
def _table(file: Path) -> list[dict[str, Any]]:
    return read_checked(file, "microarchitectures")


@cache
def _read_machine(path: Path) -> Machine:
    if not MACHINE_NAME.fullmatch(path.stem):
        raise BadConfiguration(f"{path}: a machine's name has lower-case letters, digits and hyphens only")
    data = read_checked(path, "machine")
    sources = dict(_sources(data))
    _check_sources(path, data, sources)
    processor, memory, paper = data["processor"], data["memory"], data.get("paper")
    machine = Machine(
        name=path.stem,
        title=data["title"],
        microarchitecture=data["microarchitecture"]["value"],
        product=data["product"]["value"],
        vendor=processor["vendor"]["value"],
        brand=processor["brand"]["value"],
        brand_pattern=processor["brand"]["match"],
        family=processor["family"]["value"],
        model=processor["model"]["value"],
        steppings=tuple(processor["stepping"]["value"]) if "stepping" in processor else (),
        cores=data["cores"]["value"],
        threads=data["threads"]["value"],
        hypervisor=data["hypervisor"]["value"] if "hypervisor" in data else "",
        base_clock_ghz=data["base_clock_ghz"]["value"],
        caches=tuple(
            KnownCache(
                c["level"], c["bytes"], c["shared_by_threads"], c.get("inclusion", UNKNOWN), c.get("ways", UNKNOWN)
            )
            for c in data["caches"]
        ),
        memory=Memory(**{key: memory[key]["value"] for key in ("channels", "type", "peak_gb_per_second")}),
        paper_isas=tuple(paper["isas"]["value"]) if paper else (),
        paper_variants=paper["variants"]["value"] if paper else {},
        performance=_performance(data["performance"]) if "performance" in data else None,
        sources=sources,
    )
    _check_brand(path, machine)
    _check_microarchitecture(path, machine)
    _check_performance(path, machine)
    return machine


def _performance(data: Mapping[str, Any]) -> Performance:
    return Performance(
        clock_ghz={isa: _estimate(row) for isa, row in data["clock_ghz"].items()},
        bandwidths=tuple(
            Bandwidth(row["level"], row["kind"], tuple(row.get("isas", ())), row["unit"], _estimate(row))
            for row in data["single_core_bandwidth"]
        ),
        references={
            name: Reference(row["processor"], row.get("clock_ghz"), row["where"])
            for name, row in data["references"].items()
        },
    )


def _estimate(row: Mapping[str, Any]) -> Estimate:
    low, high = row["range"]
    return Estimate(low, high, row["source"], row.get("from", {}))


def _sources(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each key that has a source, with it."""
    if isinstance(data, Mapping) and "source" in data:
        yield key, data["source"]
    elif isinstance(data, Mapping | list):
        for name, value in data.items() if isinstance(data, Mapping) else enumerate(data):
            yield from _sources(value, f"{key}.{name}" if key else str(name))


def _check_sources(path: Path, data: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Nothing is unknown and yet has a source, or the other way round; nothing is the paper's on another machine."""
    papers = schema("machine")["$defs"]["papers_source"]["enum"]
    for key, source in sources.items():
        value: Any = data
        for part in key.split("."):
            value = value[int(part) if isinstance(value, list) else part]
        if (value.get("value") == UNKNOWN) != (source == UNKNOWN):
            raise BadConfiguration(f"{path}: {key}: an unknown value has the source unknown, and no other value has it")
        if source in papers and "paper" not in data:
            raise BadConfiguration(
                f"{path}: {key}: {source} is for the paper's machines, whose files have the key paper"
            )


def _check_brand(path: Path, machine: Machine) -> None:
    try:
        found = re.search(machine.brand_pattern, machine.brand)
    except re.error as error:
        raise BadConfiguration(f"{path}: processor.brand.match: not a regular expression: {error}") from error
    if not found:
        raise BadConfiguration(f"{path}: processor.brand.match: it is not found in {machine.brand!r}")


def _check_microarchitecture(path: Path, machine: Machine) -> None:
    signature = (machine.vendor, machine.family, machine.model)
    known = {microarchitecture(*signature, stepping) for stepping in machine.steppings or range(16)}
    if machine.microarchitecture not in known:
        raise BadConfiguration(
            f"{path}: microarchitecture: {machine.microarchitecture!r}, but {MICROARCHITECTURES.name} says "
            f"{' or '.join(sorted(known))}"
        )


def _check_performance(path: Path, machine: Machine) -> None:
    """Ranges are in order, what is published says by whom, and no two rows are about the same."""
    performance = machine.performance
    if performance is None:
        return
    estimates = {f"clock_ghz.{isa}": estimate for isa, estimate in performance.clock_ghz.items()}
    seen: dict[tuple[int | str, str, str], int] = {}
    for index, row in enumerate(performance.bandwidths):
        estimates[f"single_core_bandwidth.{index}"] = row.estimate
        for isa in row.isas or tuple(reversed(ISAS)):
            first = seen.setdefault((row.level, row.kind, isa), index)
            if first != index:
                raise BadConfiguration(
                    f"{path}: performance.single_core_bandwidth.{index}: row {first} already says level {row.level}, "
                    f"{row.kind}, {isa}"
                )
    for key, estimate in estimates.items():
        fault = _fault(estimate, performance.references)
        if fault:
            raise BadConfiguration(f"{path}: performance.{key}.{fault}")


def _fault(estimate: Estimate, references: Mapping[str, Reference]) -> str | None:
    if estimate.low > estimate.high:
        return f"range: {estimate.low:g} is above {estimate.high:g}"
    unknown = next((name for name in estimate.published if name not in references), None)
    if unknown:
        return f"from: {unknown!r} is not one of references: {', '.join(references)}"
    if estimate.source == "published":
        if not estimate.published:
            return "from: is missing, but the source is published"
        outside = [value for value in estimate.published.values() if not estimate.low <= value <= estimate.high]
        if outside:
            return f"range: {outside[0]:g} was published, which is outside; if that is meant, the source is estimated"
    return None
