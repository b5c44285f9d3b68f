"""How exact the results are: exp at every float32, and whole softmaxes against 80-bit references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness import peers
from harness.experiments.contenders import as_published
from harness.native.extensions import Host, Kernel
from harness.native.softmax import Vector, pointer, run_passes
from harness.record.configuration import Config
from harness.sampling import tuning

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


def accumulations(
    config: Config, tuned: Mapping[str, Kernel], table: Sequence[Kernel]
) -> Iterator[tuple[str, str, list[Kernel]]]:
    """Algorithm, accumulation (folded: ours, or lanes: as published) and passes."""
    for algorithm, names in config["algorithms"].items():
        ours = [tuned[name] for name in names]
        yield algorithm, "folded", ours
        yield algorithm, "lanes", [as_published(kernel, table) or kernel for kernel in ours]


def check(
    host: Host,
    config: Config,
    tables: Mapping[str, Sequence[Kernel]],
    tuning_rows: Sequence[tuning.TuningRow],
    lengths: Sequence[int],
    libraries: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """The rows of `softmax` in run.json's `accuracy`; `tables` by ISA, of one compiler: all give the same bits. Peers
    have no ISA of ours."""
    tuned = {isa: tuning.chosen(tuning_rows, table) for isa, table in tables.items()}
    for elements in lengths:
        for name, generate in DISTRIBUTIONS.items():
            bound = min(kernel.domain for kernels in tuned.values() for kernel in kernels.values() if kernel.domain)
            x = np.asarray(generate(np.random.default_rng(config["input"]["seed"]), elements, bound), np.float32)
            terms = np.empty(elements, np.longdouble)
            total = host.lib.reference_terms(pointer(host, x), elements, _wide(host, terms))
            order = np.argsort(x, kind="stable") if elements <= LONGEST_SORTED else None
            for isa, table in tables.items():
                for algorithm, accumulation, kernels in accumulations(config, tuned[isa], table):
                    y = np.full_like(x, np.nan)  # or what is not written would be the result of another
                    run_passes(host, kernels, x, y)
                    yield {
                        **{"isa": isa, "algorithm": algorithm, "accumulation": accumulation},
                        **{"distribution": name, "elements": elements},
                        **_errors(host, y, terms, total, order),
                        "shift_difference": None if order is None else _shifted(host, kernels, x, bound),
                    }
            for library in libraries:
                y = peers.softmax(host, library, x)
                yield {
                    **{"isa": "", "algorithm": library, "accumulation": "library"},
                    **{"distribution": name, "elements": elements},
                    **_errors(host, y, terms, total, order),
                    "shift_difference": None,
                }


def _errors(host: Host, y: Vector, terms: np.ndarray, total: Any, order: np.ndarray | None) -> dict[str, Any]:
    error = host.lib.softmax_error(pointer(host, y), _wide(host, terms), total, len(y))
    return {
        "largest_relative_error": error.largest,
        "rms_relative_error": error.rms,
        "sum_error": error.sum,
        "not_finite": error.not_finite,
        "order_violations": None if order is None else int((~(np.diff(y[order]) >= 0)).sum()),
    }


def _wide(host: Host, array: np.ndarray) -> Any:
    return host.ffi.cast("long double *", array.ctypes.data)


def _shifted(host: Host, kernels: Sequence[Kernel], x: Vector, bound: float) -> float | None:
    """Largest relative difference of softmax(x + SHIFT) to softmax(x), which are equal where x + SHIFT is exact; None
    where it would leave the domain."""
    above = x + np.float32(SHIFT)
    below = above - np.float32(SHIFT)  # exact: above lies on a grid no finer
    if np.abs(above).max() > bound:
        return None
    results = [np.full_like(x, np.nan), np.full_like(x, np.nan)]
    for shifted, y in zip((below, above), results, strict=True):
        run_passes(host, kernels, shifted, y)
    seen = ~(results[0] < np.finfo(np.float32).tiny)
    largest = np.abs(results[1][seen] / results[0][seen].astype(np.float64) - 1).max(initial=0)
    return float(largest) if largest < host.lib.LARGEST_ERROR else float(host.lib.LARGEST_ERROR)
