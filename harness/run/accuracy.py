"""How exact the results are: exp at every float32, and whole softmaxes against 80-bit references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from harness import peers
from harness.experiments.base import Roster
from harness.native.extensions import Host, Kernel
from harness.native.softmax import Vector, pointer, results_of

LOWEST = -87.3  # exp of it is still a normal float32
BINS, BINS_PER_ULP = 24, 10
# Longer ones are not sorted, nor shifted: sorting 16M takes longer than everything else.
LONGEST_SORTED = 1_000_000
SHIFT = 1000.0
# x and y, the terms, and the doubles that x is made from.
BYTES_PER_ELEMENT = 4 + 4 + 16 + 16

Generate = Callable[[np.random.Generator, int, float], Any]
"""From a generator, a length, and the largest |x| that the kernels are for."""

DISTRIBUTIONS: Mapping[str, Generate] = {
    "uniform ±1000": lambda random, n, bound: random.uniform(-1000, 1000, n),
    "uniform ±10": lambda random, n, bound: random.uniform(-10, 10, n),
    "normal": lambda random, n, bound: random.normal(size=n),
    "one large": lambda random, n, bound: np.where(np.arange(n) == n // 2, 20.0, random.uniform(-1, 0, n)),
    # Nearly every term has the same long mantissa, so that every addition rounds the same way; one is higher, or
    # Three-Pass would only add ones.
    "constant": lambda random, n, bound: np.where(np.arange(n) == 0, 0.5, 0.1),
    "edge of the domain": lambda random, n, bound: bound - random.uniform(0, 10, n),
}


def exp_errors(host: Host, isa: str, exp_store: Kernel, stride: int = 1, lowest: float = LOWEST) -> dict[str, Any]:
    """An item of `exp` in run.json's `accuracy`: how many of every stride-th float32 in [lowest, -0] are off by how
    much."""
    counts = host.ffi.new("uint64_t[]", BINS)
    errors = host.ffi.new("struct ulps *", {"counts": counts, "bins": BINS, "bins_per_ulp": BINS_PER_ULP})
    address = host.ffi.cast("const struct kernel *", exp_store.address)
    host.lib.exp_ulps(address, lowest, stride, errors)
    return {
        "isa": isa,
        "stride": stride,
        "largest_ulps": errors.largest,
        "bins_per_ulp": BINS_PER_ULP,
        "counts": [int(c) for c in counts],
    }


def accumulations(roster: Roster) -> Iterator[tuple[str, str, list[Kernel]]]:
    """Algorithm, accumulation (folded: ours, or lanes: as the paper's were published) and passes."""
    for algorithm in roster.config["algorithms"]:
        ours = roster.of(algorithm)
        yield algorithm, "folded", list(ours)
        if algorithm in roster.papers:
            yield algorithm, "lanes", [roster.as_published(kernel) or kernel for kernel in ours]


def softmaxes(roster: Roster) -> int:
    """How many results of one input and ISA are looked at."""
    return sum(1 for _ in accumulations(roster))


def check(host: Host, rosters: Mapping[str, Roster], lengths: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The rows of a run's table `accuracy`; `rosters` by ISA, of one compiler: all give the same bits. Peers have no
    ISA of ours."""
    anyone = next(iter(rosters.values()))
    bound = min(kernel.domain for kernel in anyone.kernels if kernel.computes)
    for elements, (name, generate) in product(lengths, DISTRIBUTIONS.items()):
        random = np.random.default_rng(anyone.config["input"]["seed"])
        x = np.asarray(generate(random, elements, bound), np.float32)
        point, errors = {"distribution": name, "elements": elements}, _errors_of(host, x)
        for isa, roster in rosters.items():
            for algorithm, accumulation, kernels in accumulations(roster):
                who = {"isa": isa, "algorithm": algorithm, "accumulation": accumulation}
                shifted = _shifted(host, kernels, x, bound) if elements <= LONGEST_SORTED else None
                in_order = {"order_violations": None} if by_blocks(host, kernels) else {}
                found = errors(results_of(host, kernels, x)) | in_order
                yield {**who, **point, **found, "shift_difference": shifted}
        for library in anyone.peers:
            who = {"isa": "", "algorithm": library, "accumulation": "library"}
            yield {**who, **point, **errors(peers.softmax(host, library, x)), "shift_difference": None}


def by_blocks(host: Host, kernels: Sequence[Kernel]) -> bool:
    """Whether y is rounded block by block, each with a reference of its own: then two neighbours in order of x may come
    an ulp the wrong way round, and of a long vector many do."""
    return any(kernel.needs == host.lib.COMBINE_BLOCKS for kernel in kernels)


def _errors_of(host: Host, x: Vector) -> Callable[[Vector], dict[str, Any]]:
    """What tells the errors of a softmax of x, by one in 80 bits."""
    terms = np.empty(len(x), np.longdouble)
    total = host.lib.reference_terms(pointer(host, x), len(x), _wide(host, terms))
    order = np.argsort(x, kind="stable") if len(x) <= LONGEST_SORTED else None

    def errors(y: Vector) -> dict[str, Any]:
        error = host.lib.softmax_error(pointer(host, y), _wide(host, terms), total, len(y))
        return {
            "largest_relative_error": error.largest,
            "rms_relative_error": error.rms,
            "sum_error": error.sum,
            "not_finite": error.not_finite,
            "order_violations": None if order is None else int((~(np.diff(y[order]) >= 0)).sum()),
        }

    return errors


def _wide(host: Host, array: np.ndarray) -> Any:
    return host.ffi.cast("long double *", array.ctypes.data)


def _shifted(host: Host, kernels: Sequence[Kernel], x: Vector, bound: float) -> float | None:
    """Largest relative difference of softmax(x + SHIFT) to softmax(x), which are equal where x + SHIFT is exact; None
    where it would leave the domain."""
    above = x + np.float32(SHIFT)
    below = above - np.float32(SHIFT)  # exact: above lies on a grid no finer
    if np.abs(above).max() > bound:
        return None
    results = [results_of(host, kernels, shifted) for shifted in (below, above)]
    seen = ~(results[0] < np.finfo(np.float32).tiny)
    largest = np.abs(results[1][seen] / results[0][seen].astype(np.float64) - 1).max(initial=0)
    return float(largest) if largest < host.lib.LARGEST_ERROR else float(host.lib.LARGEST_ERROR)
