"""Whether the algorithms keep what their kernels state: finite results for any x in their domain, and a sum of 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from harness.experiments.base import Roster
from harness.native.extensions import Host
from harness.native.softmax import Vector, results_of

# Long enough for every unrolled loop, its folds and its rest.
ELEMENTS = 8192 + 13


def vectors(bound: float) -> Iterator[Vector]:
    """Inputs in [-bound, bound] at which a sum of exponentials overflows or underflows first."""
    yield np.full(ELEMENTS, bound, np.float32)
    yield np.full(ELEMENTS, -bound, np.float32)
    yield np.linspace(-bound, bound, ELEMENTS, dtype=np.float32)
    yield np.linspace(bound, -bound, ELEMENTS, dtype=np.float32)
    one_large = np.full(ELEMENTS, -bound, np.float32)
    one_large[ELEMENTS // 2] = bound
    yield one_large
    yield np.random.default_rng(ELEMENTS).uniform(-bound, bound, ELEMENTS).astype(np.float32)


def check(host: Host, rosters: Mapping[tuple[str, str], Roster]) -> list[dict[str, Any]]:
    """The `domain` table of a run: for each compiler, ISA and algorithm, in the variants that are measured, how many
    results over all `vectors` are not finite, and the largest |sum(y) - 1|."""
    found = []
    for (compiler, isa), roster in rosters.items():
        for algorithm in roster.config["algorithms"]:
            kernels = roster.of(algorithm)
            bound = min(kernel.domain for kernel in kernels)
            results = [results_of(host, kernels, x) for x in vectors(bound)]
            errors = [abs(float(y.sum(dtype=np.float64)) - 1) for y in results if np.isfinite(y).all()]
            found.append(
                {
                    "compiler": compiler,
                    "isa": isa,
                    "algorithm": algorithm,
                    "largest_magnitude": bound,
                    "results": ELEMENTS * len(results),
                    "not_finite": int(sum(np.count_nonzero(~np.isfinite(y)) for y in results)),
                    "largest_sum_error": max(errors, default=None),
                }
            )
    return found
