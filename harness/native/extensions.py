"""Built extensions, loaded: the table of kernels of one compiler and ISA, and the host part that times them."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from harness.machine import detection, emulation, topology
from harness.machine.processor import Cpuid, Processor, Registers
from harness.native import build
from harness.record.configuration import Config
from harness.record.errors import HarnessError, is_limit, one_line

HUGE_PAGE_BYTES = 2 << 20


@dataclass(frozen=True)
class Kernel:
    """One row of a table of kernels; `address` is that of its struct kernel, `moved_address` that of the one whose code
    is the same at another place (0: there is none), `domain` the largest |x| it is for. Of enum combination
    (0: nothing) are what it `needs` of a pass before it and what it `gives` to those after it. It `computes`, as a pass
    of a softmax does, or is one of the loops that tell the limits of the memory system: to those any bits are fine.
    `twin_of` names the pass whose sums it accumulates as published (empty: none), `form_of` the one that it is with
    exp by a table or with prefetches (empty: none), `origin` whose it is: the paper's (paper), an algorithm's that came
    after it (later), or a loop of ours (ours)."""

    compiler: str
    isa: str
    name: str
    unroll: int
    accumulators: int
    lanes: int
    reads_x: int
    reads_y: int
    writes_y: int
    computes: bool
    non_temporal: bool
    domain: float
    twin_of: str
    form_of: str
    origin: str
    address: int
    moved_address: int
    needs: int = 0
    gives: int = 0
    takes_exp: bool = False
    """Every pass that reads x takes exp of it, but the one that only looks for its maximum."""

    @property
    def completes(self) -> bool:
        """Whether it writes a softmax, of what passes before it gave."""
        return self.needs > 0 and self.gives == 0

    @property
    def variant(self) -> str:
        """The shape: vectors per iteration and accumulators (of a bandwidth kernel: streams)."""
        return f"u{self.unroll}k{self.accumulators}"


def load(folder: Path, compiler: str, target: str) -> ModuleType:
    """The extension of one compiler and target. Raises HarnessError where it is not built, or was built on a machine
    whose libraries this one has not got."""
    path = build.extension_path(folder, compiler, target)
    if not path.exists():
        raise HarnessError(f"{path} is not built; `snakemake build` does it")
    name = build.module_name(compiler, target)
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    try:
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except ImportError as error:
        if is_limit(error):
            raise
        raise HarnessError(f"{path} cannot be loaded on this machine: {one_line(error)}") from error
    return module


def is_current(config: Config, folder: Path, compiler: str, target: str) -> bool:
    """Whether the extension is what this checkout and configuration would build now: asked of the file, since to load
    it would run it. Raises HarnessError where none is built."""
    path = build.extension_path(folder, compiler, target)
    try:
        return build.build_hash(config, compiler, target).encode() in path.read_bytes()
    except FileNotFoundError:
        raise HarnessError(f"{path} is not built; `snakemake build` does it") from None


def require_current(config: Config, folder: Path, wanted: Iterable[tuple[str, str]]) -> None:
    """Raises HarnessError, with the command that builds it, for the first of the `wanted` extensions (compiler, target)
    that is not built, or is of other sources, flags or compilers than those here."""
    for compiler, target in wanted:
        if not is_current(config, folder, compiler, target):
            path = build.extension_path(folder, compiler, target)
            raise HarnessError(
                f"{path} has other sources, flags or compiler; `snakemake build` rebuilds it (for a "
                f"configuration of your own: python -m harness build --config FILE --compiler {compiler} "
                f"--target {target} --output {path})"
            )


def load_kernels(folder: Path, compiler: str, isa: str) -> list[Kernel]:
    """The table of kernels of one compiler and ISA. Only for an ISA that the processor has: loading runs its code.

    Raises HarnessError where the extension is not built.
    """
    module = load(folder, compiler, isa)
    ffi, lib = module.ffi, module.lib

    def address(row: Any) -> int:
        return int(ffi.cast("uintptr_t", row))

    def told(value: Any) -> Any:
        if not isinstance(value, ffi.CData):
            return value
        return ffi.string(value).decode() if value else ""

    kernels = []
    fields = [name for name, _ in ffi.typeof("struct kernel").fields if name != "run"]
    names = ["kernel", *(f"{form}_kernel" for form in build.FORMS)]
    tables = [(getattr(lib, f"{name}s"), getattr(lib, f"{name}_count")) for name in names]
    for number, row in enumerate(table + index for table, count in tables for index in range(count)):
        facts: dict[str, Any] = {name: told(getattr(row, name)) for name in fields}
        facts |= {name: bool(facts[name]) for name in ("computes", "non_temporal")}
        facts |= {"lanes": lib.lanes, "gives": facts.pop("combine"), "address": address(row)}
        facts["takes_exp"] = facts["computes"] and facts["reads_x"] > 0 and facts["gives"] != lib.COMBINE_MAX
        facts["moved_address"] = address(lib.moved_kernels + number) if number < lib.moved_kernel_count else 0
        kernels.append(Kernel(compiler, isa, **facts))
    return kernels


class Host:
    """The timed loop, the clock, the canary, the arena and CPUID."""

    def __init__(self, folder: Path, compiler: str) -> None:
        self.folder, self.compiler = folder, compiler
        module = load(folder, compiler, build.HOST)
        self.ffi, self.lib = module.ffi, module.lib
        self.asked: dict[frozenset[int], tuple[topology.Choice, Processor]] = {}
        # What cffi's objects point to lives as long as they do.
        self.kept: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def cpuid_on(self, cpu: int) -> Cpuid:
        """CPUID as this logical processor answers it."""

        def cpuid(leaf: int, subleaf: int) -> Registers:
            registers = self.ffi.new("uint32_t[4]")
            with topology.on(cpu):
                self.lib.cpuid_leaf(leaf, subleaf, registers)
            return tuple(registers)

        return cpuid

    def _ask(self) -> tuple[topology.Choice, Processor]:
        """Asked once for every set of allowed processors, since it moves this thread about."""
        allowed = frozenset(os.sched_getaffinity(0))
        if allowed not in self.asked:
            choice = topology.choose(allowed, self.cpuid_on)
            decoded = detection.decode(self.cpuid_on(choice.cpu), self.lib.extended_states())
            with topology.on(choice.cpu):
                judged = emulation.timed(self.lib, decoded)
            self.asked[allowed] = choice, detection.with_known_caches(judged, choice.cpu, choice.alike)
        return self.asked[allowed]

    def choice(self) -> topology.Choice:
        """Which of the allowed processors is measured."""
        return self._ask()[0]

    def processor(self) -> Processor:
        """The processor that is measured, and what its pace tells. Raises HarnessError where its caches are unknown."""
        return self._ask()[1]

    def arena(self, size: int) -> Any:
        """`size` bytes, in huge pages where the system has them, as a char pointer. Raises HarnessError if it can't."""
        arena = self.lib.arena_map(size)
        if arena == self.ffi.NULL:
            raise HarnessError(f"cannot allocate {size} bytes of memory")
        return self.ffi.cast("char *", arena)

    def carry(self, *elements: int, **found: float) -> Any:
        """What passes start from (struct carry *): `sum` and `reference` as a pass before them `found` them, and memory
        for what they find of each block, for a vector of so many elements, or those of each thread."""
        blocks = self.ffi.new("float[]", sum(map(self.lib.block_floats, elements)))
        carry = self.ffi.new("struct carry *", {**found, "blocks": blocks})
        self.kept[carry] = blocks
        return carry

    def algorithm(self, kernels: Sequence[Kernel], moved: bool = False, carry: Any = None) -> Any:
        """The kernels, or with `moved` the copies of their code elsewhere, as the timed loop takes them (struct
        algorithm *), starting from what `carry` (struct carry *) holds."""
        addresses = [kernel.moved_address if moved else kernel.address for kernel in kernels]
        passes = [self.ffi.cast("const struct kernel *", address) for address in addresses]
        made = {"passes": passes, "pass_count": len(passes)}
        algorithm = self.ffi.new("struct algorithm *", made | ({"initial": carry[0]} if carry else {}))
        self.kept[algorithm] = carry
        return algorithm

    def repetition(self, cache_state: str, calls: int, batch: int = 1, split: bool = False) -> Any:
        """How a sample is taken (struct repetition *): `cache_state` is warm, paper, cold or reused."""
        state = getattr(self.lib, f"CACHE_{cache_state.upper()}")
        return self.ffi.new("struct repetition *", (state, calls, batch, split))

    def nanoseconds(self) -> int:
        """The timer of all measurements."""
        return self.lib.clock_nanoseconds()


def first_host(config: Config, folder: Path, compilers: Sequence[build.Compiler]) -> Host:
    """The host part, compiled by the primary compiler. Raises HarnessError where it is not what would be built now."""
    require_current(config, folder, [(compilers[0].name, build.HOST)])
    return Host(folder, compilers[0].name)
