"""Kernels that compute something else are found, whatever their mistake, and never timed."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.summary import summary
from harness.experiments.base import Roster
from harness.native import extensions, verification
from harness.record import configuration, store
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.samples import load_run
from harness.run import accuracy, exclusion
from tests.conftest import COMPILERS, SETTINGS, kernels_of, with_few_algorithms
from tests.harness.mutants import FAR, FAR_ELEMENTS, MISTAKES, RIGHT, build_mutants

# What a mistake leaves right: loops that write nothing, or the same everywhere, and passes without exp.
UNSEEN = {
    "max": {"a coefficient of exp"},
    "scale": {"a coefficient of exp"},
    "block_scale": {"a coefficient of exp"},  # it has exp once for a block, in double
    "load": set(MISTAKES.values()) - {"one past the end"},
    "store": {"shifted by one", "a coefficient of exp"},
    **{name: {"a coefficient of exp"} for name in ("copy", "copy_nt", "update")},
}


@pytest.fixture(scope="module")
def mutants(made_for_all):
    with pytest.MonkeyPatch.context() as patch:
        return made_for_all("mutants", lambda folder: build_mutants(patch, folder, COMPILERS[0])) / "built"


@pytest.fixture(scope="module")
def table(mutants):
    return exclusion.timed(Roster(SETTINGS, extensions.load_kernels(mutants, COMPILERS[0], "scalar")))


@pytest.fixture(scope="module")
def found(mutants, table):
    """Reasons by name and vectors, as a process of its own finds them."""
    items = exclusion.wrong_ones(extensions.Host(mutants, COMPILERS[0]), table)
    return {(item["pass"], int(item["variant"][1:-2])): item["reason"] for item in items}


def test_every_mistake_is_found_and_nothing_else(found, table):
    # Loops have no copy elsewhere, and neither have sums as published.
    elsewhere = {kernel.name for kernel in table if kernel.moved_address}
    expected = {
        (kernel.name, kernel.unroll)
        for kernel in table
        if kernel.unroll in MISTAKES
        and MISTAKES[kernel.unroll] not in UNSEEN.get(kernel.name, ())
        and not (MISTAKES[kernel.unroll] == "a copy elsewhere" and kernel.name not in elsewhere)
        and not (MISTAKES[kernel.unroll] == "a crash" and kernel.name != "max")
    }
    assert set(found) == expected
    assert found["max", 11] == "it reads or writes where it may not (SIGSEGV)"
    assert found["max", 12].startswith("its copy elsewhere, at 1 elements: ")
    assert "is nan instead of" in found["scale", 7] or "it finds" in found["max", 7]
    assert found["copy", 10] == "at 1 elements: it writes outside its vectors"


@pytest.mark.parametrize("isa", ["scalar", "avx2", "avx512f"])
def test_what_is_shipped_is_right_at_every_length_and_alignment(host, isa):
    for kernel in exclusion.timed(Roster(SETTINGS, kernels_of(COMPILERS[0], isa)))[::7]:
        assert verification.fault_at_any_length(host, kernel) == "", exclusion.key(kernel)


@pytest.mark.parametrize("n", [1, 2, 65, 505, 4109])
def test_no_element_can_be_left_out_of_a_sum_unseen(n):
    its = verification.flat(n, n - 1)
    allowed = verification.LARGEST_ERROR + its.distance * verification.ROUNDING
    assert np.exp(its.x.astype(float) - its.largest).min() / its.total > 3 * allowed


@pytest.mark.parametrize("n", [1 << 18, 1 << 24])
def test_none_of_the_first_and_last_of_a_long_vector_can_be_left_out_unseen(n):
    its = verification.far(n)
    terms = np.exp(its.x.astype(float) - its.largest)
    assert np.concatenate([terms[: verification.ENDS], terms[-verification.ENDS :]]).min() / its.total > 1e-4
    assert terms[: n // 2].sum() / its.total < 0.6
    assert its.x[-1] == its.largest


def test_lengths_hold_tails_and_one_past_a_fold(host):
    kernel = next(k for k in kernels_of(COMPILERS[0], "scalar") if (k.name, k.variant) == ("ext_sum", "u8k2"))
    # 32 additions, less 4 to sum a group and 1 to merge two accumulators.
    assert {1, 7, 8, 9, (32 - 8 // 2 - 2 + 1) * 8 + 1, 4109} <= set(verification.lengths(kernel))


def test_a_kernel_that_nobody_knows_a_reference_for_is_not_right(host):
    kernel = kernels_of(COMPILERS[0], "scalar")[0]
    unknown = extensions.Kernel(**{**vars(kernel), "name": "sigmoid"})
    assert "knows no reference" in verification.fault(host, unknown, verification.reference(10))


def test_a_pass_goes_with_the_same_as_published(table):
    wrong = [exclusion.item(f"{COMPILERS[0]} scalar exp_sum_lanes u6k1", "reason")]
    left = {(kernel.name, kernel.unroll) for kernel in exclusion.usable(table, wrong)}
    assert not {("exp_sum", 6), ("exp_sum_lanes", 6)} & left
    assert {("exp_store", 6), ("exp_sum", 1)} <= left


def test_a_pass_without_a_right_variant_ends_the_run_in_one_line(table):
    wrong = [exclusion.item(exclusion.key(kernel), "at 1 elements: y[0] is nan") for kernel in table]
    one = [item for item in wrong if item["pass"] == "scale"]
    exclusion.require_variants(Roster(SETTINGS, table), one[1:])
    with pytest.raises(HarnessError, match=r"^no variant of scale \(\w+ scalar\) is right, .*y\[0\] is nan$"):
        exclusion.require_variants(Roster(SETTINGS, table), one)


def test_exp_that_is_no_number_is_off_by_as_much_as_can_be_said(host, table):
    kernel = next(k for k in table if (k.name, MISTAKES.get(k.unroll)) == ("exp_store", "NaN"))
    told = accuracy.exp_errors(host, "scalar", kernel, stride=1009)
    assert told["largest_ulps"] == host.lib.LARGEST_ERROR
    assert told["counts"][-1] == sum(told["counts"])
    nothing = next(k for k in table if (k.name, MISTAKES.get(k.unroll)) == ("exp_store", "nothing"))
    assert accuracy.exp_errors(host, "scalar", nothing, stride=1009) == told


def test_accuracy_of_results_that_are_no_numbers_is_told_in_json(host, table):
    wrong = [kernel for kernel in table if kernel.unroll == 2]
    for row in accuracy.check(host, {"scalar": Roster(SETTINGS, wrong)}, [1000]):
        assert row["not_finite"] == 1000
        assert row["largest_relative_error"] == row["sum_error"] == host.lib.LARGEST_ERROR
        assert row["order_violations"] == (None if row["algorithm"] == "block-reload" else 999)
        assert row["shift_difference"] in (None, host.lib.LARGEST_ERROR)


def test_a_run_measures_what_is_right_and_says_what_is_not(mutants, tmp_path):
    settings = with_few_algorithms(configuration.load())
    settings |= {"isas": ["scalar"], "compilers": [COMPILERS[0]], "protocol": "smoke", "rotation": 1}
    settings["protocols"]["smoke"]["tuner"] = {"processes": 1, "rounds": 1, "finalists": 1}
    smoke = settings["protocols"]["smoke"]
    # So many minutes that a machine that does much else beside is not too slow.
    smoke |= {"processes": {"least": 1, "most": 1}, "sample_milliseconds": 0.05, "minutes": 30, "waiting_percent": 0}
    smoke["lengths"] = {"algorithms": [FAR_ELEMENTS], "passes": [100], "secondary": [], "scalar": FAR_ELEMENTS}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    arguments = ["--config", tmp_path / "config.yaml", "--built", mutants, "--runs", tmp_path / "runs"]
    environment = {**os.environ, "TWO_PASS_SOFTMAX_LOCK": str(tmp_path / "lock")}
    command = [sys.executable, "-m", "harness", "measure", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert result.returncode == 0, result.stderr
    assert f"excluded: {COMPILERS[0]} scalar scale u2k1 is wrong: at 1 elements: y[0] is nan" in result.stdout
    (folder,) = (tmp_path / "runs").glob("*/*")
    record = store.read_record(folder)
    excluded = {(item["pass"], item["variant"]) for item in record.excluded}
    assert {("scale", "u2k1"), ("max", "u11k1"), ("exp_sum", "u9k1")} <= excluded
    # Loops and what was chosen are looked at again at the longest length, and something else is chosen.
    far = {its["pass"]: its["reason"] for its in record.excluded if its["variant"] == f"u{FAR}k1"}
    assert {"copy", "store", "update", "copy_nt"} <= set(far), far
    assert all(reason.startswith(f"at {FAR_ELEMENTS} elements: ") for reason in far.values())
    assert {(row["pass"], row["variant"]) for row in record.tuning}.isdisjoint(excluded)
    rows = pd.read_csv(folder / "samples.csv", keep_default_na=False)
    assert set(zip(rows["pass"], rows["variant"], strict=True)).isdisjoint(excluded)
    assert set("+".join(rows["variant"]).split("+")) >= {f"u{u}k1" for u in RIGHT[:1]}
    text = summary(load_run(folder))
    assert text.startswith(f"EXCLUDED: {len(record.excluded)} variants that are wrong: {COMPILERS[0]} scalar ")


def test_comparisons_take_nan_for_wrong(host, monkeypatch):
    kernel = next(k for k in kernels_of(COMPILERS[0], "scalar") if k.name == "ext_sum")
    for total in (np.nan, np.inf, 0.0, -1.0):
        expected = verification.extended_sum_of(verification.reference(10))
        assert not expected.finds(total, 3.0) <= 1, kernel
    assert not verification.sum_of(verification.reference(10)).finds(np.nan, 0.0) <= 1
