"""The recorded table of cycles is whole and fits the code, and llvm-mca gives answers that are known by hand."""

import re

import pytest

from analysis.model import in_core
from analysis.model.assembly import functions
from harness.doctor import assembly
from harness.record import machines
from harness.record.errors import HarnessError
from tests.conftest import SETTINGS, fewer_variants, kernels_of

TABLE = in_core.load()
PASSES = set(TABLE["pass"])
"""Those that predictions know; `snakemake refresh-model` has them learn of others."""
# A machine with two 256-bit FMA pipes of 4 cycles: 8 chains keep both busy, 1 chain waits for itself.
CHAINS = {
    f"{count} chains": [*(f"vfmadd213ps %ymm14, %ymm15, %ymm{i}" for i in range(count)), "decq %rax", "jne .L1"]
    for count in (8, 1)
}


def simulator_of(cpu):
    """An installed llvm-mca that has a model of this processor; skips the test where none has."""
    try:
        return in_core.find_simulator([cpu])[0]
    except HarnessError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("cpu", ["skylake-avx512", "znver4"])
def test_throughput_and_latency_of_known_loops(cpu):
    cycles = in_core.cycles_per_iteration(simulator_of(cpu), cpu, CHAINS)
    assert cycles["8 chains"] == pytest.approx((4, 4), rel=0.02)
    assert cycles["1 chains"] == pytest.approx((0.5, 4), rel=0.02)


def test_what_llvm_mca_refuses_is_told_in_one_line():
    simulator = simulator_of("broadwell")
    with pytest.raises(HarnessError, match=r"broadwell: .*unsupported instruction"):
        in_core.cycles_per_iteration(simulator, "broadwell", {"wide": ["vaddps %zmm0, %zmm1, %zmm2"]})


def llvm_mca(folder, version, *cpus):
    """A program that says that it is llvm-mca of this version, with models of these processors."""
    folder.mkdir(exist_ok=True)
    models = "".join(f"  {cpu} - Select the {cpu} processor.\\n" for cpu in cpus)
    says = f"case $* in --version) printf '  LLVM version {version}\\n';; *) printf '{models}' >&2;; esac"
    (folder / "llvm-mca").write_text(f"#!/bin/sh\n{says}\n")
    (folder / "llvm-mca").chmod(0o755)
    return folder


def test_an_llvm_mca_without_a_model_of_the_processor_is_told_before_it_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(in_core, "COMMANDS", ("llvm-mca",))
    monkeypatch.setenv("PATH", f"{llvm_mca(tmp_path, '14.0.6', 'znver2', 'znver3')}")
    with pytest.raises(HarnessError, match=r"^llvm-mca 14\.0\.6 has no model of znver4 .*apt install llvm-19"):
        in_core.find_simulator(["znver2", "znver4"])
    assert in_core.find_simulator(["znver2"]) == ("llvm-mca", "14.0.6")


def test_no_llvm_mca_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HarnessError, match=r"llvm-mca is not installed .*apt install llvm-19"):
        in_core.find_simulator(["znver4"])


def skeleton(function):
    """The function's instructions, each label replaced by the index of the instruction that it stands before: the same
    for two assembly files that give the same machine code."""
    labels = function.labels
    return [re.sub(r"\.L\w+", lambda n: f"@{labels.get(n[0], '')}", one.text) for one in function.instructions]


@pytest.mark.parametrize(("compiler", "isa"), [("gcc", "avx512f"), ("clang", "avx2")])
def test_the_recorded_loops_are_those_that_are_compiled_now_and_line_tables_change_none(compiler, isa, tmp_path):
    some = fewer_variants([(2, 1), (8, 4), (12, 6)], [1, 5, 12])
    try:
        settings = {**SETTINGS, "flags": [*SETTINGS["flags"], *some], "compilers": [compiler], "isas": [isa]}
        assembly.write(settings, tmp_path)
    except HarnessError as error:
        pytest.skip(str(error))
    ((compiled, loops),) = in_core.compiled_loops(tmp_path)
    plain, lines = (functions((tmp_path / compiled[way]).read_text()) for way in ("plain", "lines"))
    assert [skeleton(function) for function in plain] == [skeleton(function) for function in lines]
    rows = TABLE[(TABLE["compiler"] == compiler) & (TABLE["isa"] == isa) & (TABLE["microarchitecture"] == "Zen 4")]
    if (recorded := set(rows["compiler_version"])) != {in_core.version_number(compiled["version"])}:
        pytest.skip(f"the recorded loops are by {compiler} {', '.join(recorded)}")
    rows = rows.set_index(["pass", "variant"])
    assert len(loops) == 3 * len(PASSES)
    for key, loop in loops.items():
        assert in_core.vectors_per_iteration(loop, isa) == rows.loc[key, "vectors_per_iteration"]


def test_missing_assembly_says_how_it_is_made(tmp_path):
    with pytest.raises(HarnessError, match=r"assembly\.json: No such file .*python -m harness assembly"):
        list(in_core.compiled_loops(tmp_path))


@pytest.mark.parametrize("isa", SETTINGS["isas"])
def test_the_recorded_table_has_every_variant_of_every_pass(isa):
    kernels = {(k.name, k.variant) for k in kernels_of(SETTINGS["compilers"][0], isa) if k.name in PASSES}
    rows = TABLE[TABLE["isa"] == isa]
    predicted = {name for name, model in machines.llvm_models().items() if isa in model.isas}
    groups = rows.groupby(["microarchitecture", "compiler"])
    assert set(groups.groups) == {(name, compiler) for name in predicted for compiler in ("gcc", "clang")}
    for _, group in groups:
        assert len(group) == len(kernels)
        assert set(zip(group["pass"], group["variant"], strict=True)) == kernels


def test_only_scalar_loops_have_no_numbers():
    missing = TABLE[TABLE["cycles_per_vector_low"].isna()]
    assert set(missing["isa"]) <= {"scalar"}
    assert len(missing) < len(TABLE) / 10


def test_each_iteration_is_a_multiple_of_the_variants_vectors():
    known = TABLE.dropna()
    unroll = known["variant"].str.extract(r"u(\d+)", expand=False).astype(int)
    assert (known["vectors_per_iteration"] % unroll == 0).all()


def test_the_ends_of_an_interval_are_ordered_and_positive():
    known = TABLE.dropna()
    assert (known["cycles_per_vector_low"] > 0).all()
    assert (known["cycles_per_vector_low"] <= known["cycles_per_vector_high"]).all()


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
        ("Ubuntu LLVM version 18.1.3rc", "unknown"),
    ],
)
def test_a_version_is_its_number(told, number):
    assert in_core.version_number(told) == number
