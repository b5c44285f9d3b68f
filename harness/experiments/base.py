"""What is compared: questions (one experiment, compiler, ISA and length), the contenders of each, and their cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.native.extensions import Kernel
from harness.record.caches import FLOAT_BYTES
from harness.record.configuration import Config
from harness.record.isa import ISAS

if TYPE_CHECKING:
    import pandas as pd

    from harness.record.samples import Run

UNIFORM, RISING = "uniform", "rising"
"""What x is: uniform between the bounds of config.yaml's `input`; or it rises evenly over all that the kernels are for.
The largest x of each block is then by more than 16 larger than that of the block before, up to 20 million elements."""
# Of any pass out of cache: 4 bytes read and 4 written at 16 GB/s.
MEMORY_NANOSECONDS = 0.25
# Of a library: NumPy and SciPy, the slowest, take 1.3 to 1.6 ns for an element and 5 us for a call.
PEER_NANOSECONDS, PEER_CALL_NANOSECONDS = 1.5, 5000.0


def pass_nanoseconds(isa: str, elements: int, llc_bytes: int, exp: bool = True) -> float:
    """A guess at the nanoseconds that one pass over `elements` takes, with `exp` or without."""
    core = ISAS[isa].exp_nanoseconds / (1 if exp else 4)
    return elements * (max(core, MEMORY_NANOSECONDS) if elements * FLOAT_BYTES * 2 > llc_bytes else core)


@dataclass(frozen=True)
class Contender:
    """Passes that run one after the other over the same operands, under the name of an algorithm, a pass, or, if it is
    split by pass, both.

    `before` are the passes whose result the first one needs; they run once, untimed. Controls are `moved` (code and
    operands at other addresses) or process `extra_percent` more elements than the question says. A `peer` is another
    library, by its name in harness/peers/; it has no passes of ours.
    """

    algorithm: str
    pass_name: str
    kernels: tuple[Kernel, ...]
    before: tuple[Kernel, ...] = ()
    split: bool = False
    moved: bool = False
    extra_percent: int = 0
    peer: str = ""

    def elements(self, asked: int) -> int:
        """The elements that one call processes, where the question asks for so many."""
        return asked + round(asked * self.extra_percent / 100)

    def nanoseconds(self, isa: str, asked: int, llc_bytes: int) -> float:
        """A guess at what one call takes, where the question asks for so many elements."""
        elements = self.elements(asked)
        if self.peer:
            return PEER_NANOSECONDS * elements + PEER_CALL_NANOSECONDS
        return sum(pass_nanoseconds(isa, elements, llc_bytes, kernel.takes_exp) for kernel in self.kernels)

    @property
    def variant(self) -> str:
        """The variants of the passes, joined by +."""
        return "+".join(kernel.variant for kernel in self.kernels)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Pass and variant of each row that a sample has: one, or one for each pass where it is split."""
        if self.split:
            return [(kernel.name, kernel.variant) for kernel in self.kernels]
        return [(self.pass_name, self.variant)]


@dataclass(frozen=True)
class Question:
    """One length at which contenders are measured together. `paired`: their ratios within rounds are what is asked."""

    experiment: str
    compiler: str
    isa: str
    elements: int
    cache_state: str
    contenders: tuple[Contender, ...]
    paired: bool = True
    threads: int = 1
    joint: bool = False
    """Several threads work on parts of one vector of `elements`; otherwise each on a vector of its own."""
    input: str = UNIFORM


