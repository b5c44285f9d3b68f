"""What published variants cost."""

from dataclasses import replace

import pytest

from analysis.tables.tuning import tuning_costs
from harness.record.errors import MissingRows
from harness.record.samples import Run


def test_what_a_published_variant_costs_is_told_against_the_best_of_the_run(full_run: Run) -> None:
    table = tuning_costs(full_run)
    assert set(zip(table["isa"], table["machine"], strict=True)) == {
        ("avx512f", "skylake-x"),
        ("avx2", "broadwell"),
        ("avx2", "zen2"),
    }
    assert set(table["published_variant"]) == {"u12k1"} and set(table["best_variant"]) == {"u8k2"}
    assert table["in_cache_relative_time"].to_numpy() == pytest.approx(1.1)
    assert table["out_of_cache_relative_time"].to_numpy() == pytest.approx(1.0)


def test_where_nothing_published_was_tuned_there_is_no_table(full_run: Run) -> None:
    own = tuple({**row, "published_for": []} for row in full_run.tuning)
    for tuning in (own, ()):
        with pytest.raises(MissingRows, match="no published variant"):
            tuning_costs(replace(full_run, tuning=tuning))
