"""Effective bandwidth against the paper's counting of traffic."""

import pytest

from analysis.tables.bandwidths import bandwidths
from harness.record.samples import Run


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
