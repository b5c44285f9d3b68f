"""The recorded traffic: complete, and consistent with what the paper counts."""

import pytest

from analysis.model.traffic import ALONE, KEYS, LOOPS, MOVED, load_traffic, loop_like
from harness.record.samples import Run


def test_the_table_has_a_row_for_every_machine_pass_and_length():
    table = load_traffic()
    assert list(table.columns) == [*KEYS, *MOVED]
    assert not table.duplicated(list(KEYS)).any()
    assert {"skylake-x", "broadwell", "zen2", "amd-epyc-25-17"} <= set(table["machine"])
    rows = table.groupby(["machine", "elements"]).size()
    assert rows.nunique() == 1
    assert set(table[table["algorithm"] == ALONE]["pass"]) == set(LOOPS)


@pytest.mark.parametrize(
    ("algorithm", "logical", "allocated"),
    [("three-pass-recompute", 4, 5), ("three-pass-reload", 5, 6), ("two-pass", 3, 4)],
)
def test_far_out_of_cache_each_machine_moves_what_the_paper_counts(algorithm, logical, allocated):
    table = load_traffic()
    far = table[(table["algorithm"] == algorithm) & (table["elements"] == 300_000_000)]
    memory = far.groupby("machine")[["load_memory", "allocate_memory", "dirty_memory"]].sum()
    without = memory["load_memory"] + memory["dirty_memory"]
    # What L3 still holds when a call ends, at most 55 MB of 1.2 GB, is written back after it.
    assert without.to_numpy() == pytest.approx(logical, abs=0.05)
    assert (without + memory["allocate_memory"]).to_numpy() == pytest.approx(allocated, abs=0.05)


def test_every_pass_has_a_loop_that_moves_the_same(full_run: Run):
    loops = {name: loop_like(kernel) for name, kernel in full_run.kernels.items()}
    assert {loops[name] for name in ("max", "exp_sum", "ext_sum", "load")} == {"load"}
    assert {loops[name] for name in ("exp_store", "exp_scale", "ext_scale", "copy")} == {"copy"}
    assert {loops[name] for name in ("scale", "update")} == {"update"}
    assert (loops["store"], loops["copy_nt"]) == ("store", "copy_nt")
