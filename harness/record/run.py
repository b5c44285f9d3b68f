"""What a run is: the types of what run.json and the tables beside it say. Fast to import, since the Snakefile does it.

A Record of a run in progress is replaced by another, never changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from harness.record.caches import HasCaches

SCHEMA_VERSION = 3
UNKNOWN = "unknown"
NOT_EMULATED = "none"
OF_THE_JOB = " of the job"
"""How the items of an audit end that are about what a scheduler gave."""
Row = Mapping[str, Any]
"""A row of a table, by its columns, as run.schema.json describes it."""
PassKey = tuple[str, str, str]
"""Compiler, ISA and pass."""


def by_pass(rows: Iterable[Row]) -> dict[PassKey, list[Row]]:
    """Rows of tuning by compiler, ISA and pass."""
    found: dict[PassKey, list[Row]] = {}
    for row in rows:
        found.setdefault((row["compiler"], row["isa"], row["pass"]), []).append(row)
    return found


@dataclass(frozen=True)
class Cache:
    """One cache as a core sees it; `shared_by_threads` may be "unknown"."""

    level: int
    bytes: int
    shared_by_threads: int | str
    inclusive: bool


@dataclass(frozen=True)
class Machine(HasCaches):
    """The machine as it was detected."""

    name: str
    overridden: bool
    """The name was given and is not what was detected."""
    microarchitecture: str
    vendor: str
    brand: str
    family: int
    model: int
    stepping: int
    isas: tuple[str, ...]
    caches: tuple[Cache, ...]
    cores: int | str
    threads: int
    memory_bytes: int
    kernel: str
    hypervisor: str
    emulator: str = NOT_EMULATED
    host: str | None = None
    """None, like `allowed`, in runs from before hosts were recorded."""
    allowed: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Session:
    """One time that the run was begun or gone on with; `audit` has rows of what disturbs."""

    started: str
    audit: tuple[Row, ...]


@dataclass(frozen=True)
class Compiler:
    """A compiler, and its flags by target."""

    command: tuple[str, ...]
    version: str
    flags: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Processes:
    """How many processes a protocol asks for: any number where it does not say."""

    least: int = 1
    most: float = math.inf


@dataclass(frozen=True)
class Asked:
    """What the configuration says of an experiment."""

    contenders: str
    cache_state: str | None = None
    threads: str | None = None
    input: str | None = None


@dataclass(frozen=True)
class Protocol:
    """What was asked for, as config.yaml has it. Runs from before a key was there have None or nothing, and ask for any
    half-width."""

    name: str
    processes: Processes = Processes()
    waiting_percent: float | None = None
    half_width_percent: float = math.inf
    rounds: Mapping[str, int] = field(default_factory=dict)
    sample_milliseconds: float = math.nan
    minutes: float | None = None
    accuracy: Mapping[str, Any] = field(default_factory=dict)
    lengths: Mapping[str, Any] = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)
    rotation: float | None = None
    experiments: dict[str, Asked] = field(default_factory=dict)
    tuning: str | None = None
    tuner: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_smoke(self) -> bool:
        """Whether it only shows that the whole chain works: such a run claims nothing."""
        return self.name == "smoke"


@dataclass(frozen=True)
class Timer:
    """The clock that samples were timed with."""

    source: str
    resolution_nanoseconds: float
    overhead_nanoseconds: float
    kernel_source: str | None = None
    overhead_subtracted: bool | None = None


@dataclass(frozen=True)
class Canary:
    """Work of a known number of cycles, and the fastest that it was seen."""

    clock_adds: int
    throughput_fmas: int
    clock_nanoseconds: int
    throughput_nanoseconds: int


@dataclass(frozen=True)
class Memory:
    """What was measured in, and the logical processor that was measured on."""

    arena_bytes: int
    huge_page_bytes: int | str
    cpu: int
    cpu_kind: str | None = None


@dataclass(frozen=True)
class Threads:
    """Logical processors in the order in which threads are pinned to them, and what keeps the process from more."""

    cpus: tuple[int, ...]
    limit: str


@dataclass(frozen=True)
class Pass:
    """What a pass or bandwidth loop declares: floats per element that it reads of X and Y, and writes of Y."""

    reads_x: int
    reads_y: int
    writes_y: int
    computes: bool = True
    """False: a loop that only moves data."""
    non_temporal: bool = False
    """Its stores go past the caches."""
    twin_of: str = ""
    """The pass that this one accumulates for as published."""
    origin: str = "paper"
    """Whose it is: the paper's (paper), an algorithm's that came after it (later), or a loop of ours (ours)."""


@dataclass(frozen=True)
class Control:
    """A contender whose ratio to an algorithm is known."""

    algorithm: str
    moved: bool
    extra_percent: int


@dataclass(frozen=True)
class Library:
    """Another library that was measured beside the algorithms."""

    title: str
    version: str
    output: str


@dataclass(frozen=True)
class Peers:
    """The other libraries, by the name that rows have as algorithm; where there are any, it is known what the way into
    Python and back costs a call."""

    python_call_nanoseconds: float = math.nan
    libraries: dict[str, Library] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """What an experiment measured with one compiler and ISA."""

    compiler: str
    isa: str
    elements: tuple[int, ...]
    cache_state: str
    threads: tuple[int, ...] = (1,)

    def points(self) -> list[tuple[int, int]]:
        """Elements and threads of every question."""
        return [(n, t) for n in self.elements for t in self.threads]


def question_key(experiment: str, compiler: str, isa: str, elements: int, threads: int = 1) -> str:
    """Names a question within a run."""
    return f"{experiment} {compiler} {isa} {elements}" + (f" x{threads}" if threads > 1 else "")


def with_threads(threads: int) -> str:
    """What is said after a question of several threads; of one, nothing."""
    return f" with {threads} threads" if threads > 1 else ""


@dataclass(frozen=True)
class Precision:
    """How precisely the ratios within rounds are known."""

    target_half_width_percent: float
    stopped_by: str
    questions: int
    missed: dict[str, float]
    """Half-widths in percent, by `question_key`."""


@dataclass(frozen=True)
class Skipped:
    """Something that a run did not do, or did otherwise than is shipped, and why."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass(frozen=True)
