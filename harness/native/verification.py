"""Whether kernels compute what they say: every variant that may be timed, against a reference, before anything is.

Each pass is looked at on its own: given what a right predecessor would leave, is what it finds and writes right? Output
is NaN before and has guards around it, so that what was not written, or written elsewhere, is seen. All comparisons are
written so that NaN is wrong. A loop that only loads leaves nothing that could be looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from harness.native import build
from harness.native.extensions import Host, Kernel
from harness.native.softmax import Vector, pointer
from harness.record.exactness import LARGEST_ERROR, ROUNDING

SMALLEST = float(np.finfo(np.float32).tiny)
"""Results below may be flushed to 0."""
DENORMAL = np.float32(1e-40)
GUARD, GUARDED = 16, np.float32(7)
A_FEW_THOUSAND, LONG = 4096 + 13, (1 << 18) + 5
# Longer vectors are looked at in samples, and by their sum.
LONGEST_WHOLE, SAMPLES, ENDS = LONG, 2000, 64
SLICE = 1 << 20
LANES_MERGED = 32
"""Additions that a published sum has beside those of its whole iterations, at most: rest, accumulators, lanes."""


@dataclass(frozen=True)
class Reference:
    """An input and what is known of it in double precision."""

    x: Vector
    largest: float
    total: float
    """The sum of exp(x - largest)."""
    distance: float
    """The mean of |x - largest|, weighted by exp(x - largest)."""
    sum: float
    magnitude: float
    """The sums of x and |x|."""
    looked_at: np.ndarray
    """Where results are compared: everywhere, or at samples."""

    @classmethod
    def of(cls, x: Vector) -> Reference:
        """The reference of x (float32, at least one element)."""
        largest = float(x.max())
        sums = np.zeros(4)
        for part in slices(x):
            wide = part.astype(np.float64)
            terms = np.exp(wide - largest)
            sums += terms.sum(), (terms * (largest - wide)).sum(), wide.sum(), np.abs(wide).sum()
        n = len(x)
        looked_at = np.arange(0, n, 1 if n <= LONGEST_WHOLE else n // SAMPLES)
        ends = np.arange(min(n, ENDS)), np.arange(max(0, n - ENDS), n)
        looked_at = np.unique(np.concatenate([*ends, looked_at]))
        return cls(x, largest, sums[0], sums[1] / sums[0], sums[2], sums[3], looked_at)

    @cached_property
    def seen(self) -> np.ndarray:
        """x where it is looked at, in double precision."""
        return self.x[self.looked_at].astype(np.float64)

    @cached_property
    def terms(self) -> np.ndarray:
        """exp(x - largest) where it is looked at."""
        return np.exp(self.seen - self.largest)

    @property
    def exponent(self) -> float:
        """What Two-Pass keeps as its reference: the exponent of the largest exp(x)."""
        return float(np.rint(self.largest / math.log(2)))

    @property
    def extended(self) -> float:
        """What Two-Pass keeps as its sum: the sum of exp(x) is extended · 2^exponent."""
        return self.total * math.exp(self.largest - self.exponent * math.log(2))


@dataclass(frozen=True)
class Expected:
    """What a pass is given, and what it is to leave; None: nothing of that."""

    sum: float = 0.0
    reference: float = 0.0
    before: Vector | None = None
    """y before; None: NaN."""
    y: np.ndarray | None = None
    """y where it is looked at."""
    y_sum: float = 0.0
    y_magnitude: float = 0.0
    """The sums of y and |y|, over all elements."""
    allowed: np.ndarray | float = 0.0
    """Relative error of y."""
    finds: Callable[[float, float], float] | None = None
    """The relative error of sum and reference as it left them."""
    allowed_found: float = 0.0
    blocks: Vector | None = None
    """What y refers to in each block: a pass that finds something finds it, another is given it."""


def slices(x: np.ndarray) -> list[np.ndarray]:
    """The parts of a vector, so many that no step needs a second one of its size."""
    return np.array_split(x, math.ceil(len(x) / SLICE))


def same_bits(x: Vector, y: Vector) -> bool:
    """Whether two vectors of one length hold the same bits."""
    return all((a.view(np.int32) == b.view(np.int32)).all() for a, b in zip(slices(x), slices(y), strict=True))


def rounded(reference: Reference) -> np.ndarray:
    """The relative error allowed of exp(x - max), where that difference is rounded."""
    return LARGEST_ERROR + np.abs(reference.seen - reference.largest) * ROUNDING


def largest_of(r: Reference) -> Expected:
    """max."""
    return Expected(finds=lambda _, found: float(found != r.largest))


def sum_of(r: Reference) -> Expected:
    """exp_sum."""
    allowed = LARGEST_ERROR + r.distance * ROUNDING
    return Expected(reference=r.largest, finds=lambda found, _: abs(found / r.total - 1), allowed_found=allowed)


def stored_sum_of(r: Reference) -> Expected:
    """exp_store."""
    return replace(sum_of(r), y=r.terms, y_sum=r.total, y_magnitude=r.total, allowed=rounded(r))


def scaled_exp_of(r: Reference) -> Expected:
    """exp_scale, exp_scale_nt."""
    return Expected(r.total, r.largest, y=r.terms / r.total, y_sum=1, y_magnitude=1, allowed=rounded(r))


def scaled_of(r: Reference) -> Expected:
    """scale, of any y."""
    y, y_sum, y_magnitude = r.seen / r.total, r.sum / r.total, r.magnitude / r.total
    return Expected(r.total, r.largest, r.x, y, y_sum, y_magnitude, LARGEST_ERROR)


def sum_to_any(r: Reference) -> Expected:
    """block_sum, and held_sum, which may refer to an x that is HELD below the largest."""
    allowed = LARGEST_ERROR + (r.distance + constant("passes.h", "HELD")) * ROUNDING
    return Expected(finds=error_of_sum(r, 1.0), allowed_found=allowed)


def error_of_sum(r: Reference, unit: float) -> Callable[[float, float], float]:
    """What tells the relative error of a sum that is found with a reference: the sum of exp(x) is found ·
    exp(reference · unit)."""

    def error(found: float, reference: float) -> float:
        if not 0 < found < math.inf or not math.isfinite(reference):
            return math.inf
        # As logarithms, since neither sum need be a number.
        return abs(math.expm1(math.log(found) + reference * unit - r.largest - math.log(r.total)))

    return error


def blocks_of(r: Reference) -> Vector:
    """The largest x up to the end of each block."""
    starts = np.arange(0, len(r.x), constant("kernel.h", "BLOCK_ELEMENTS"))
    return np.maximum.accumulate(np.maximum.reduceat(r.x, starts))


def stored_by_blocks(r: Reference) -> Expected:
    """block_store."""
    blocks, size = blocks_of(r), constant("kernel.h", "BLOCK_ELEMENTS")
    references = blocks[r.looked_at // size].astype(np.float64)
    total = sum(
        float(np.exp(r.x[at : at + size].astype(np.float64) - float(reference)).sum())
        for at, reference in zip(range(0, len(r.x), size), blocks, strict=True)
    )
    y, allowed = np.exp(r.seen - references), LARGEST_ERROR + np.abs(r.seen - references) * ROUNDING
    return replace(sum_to_any(r), y=y, y_sum=total, y_magnitude=total, allowed=allowed, blocks=blocks)


def scaled_by_blocks(r: Reference) -> Expected:
    """block_scale, of any y."""
    blocks, size = blocks_of(r), constant("kernel.h", "BLOCK_ELEMENTS")
    factors = np.exp(blocks.astype(np.float64) - r.largest) / r.total
    y_sum = y_magnitude = 0.0
    for at, factor in zip(range(0, len(r.x), size), factors, strict=True):
        part = r.x[at : at + size].astype(np.float64)
        y_sum += float(part.sum() * factor)
        y_magnitude += float(np.abs(part).sum() * factor)
    y = r.seen * factors[r.looked_at // size]
    return Expected(r.total, r.largest, r.x, y, y_sum, y_magnitude, LARGEST_ERROR, blocks=blocks)


def extended_sum_of(r: Reference) -> Expected:
    """ext_sum."""
    return Expected(finds=error_of_sum(r, math.log(2)), allowed_found=LARGEST_ERROR)


def scaled_extended_of(r: Reference) -> Expected:
    """ext_scale, ext_scale_nt."""
    return Expected(r.extended, r.exponent, y=r.terms / r.total, y_sum=1, y_magnitude=1, allowed=LARGEST_ERROR)


def copied(r: Reference) -> Expected:
    """copy, copy_nt."""
    return Expected(y=r.seen, y_sum=r.sum, y_magnitude=r.magnitude)


def ones(r: Reference) -> Expected:
    """store."""
    n = float(len(r.x))
    return Expected(y=np.ones(len(r.looked_at)), y_sum=n, y_magnitude=n)


def multiplied_by_one(r: Reference) -> Expected:
    """update: that it has read, multiplied and written is seen where a denormal was, which is then flushed to 0."""
    kept = np.arange(len(r.x)) % 3 == 0
    before = np.where(kept, r.x, DENORMAL)
    after = before[kept].astype(np.float64)
    y = np.where(kept[r.looked_at], r.seen, 0)
    return Expected(before=before, y=y, y_sum=after.sum(), y_magnitude=np.abs(after).sum())


EXPECTED: Mapping[str, Callable[[Reference], Expected]] = {
    "max": largest_of,
    "exp_sum": sum_of,
    "exp_store": stored_sum_of,
    "exp_scale": scaled_exp_of,
    "scale": scaled_of,
    "ext_sum": extended_sum_of,
    "ext_scale": scaled_extended_of,
    "block_sum": sum_to_any,
    "held_sum": sum_to_any,
    "block_store": stored_by_blocks,
    "block_scale": scaled_by_blocks,
    "exp_scale_nt": scaled_exp_of,
    "ext_scale_nt": scaled_extended_of,
    "load": lambda _: Expected(),
    "store": ones,
    "copy": copied,
    "copy_nt": copied,
    "update": multiplied_by_one,
}
"""By the name of a pass or loop; those that sum as published, take exp by a table, or prefetch, have the reference of
the pass that they are otherwise."""


def fault(host: Host, kernel: Kernel, reference: Reference, at: tuple[int, int] = (1, 3), moved: bool = False) -> str:
    """What is wrong with the results of a kernel, or of its copy elsewhere, in words; empty where they are right.

    `at` says how many floats behind a cache line x and y begin.
    """
    name = kernel.twin_of or kernel.form_of or kernel.name
    if name not in EXPECTED:
        return "harness/native/verification.py knows no reference for it"
    expected, n = EXPECTED[name](reference), len(reference.x)
    x_around, x = _placed(n, at[0])
    y_around, y = _placed(n, at[1])
    x[:] = reference.x
    y[:] = np.nan if expected.before is None else expected.before
    carry = host.carry(n, sum=expected.sum, reference=expected.reference)
    blocks = np.frombuffer(host.ffi.buffer(host.kept[carry]), np.float32)
    if expected.blocks is not None and not expected.finds:
        blocks[: len(expected.blocks)] = expected.blocks
    host.lib.run_untimed(host.algorithm([kernel], moved), carry, pointer(host, x), pointer(host, y), n)
    where = f"at {n} elements"
    if not same_bits(x, reference.x):
        return f"{where}: it writes to x"
    for around, inside in ((x_around, x), (y_around, y)):
        start = (inside.ctypes.data - around.ctypes.data) // inside.itemsize
        if not ((around[:start] == GUARDED).all() and (around[start + n :] == GUARDED).all()):
            return f"{where}: it writes outside its vectors"
    if expected.finds:
        error = expected.finds(carry.sum, carry.reference)
        if not error <= expected.allowed_found + _published(kernel, n):
            return f"{where}: it finds {carry.sum:.8g} and {carry.reference:.8g}, off by {error:.2g}"
        if expected.blocks is not None and not (blocks[: len(expected.blocks)] == expected.blocks).all():
            return f"{where}: what y refers to in each block is wrong"
    return _wrong_output(y, expected, reference.looked_at, where)


def _wrong_output(y: Vector, expected: Expected, looked_at: np.ndarray, where: str) -> str:
    if expected.y is None:
        return "" if all(np.isnan(part).all() for part in slices(y)) else f"{where}: it writes to y"
    found = y[looked_at].astype(np.float64)
    error, size = np.abs(found - expected.y), np.abs(expected.y)
    # What only moves data is exact; of what computes, tiny results may be flushed.
    tolerated = np.where(size >= SMALLEST, expected.allowed * size, 2 * SMALLEST if np.any(expected.allowed) else 0)
    right = error <= tolerated
    if not right.all():
        first = int(right.argmin())
        return f"{where}: y[{looked_at[first]}] is {found[first]:.8g} instead of {expected.y[first]:.8g}"
    total = sum(float(part.sum(dtype=np.float64)) for part in slices(y))
    # Terms that are flushed, and those that double precision rounds.
    allowed = float(np.max(expected.allowed)) + len(y) * 2.0**-50
    if not abs(total - expected.y_sum) <= allowed * expected.y_magnitude + 2 * SMALLEST * len(y):
        return f"{where}: the sum of y is {total:.8g} instead of {expected.y_sum:.8g}"
    return ""


def _placed(n: int, floats: int) -> tuple[Vector, Vector]:
    """A vector of n elements so many floats behind a cache line, and what lies around it with it, all guards."""
    around = np.full(n + 3 * GUARD + floats, GUARDED)
    start = -(around.ctypes.data // around.itemsize) % GUARD + GUARD + floats
    return around, around[start : start + n]


def _published(kernel: Kernel, n: int) -> float:
    """By how much more a sum may be off that is kept in float lanes to the end: half an ulp at every addition."""
    if not kernel.twin_of:
        return 0.0
    return (n / (kernel.lanes * kernel.accumulators) + LANES_MERGED) * ROUNDING


@cache
def constant(header: str, name: str) -> int:
    """A constant of a header of the kernels."""
    found = re.search(rf"\b{name} = (\d+)", (build.KERNELS / header).read_text(encoding="utf-8"))
    assert found
    return int(found[1])


def lengths(kernel: Kernel) -> list[int]:
    """Where a kernel may go wrong: one element, tails around a vector and an iteration, one past a fold, and far."""
    iteration = kernel.unroll * kernel.lanes
    additions = constant("passes.h", "ADDITIONS")
    fold = iteration * max(1, additions - kernel.unroll // kernel.accumulators - kernel.accumulators + 1)
    tails = {1, kernel.lanes - 1, kernel.lanes + 1, iteration - 1, iteration, iteration + 1}
    return sorted({n for n in tails if n} | {fold + 1, 2 * fold + kernel.lanes + 1, A_FEW_THOUSAND, LONG})


@cache
def reference(elements: int) -> Reference:
    """An input in which many results are normal floats and some are flushed, and what is known of it."""
    random = np.random.default_rng(elements)
    x = random.uniform(-20, 20, elements)
    x[::7] = random.uniform(-1000, 20, len(x[::7]))
    return Reference.of(x.astype(np.float32))


@cache
def flat(elements: int, largest_at: int) -> Reference:
    """An input of which no sum and no maximum can leave out an element unseen: all are alike, but for the largest. Of
    up to A_FEW_THOUSAND elements each has at least 1/(n·e^2) of the sum, ten times what the sum may be off."""
    x = np.random.default_rng(elements).uniform(-1, 1, elements).astype(np.float32)
    x[largest_at] = 1
    return Reference.of(x)


@cache
def far(elements: int) -> Reference:
    """A long input whose first and last ENDS count as much as all between, so that none of them can be left out."""
    x = np.random.default_rng(elements).random(elements, dtype=np.float32)
    x[ENDS:-ENDS] *= np.float32(30)
    x[ENDS:-ENDS] -= np.float32(40)
    x[-1] = 1
    return Reference.of(x)


def fault_at_any_length(host: Host, kernel: Kernel) -> str:
    """What is wrong with a kernel or its copy elsewhere at any of its `lengths`; empty where nothing is."""
    inputs = []
    for n in lengths(kernel):
        inputs.append(reference(n))
        inputs += [far(n)] if n > A_FEW_THOUSAND else [flat(n, at) for at in sorted({0, n // 3, n - 1})]
    return _first_fault(host, kernel, inputs)


def fault_far(host: Host, kernel: Kernel, elements: int) -> str:
    """What is wrong with a kernel or its copy elsewhere at so many elements; empty where nothing is."""
    return _first_fault(host, kernel, [far(elements) if elements > 2 * ENDS else reference(elements)])


def _first_fault(host: Host, kernel: Kernel, inputs: Sequence[Reference]) -> str:
    for moved in (False, True) if kernel.moved_address else (False,):
        for place, its in enumerate(inputs):
            # x and y at all kinds of alignment to each other.
            if found := fault(host, kernel, its, (place % GUARD, 3 * place % GUARD), moved):
                return f"its copy elsewhere, {found}" if moved else found
    return ""