@dataclass(frozen=True)
class Roster:
    """Who can take part: the kernels of one compiler and ISA, and the libraries. By `tuning`, rows of run.json, one
    variant of each pass is chosen; before anything is tuned any of them stands for it."""

    config: Config
    kernels: Sequence[Kernel]
    tuning: Sequence[Mapping[str, Any]] = ()
    peers: Sequence[str] = ()

    @cached_property
    def tuned(self) -> dict[str, Kernel]:
        """The variant that stands for each pass, by name."""
        return {kernel.name: kernel for kernel in self.kernels} | chosen(self.tuning, self.kernels)

    @property
    def passes(self) -> list[str]:
        """The passes of all algorithms, each once."""
        return list(dict.fromkeys(name for names in self.config["algorithms"].values() for name in names))

    @property
    def papers(self) -> list[str]:
        """The algorithms that are the paper's: those whose passes all are."""
        return [name for name in self.config["algorithms"] if {kernel.origin for kernel in self.of(name)} == {"paper"}]

    def of(self, algorithm: str) -> tuple[Kernel, ...]:
        """The passes of an algorithm."""
        return tuple(self.tuned[name] for name in self.config["algorithms"][algorithm])

    def whole(self, algorithms: Iterable[str]) -> tuple[Contender, ...]:
        """Algorithms as contenders, each of their passes in its tuned variant."""
        return tuple(Contender(name, "", self.of(name)) for name in algorithms)

    def before(self, pass_name: str) -> tuple[Kernel, ...]:
        """The passes that come before this one in the first algorithm that has it."""
        for passes in self.config["algorithms"].values():
            if pass_name in passes:
                return tuple(self.tuned[name] for name in passes[: passes.index(pass_name)])
        return ()

    def as_published(self, ours: Kernel) -> Kernel | None:
        """The kernel of the same shape that sums as published; None where it sums nothing."""
        wanted = (ours.name, ours.variant)
        return next((kernel for kernel in self.kernels if (kernel.twin_of, kernel.variant) == wanted), None)

    def loops(self, *names: str) -> tuple[Contender, ...]:
        """Every loop of the bandwidth kernels, of these names if any are given."""
        loops = (kernel for kernel in self.kernels if not kernel.computes and (not names or kernel.name in names))
        return tuple(Contender("", kernel.name, (kernel,)) for kernel in loops)


def chosen(rows: Sequence[Mapping[str, Any]], kernels: Sequence[Kernel]) -> dict[str, Kernel]:
    """The chosen kernel of each pass among `kernels`, which are those of one compiler and ISA, by run.json's tuning."""
    wanted = {(row["compiler"], row["isa"], row["pass"], row["variant"]) for row in rows if row["chosen"]}
    return {k.name: k for k in kernels if (k.compiler, k.isa, k.name, k.variant) in wanted}


class Kind:
    """A kind of experiment: who takes part, and what is asked. Each file here is one, under the name that config.yaml
    has for it as `contenders`, with - for _."""

    paired = True
    """Ratios within rounds are asked. Otherwise samples are judged on their own: loops and libraries are many, and one
    disturbed one spoils no other."""
    has_peers = False
    """Libraries take part. They take the widest vectors that there are, so no other ISA is beside them."""
    around_groups = False
    """It is asked before and after each group of other questions, by the first compiler in the widest vectors, and is
    no question of its own: it tells under which conditions the others were measured."""
    every_compiler = False
    """Compilers after the first measure it too, at lengths of their own, where it has one thread."""
    compares_compilers = False
    """The first then measures those lengths as well."""

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Who takes part."""
        raise NotImplementedError

    def ratios(self, run: Run, experiment: Experiment) -> pd.DataFrame | None:
        """The ratios that this experiment of a run is about, None where it is about none: one row for each, with
        compiler, isa, elements, threads (or none: one), median, low and high in percent of the denominator, and
        confidence. A run goes on until they are precise."""
        return None


@dataclass(frozen=True)
class Experiment:
    """One of config.yaml's `experiments`."""

    name: str
    kind: Kind
    cache_state: str
    threads: str
    input: str = UNIFORM

    @property
    def joint(self) -> bool:
        """Whether several threads work on parts of one vector."""
        return self.threads in ("parts", "all", "one-and-all")

    @property
    def every_compiler(self) -> bool:
        """Whether compilers after the first measure it too."""
        return self.kind.every_compiler and self.threads == "one"


def as_ratios(table: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """A table of statistics with this difference (QUANTITY_percent_median, _low, _high), as `Kind.ratios` has it."""
    return table.assign(**{bound: 100 + table[f"{quantity}_percent_{bound}"] for bound in ("median", "low", "high")})