class Vetoes:
    """How many samples there are, and how many of them carry a flag."""

    samples: int
    disturbed_samples: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that run.json and its tables say of a run, complete or in progress."""

    name: str
    """The name of its folder; the key `run` in run.json."""
    machine: Machine
    audit: tuple[Row, ...]
    sessions: tuple[Session, ...] = ()
    compilers: dict[str, Compiler]
    primary_compiler: str
    content_hash: str
    kernels_hash: str | None = None
    """Of kernels, compilers and flags alone; None in runs from before that was recorded."""
    protocol: Protocol
    seed: int
    timer: Timer
    canary: Canary
    memory: Memory
    threads: Threads
    kernels: dict[str, Pass]
    algorithms: dict[str, tuple[str, ...]]
    """The passes of each, in order."""
    controls: dict[str, Control] = field(default_factory=dict)
    peers: Peers = Peers()
    experiments: dict[str, tuple[Item, ...]]
    accuracy_elements: tuple[int, ...] | None = None
    """Lengths whose accuracy was looked at; None where that was not asked for."""
    tuning: tuple[Row, ...] = ()
    accuracy: tuple[Row, ...] = ()
    """How exact whole results are."""
    exp: tuple[Row, ...] = ()
    """How exact exp is, by ISA."""
    domain: tuple[Row, ...] = ()
    groups: tuple[Row, ...] = ()
    """Of each group of questions, when it was asked and what disturbed it; none in runs from before there were any."""
    excluded: tuple[Row, ...] | None = None
    """Variants whose results are wrong; None where nobody has looked."""
    skipped: tuple[Skipped, ...] = ()
    precision: Precision | None = None
    vetoes: Vetoes
    samples_sha256: str | None = None
    started: str
    ended: str | None = None
    """None while the run is not complete."""

    @property
    def primary(self) -> str:
        """The compiler whose rows claims, tuning and model are about."""
        return self.primary_compiler

    @property
    def is_complete(self) -> bool:
        """Whether all that was to be measured has been."""
        return self.ended is not None

    @property
    def bandwidth_loops(self) -> list[str]:
        """The kernels that only move data, in the order of the table of kernels."""
        return [name for name, kernel in self.kernels.items() if not kernel.computes]

    @property
    def parts(self) -> set[str]:
        """What figures are drawn from: the experiments; "accuracy" where that was looked at; "tuning" where
        variants were tuned; and "compilers" where whole algorithms were measured with more than one."""
        compilers = {item.compiler for item in self.experiments.get("algorithms", ())}
        others = {
            "accuracy": bool(self.accuracy),
            "tuning": bool(self.tuning),
            "compilers": len(compilers) > 1,
        }
        return {*self.experiments, *(name for name, is_there in others.items() if is_there)}

    def origin_of(self, algorithm: str) -> str:
        """Whose an algorithm is: "paper" where all of its passes are the paper's, "later" otherwise."""
        return "paper" if {self.kernels[name].origin for name in self.algorithms[algorithm]} == {"paper"} else "later"

    @property
    def papers(self) -> list[str]:
        """The algorithms that are the paper's."""
        return [name for name in self.algorithms if self.origin_of(name) == "paper"]

    def passes_of(self, algorithm: str, name: str = "") -> tuple[str, ...]:
        """The pass `name`, or where that is empty, those of the algorithm (of a control: of what it is a control of; of
        a peer: none)."""
        if algorithm in self.peers.libraries:
            return ()
        control = self.controls.get(algorithm)
        return (name,) if name else self.algorithms[control.algorithm if control else algorithm]


def record_of(content: Mapping[str, Any]) -> Record:
    """The Record that run.json of the current version, with its tables, stands for. It fits its schema already."""
    return typed(Record, {**content, "name": content["run"]})


def content_of(record: Record) -> dict[str, Any]:
    """What run.json and its tables have of a Record: `record_of` turned round."""
    parts = {its.name: plain(getattr(record, its.name)) for its in fields(Record)}
    content = {"schema_version": SCHEMA_VERSION, "run": parts.pop("name"), **parts}
    return {key: part for key, part in content.items() if part is not None}


def typed(kind: Any, value: Any) -> Any:
    """`value`, as JSON has it, as a `kind`: a dataclass from an object, a tuple from a list, and so on inside."""
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: typed(its, value[name]) for name, its in _hints(kind).items() if name in value})
    outer, inner = _parts(kind)
    if outer is tuple:
        return tuple(typed(inner[0], part) for part in value)
    if outer is dict:
        return {key: typed(inner[1], part) for key, part in value.items()}
    # X | None
    return typed(inner[0], value) if outer is UnionType and value is not None else value


@cache
def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(kind), get_args(kind)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def plain(value: Any) -> Any:
    """`typed` turned round: what JSON has of a dataclass and what is in it. What is not told is left out: None, and a
    number that is not finite."""
    if is_dataclass(value):
        parts = {its.name: getattr(value, its.name) for its in fields(value)}
        return {name: plain(part) for name, part in parts.items() if _is_told(part)}
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _is_told(value: Any) -> bool:
    return math.isfinite(value) if isinstance(value, float) else value is not None
