"""Time by pass, and of whole calls."""

import pytest

from analysis.tables.breakdown import breakdown
from harness.record.samples import Run


def test_the_passes_of_an_algorithm_add_up_to_its_call(full_run: Run) -> None:
    table = breakdown(full_run)
    two_pass = table[(table["isa"] == "avx512f") & (table["algorithm"] == "two-pass")].set_index("pass")
    time = two_pass["nanoseconds_per_element_median"]
    assert list(two_pass.index) == ["ext_sum", "ext_scale", "all"]
    assert time["ext_sum"] + time["ext_scale"] == pytest.approx(time["all"], rel=0.02)
