"""What published variants cost, and what the choices of the run may."""

from dataclasses import replace

import pytest

from analysis.tables.tuning import CHOICE, largest_regrets, tuning_costs
from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics.intervals import bounds


def test_what_a_published_variant_costs_is_told_against_the_chosen_one(full_run: Run) -> None:
    table = tuning_costs(full_run)
    published = table[table["of"] != CHOICE]
    assert set(zip(published["isa"], published["of"], strict=True)) == {
        ("avx512f", "skylake-x"),
        ("avx2", "broadwell"),
        ("avx2", "zen2"),
    }
    assert set(published["variant"]) == {"u12k1"}
    # 10 % in cache, nothing out of it.
    for row in published[bounds("cost_percent")].to_numpy():
        assert row == pytest.approx((4.88, 3.83, 5.93), abs=0.01)


def test_the_run_s_own_choices_have_their_regret(full_run: Run) -> None:
    table = tuning_costs(full_run)
    ours = table[table["of"] == CHOICE]
    assert len(ours) == 2 * len(set(full_run.samples["isa"])) and set(ours["variant"]) == {"u8k2"}
    assert (ours[bounds("cost_percent")].to_numpy() == 0).all(), "no other is faster"
    assert set(ours["confidence"]) == {1 - 2**-5} and set(ours["chosen_by"]) == {"time"}

    def faster(row: dict) -> dict:
        if row["variant"] != "u12k1" or row["isa"] != "avx2" or row["pass"] != "ext_sum" or row["elements"]:
            return row
        return row | dict(zip(bounds("relative_percent"), (-1.0, -2.0, 0.5), strict=True))

    run = replace(full_run, tuning=tuple(faster(dict(row)) for row in full_run.tuning))
    worst = largest_regrets(run).iloc[0]
    assert (worst["isa"], worst["pass"]) == ("avx2", "ext_sum")
    assert worst[bounds("cost_percent")].tolist() == pytest.approx([1.01, 0.0, 2.04], abs=0.01)


def test_where_nothing_was_tuned_there_is_no_table(full_run: Run) -> None:
    with pytest.raises(MissingRows, match="nothing that was measured was tuned"):
        tuning_costs(replace(full_run, tuning=()))
