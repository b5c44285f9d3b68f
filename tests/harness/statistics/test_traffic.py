"""Effective bandwidth against the paper's counting of traffic."""

import pytest

from harness.record.samples import Run
from harness.statistics.traffic import kind, logical_floats, write_allocate_floats


@pytest.mark.parametrize(
    ("algorithm", "logical", "allocated"),
    [("three-pass-recompute", 4, 5), ("three-pass-reload", 5, 6), ("two-pass", 3, 4)],
)
def test_passes_add_up_to_the_traffic_of_the_paper(full_run: Run, algorithm: str, logical: int, allocated: int) -> None:
    kernels = {name: its for name, its in full_run.kernels.items() if its.origin != "later"}
    passes = full_run.algorithms[algorithm]
    assert sum(logical_floats(kernels[name]) for name in passes) == logical
    assert sum(write_allocate_floats(kernels[name]) for name in passes) == allocated


def test_stores_that_bypass_the_cache_and_updates_allocate_nothing(full_run: Run) -> None:
    kernels = {name: its for name, its in full_run.kernels.items() if its.origin != "later"}
    allocated = {name: write_allocate_floats(kernels[name]) for name in full_run.bandwidth_loops}
    assert allocated == {"load": 1, "store": 2, "copy": 3, "update": 2, "copy_nt": 2}


def test_each_kernel_meets_the_limit_of_its_kind(full_run: Run) -> None:
    kernels = {name: its for name, its in full_run.kernels.items() if its.origin != "later"}
    assert {name for name in kernels if kind(kernels[name]) == "updates Y"} == {"scale", "update"}
    reading = {name.removesuffix("_lanes") for name in kernels if kind(kernels[name]) == "reads X"}
    assert reading == {"max", "exp_sum", "ext_sum", "load"}
