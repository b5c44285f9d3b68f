"""The recorded table of cycles is whole and fits the code, and llvm-mca gives answers that are known by hand."""

import pytest

from analysis.model import in_core
from analysis.model.assembly import hot_loops
from analysis.model.commands import refresh
from harness.native import build
from harness.record import machines
from harness.record.errors import HarnessError
from harness.record.samples import load_run
from tests.conftest import SETTINGS, fewer_variants, kernels_of

LOADED = in_core.load()
TABLE = LOADED[LOADED["kernels"] == LOADED["kernels"].iloc[-1]]
"""Of the kernels that predictions are of; `python -m analysis.model refresh` has it learn of others."""
# A machine with two 256-bit FMA pipes of 4 cycles: 8 chains keep both busy, 1 chain waits for itself.
CHAINS = {
    f"{count} chains": [*(f"vfmadd213ps %ymm14, %ymm15, %ymm{i}" for i in range(count)), "decq %rax", "jne .L1"]
    for count in (8, 1)
}


@pytest.fixture
def simulator():
    """An installed llvm-mca that has all models; skips the test where there is none."""
    try:
        return in_core.find_simulator()[0]
    except HarnessError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("cpu", ["skylake-avx512", "znver4"])
def test_throughput_and_latency_of_known_loops(cpu, simulator):
    cycles = in_core.cycles_per_iteration(simulator, cpu, CHAINS)
    assert cycles["8 chains"] == pytest.approx((4, 4), rel=0.02)
    assert cycles["1 chains"] == pytest.approx((0.5, 4), rel=0.02)


def test_what_llvm_mca_refuses_is_told_in_one_line(simulator):
    with pytest.raises(HarnessError, match=r"broadwell: .*unsupported instruction"):
        in_core.cycles_per_iteration(simulator, "broadwell", {"wide": ["vaddps %zmm0, %zmm1, %zmm2"]})


def llvm_mca(folder, version):
    """A program that says that it is llvm-mca of this version."""
    (folder / "llvm-mca").write_text(f"#!/bin/sh\nprintf '  LLVM version {version}\\n'\n")
    (folder / "llvm-mca").chmod(0o755)


def test_an_llvm_mca_without_all_models_or_none_at_all_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}")
    with pytest.raises(HarnessError, match=r"^llvm-mca 16 or newer is not installed .*apt install llvm-19"):
        in_core.find_simulator()
    llvm_mca(tmp_path, "14.0.6")
    with pytest.raises(HarnessError, match=r"^llvm-mca 16 or newer is not installed"):
        in_core.find_simulator()
    llvm_mca(tmp_path, "18.1.3")
    assert in_core.find_simulator() == ("llvm-mca", "18.1.3")


@pytest.fixture(scope="module")
def compiled():
    """A few variants of all passes as gcc makes them for avx2."""
    some = fewer_variants([(4, 1), (8, 2)], [1, 4])
    settings = {**SETTINGS, "flags": [*SETTINGS["flags"], *some]}
    try:
        return list(refresh.compiled(settings, [build.require_compiler(settings, "gcc")], ["avx2"]))
    except HarnessError as error:
        pytest.skip(str(error))


def test_the_recorded_loops_are_those_that_are_compiled_now(compiled, simulator):
    made = in_core.table("now", SETTINGS["algorithms"], compiled, machines.llvm_models())
    keys = ["microarchitecture", "compiler", "isa", "pass", "variant"]
    both = made.merge(TABLE, on=keys, suffixes=("", "_recorded"))
    assert set(made["pass"]) == set(TABLE["pass"]) and len(both) == len(made)
    if any((both[name] != both[f"{name}_recorded"]).any() for name in ("compiler_version", "llvm_version")):
        pytest.skip("the recorded loops are by another compiler or llvm-mca")
    assert both["cycles_low"].to_numpy() == pytest.approx(both["cycles_low_recorded"].to_numpy())
    assert both["cycles_high"].to_numpy() == pytest.approx(both["cycles_high_recorded"].to_numpy())


def test_a_hot_loop_steps_by_a_multiple_of_the_variants_vectors(compiled):
    (found,) = (one for one in compiled if one[3] == "")
    loop = hot_loops(found[4])["exp_scale", "u4k1"]
    assert in_core.vectors_per_iteration(loop, "avx2", "u4k1") % 4 == 0
    with pytest.raises(HarnessError, match=r"u9k1: an iteration processes .* no multiple of its vectors"):
        in_core.vectors_per_iteration(loop, "avx2", "u9k1")


def test_loops_that_a_run_of_other_kernels_needs_stay(make_run):
    run = load_run(make_run())
    before, now = (TABLE.assign(kernels=kernels) for kernels in (in_core.of_run(run)[0], "now"))
    kept = in_core.renewed(before, now, [run])
    assert set(kept["kernels"]) == {in_core.of_run(run)[0], "now"} and kept["kernels"].iloc[-1] == "now"
    assert set(kept.loc[kept["kernels"] != "now", "microarchitecture"]) == {run.machine.microarchitecture}
    assert set(in_core.renewed(before, now, [])["kernels"]) == {"now"}


@pytest.mark.parametrize("isa", in_core.VECTORS)
def test_the_recorded_table_has_every_variant_of_every_pass_of_one_loop(isa):
    passes = in_core.predictable(SETTINGS["algorithms"])
    assert {"ext_sum", "ext_scale_nt_table"} < passes and not {"block_sum", "ext_sum_prefetch"} & passes
    kernels = {(k.name, k.variant) for k in kernels_of(SETTINGS["compilers"][0], isa) if k.name in passes}
    rows = TABLE[TABLE["isa"] == isa]
    predicted = {name for name, model in machines.llvm_models().items() if isa in model.isas}
    groups = rows.groupby(["microarchitecture", "compiler"])
    assert set(groups.groups) == {(name, compiler) for name in predicted for compiler in ("gcc", "clang")}
    for _, group in groups:
        assert len(group) == len(kernels)
        assert set(zip(group["pass"], group["variant"], strict=True)) == kernels


def test_the_ends_of_an_interval_are_ordered_and_positive():
    assert (LOADED["cycles_low"] > 0).all()
    assert (LOADED["cycles_low"] <= LOADED["cycles_high"]).all()


def test_no_wide_vectors_where_the_processor_has_none():
    wide = set(TABLE.loc[TABLE["isa"] == "avx512f", "microarchitecture"])
    assert wide == {"Skylake-X", "Zen 4"}


def test_a_missing_table_says_how_it_is_made(tmp_path):
    with pytest.raises(HarnessError, match="refresh"):
        in_core.load(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0", "12.2.0"),
        ("Debian clang version 19.1.7 (3~deb12u1)", "19.1.7"),
        ("Debian LLVM version 19.1.7\n  Optimized build.", "19.1.7"),
        ("Ubuntu LLVM version 18.1.3rc", "0.0.0"),
    ],
)
def test_a_version_is_its_number(told, number):
    assert in_core.version_number(told) == number
