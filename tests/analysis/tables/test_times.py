"""Times by call, by element and in core cycles, against answers derived by hand."""

import pandas as pd
import pytest

from analysis.tables.times import times


def test_times_are_by_call_by_element_and_in_core_cycles() -> None:
    # 4 calls in 8000 ns: 2000 ns a call, 2 ns an element. 15,000 cycles took 5000 ns: 3 GHz, so 6 cycles an element.
    row = {"elements": 1000, "calls": 4, "nanoseconds": 8000.0, "clock_nanoseconds": 5000}
    table = pd.DataFrame([{"process": process, **row} for process in range(6)])
    found = times(table, ["elements"], clock_adds=15_000).iloc[0]
    assert found["nanoseconds_per_call_median"] == pytest.approx(2000)
    assert found["nanoseconds_per_element_median"] == pytest.approx(2)
    assert found["core_cycles_per_element_median"] == pytest.approx(6)
    assert found["processes"] == 6
