"""What limits each pass, against answers derived by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from analysis.tables.pass_limits import out_of_cache, pass_limits
from harness.record.errors import MissingRows
from tests.planted import run_with_passes


def test_each_pass_is_compared_with_the_fastest_loop_that_moves_the_same_data(full_run):
    table = pass_limits(run_with_passes(full_run), "avx2").set_index("pass")
    # copy_nt is faster, but fetches no line of Y: not the same traffic.
    assert table["loop"].to_dict() == {
        "max": "load u4k1", "exp_sum": "load u4k1", "exp_scale": "copy u1k1", "exp_store": "copy u1k1",
        "scale": "update u1k1",
    }  # fmt: skip
    over = table["over_memory_percent_median"]
    assert over.to_dict() == pytest.approx(
        {"max": 0, "exp_sum": 65, "exp_scale": 5, "exp_store": 4, "scale": 5}, abs=0.01
    )


def test_only_lengths_beyond_every_cache_count(full_run):
    held = (32 + 1) * 2**20 / 4  # L2 and L3 in floats
    rows = pd.DataFrame({"elements": [held, held + 1, 1000]})
    assert out_of_cache(rows, full_run)["elements"].tolist() == [held + 1]
    with pytest.raises(MissingRows, match="no length was measured that is out of cache"):
        out_of_cache(rows.head(1), full_run)


def test_a_process_without_a_common_calm_round_still_counts(full_run):
    run = run_with_passes(full_run)
    samples = run.samples
    # In process 0 load and exp_sum were never calm in the same round.
    both = samples[(samples["process"] == 0) & samples["pass"].isin(["load", "exp_sum"])]
    second = both.assign(round=1, flags="")
    second.loc[second["pass"] == "load", "flags"] = "clock"
    first = samples["flags"].mask((samples["process"] == 0) & (samples["pass"] == "exp_sum"), "clock")
    mixed = pd.concat([samples.assign(flags=first), second], ignore_index=True)
    table = pass_limits(replace(run, samples=mixed), "avx2").set_index("pass")
    assert table.loc["exp_sum", "processes"] == 8
    assert table.loc["exp_sum", "over_memory_percent_median"] == pytest.approx(65, abs=0.01)
