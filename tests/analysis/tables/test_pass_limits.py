"""What limits each pass, against answers derived by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from analysis.tables import pass_limits as limits_of
from analysis.tables.pass_limits import out_of_cache, pooled_limits
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from tests.planted import run_with_passes


def test_each_pass_is_compared_with_the_fastest_loop_that_moves_the_same_data(full_run):
    table = pooled_limits(Evidence((run_with_passes(full_run),)), "avx2").set_index("pass")
    # copy_nt is faster, but fetches no line of Y: not the same traffic.
    assert table["loop"].to_dict() == {
        "max": "load u4k1", "exp_sum": "load u4k1", "exp_scale": "copy u1k1", "exp_store": "copy u1k1",
        "scale": "update u1k1",
    }  # fmt: skip
    over = table["over_memory_percent_median"]
    assert over.to_dict() == pytest.approx(
        {"max": 0, "exp_sum": 65, "exp_scale": 5, "exp_store": 4, "scale": 5}, abs=0.01
    )


def test_which_loop_is_the_fastest_is_said_by_all_runs_together(full_run, monkeypatch):
    first, second = (replace(full_run, name=name) for name in ("first", "second"))
    over = {"first": {"copy u1k1": 9.0, "copy u4k1": 11.0}, "second": {"copy u1k1": 11.0, "copy u4k1": 8.0}}

    def limits(run, isa):
        rows = [
            {
                **{"pass": "exp_scale", "loop": loop, "over_memory_percent_median": its},
                **{"over_memory_percent_low": its - 0.1, "over_memory_percent_high": its + 0.1},
            }
            for loop, its in over[run.name].items()
        ]
        return pd.DataFrame(rows).assign(elements=1 << 25, computing_percent=50.0, confidence=0.99, processes=8)

    monkeypatch.setattr(limits_of, "loop_limits", limits)
    table = pooled_limits(Evidence((first, second)), "avx2")
    assert (table["loop"].tolist(), table["runs"].tolist()) == (["copy u1k1"], [2])
    # Half-way between both by logarithms; the fastest of each run would make it 11 %.
    assert table["over_memory_percent_median"].item() == pytest.approx(100 * ((1.09 * 1.11) ** 0.5 - 1), abs=1e-3)


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
    mixed.loc[mixed["flags"] != "", "nanoseconds"] *= 10
    table = pooled_limits(Evidence((replace(run, samples=mixed),)), "avx2").set_index("pass")
    assert table.loc["exp_sum", "processes"] == 8
    for end in ("median", "low", "high"):
        assert table.loc["exp_sum", f"over_memory_percent_{end}"] == pytest.approx(65, abs=0.01)
