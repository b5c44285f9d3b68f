"""Effective bandwidth against the paper's counting of traffic."""

import pytest

from harness.record.samples import Run
from harness.statistics.traffic import bandwidths, kind, limits, logical_floats, write_allocate_floats


@pytest.mark.parametrize(
    ("algorithm", "logical", "allocated"),
    [("three-pass-recompute", 4, 5), ("three-pass-reload", 5, 6), ("two-pass", 3, 4)],
)
def test_passes_add_up_to_the_traffic_of_the_paper(full_run: Run, algorithm: str, logical: int, allocated: int) -> None:
    kernels = full_run.information["kernels"]
    passes = full_run.information["algorithms"][algorithm]
    assert sum(logical_floats(kernels[name]) for name in passes) == logical
    assert sum(write_allocate_floats(name, kernels[name]) for name in passes) == allocated


def test_stores_that_bypass_the_cache_and_updates_allocate_nothing(full_run: Run) -> None:
    kernels = full_run.information["kernels"]
    allocated = {name: write_allocate_floats(name, kernels[name]) for name in limits(full_run.information)}
    assert allocated == {"load": 1, "store": 2, "copy": 3, "update": 2, "copy_nt": 2}


def test_each_kernel_meets_the_limit_of_its_kind(full_run: Run) -> None:
    kernels = full_run.information["kernels"]
    assert {name for name in kernels if kind(kernels[name]) == "updates Y"} == {"scale", "update"}
    reading = {name.removesuffix("_lanes") for name in kernels if kind(kernels[name]) == "reads X"}
    assert reading == {"max", "exp_sum", "ext_sum", "load"}


def test_bandwidth_is_declared_bytes_over_time(full_run: Run) -> None:
    table = bandwidths(full_run)
    copy = table[(table["pass"] == "copy") & (table["isa"] == "avx2")].iloc[0]
    # 2 floats are 8 bytes; the fetched line makes it 12. Bytes per nanosecond are GB/s.
    time = copy["nanoseconds_per_element_median"]
    assert copy["effective_gigabytes_per_second_median"] == pytest.approx(8 / time)
    assert copy["write_allocate_gigabytes_per_second_median"] == pytest.approx(12 / time)
    low, high = copy["effective_gigabytes_per_second_low"], copy["effective_gigabytes_per_second_high"]
    assert low < copy["effective_gigabytes_per_second_median"] < high


def test_of_several_loops_the_fastest_is_the_limit(full_run: Run) -> None:
    table = bandwidths(full_run)
    assert len(table[table["pass"] == "load"].drop_duplicates(["isa", "compiler", "elements"])) == (
        len(table[table["pass"] == "load"])
    )
    # The other loop of the made-up machine takes 20 % longer.
    assert set(table["variant"]) == {"u4k1"}
