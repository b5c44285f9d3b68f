"""Two runs compared."""

import pytest

from analysis.commands.compare import compared
from harness.reading import command_line
from harness.record.run import plain
from harness.record.samples import load_run
from tests.planted import body_of_evidence, run_that_says


@pytest.fixture(scope="module")
def folder(make_module_run):
    return make_module_run(isas=("avx2",), processes=8, parts=("algorithms", "passes", "controls"))


@pytest.fixture(scope="module")
def two(folder):
    return body_of_evidence(load_run(folder), (0, 12))


def test_differences_are_told_largest_first_and_the_last_line_has_the_share_that_agrees(two):
    lines = compared(*two)
    assert lines[0].startswith("first: quick-000000000000, amd-epyc-9r14-25-17")
    assert not any("KERNELS" in line for line in lines)
    places = [line for line in lines if line.startswith("  AVX2 gcc ") and "[" in line]
    percents = [float(line.replace("  APART", "").split()[-2]) for line in places]
    assert len(percents) == 3 and percents == sorted(percents, reverse=True)
    assert lines[-1] == "intervals overlap at 3 of 3 points (100.0 %); over processes alone at 0 (0.0 %)"


def test_that_kernels_differ_comes_first(two):
    other = run_that_says(two[1], kernels_hash="b" * 64)
    assert compared(two[0], other)[2].startswith("KERNELS DIFFER")
    unknown = run_that_says(two[1], kernels_hash=None)
    assert compared(two[0], unknown)[2].startswith("KERNELS: not known to be the same")


def test_conditions_and_variants_that_differ_are_told(two):
    machine = {**plain(two[1].machine), "kernel": "6.2.0"}
    tuning = [{**row, "chosen": not row["chosen"]} for row in two[1].tuning]
    lines = compared(two[0], run_that_says(two[1], machine=machine, tuning=tuning))
    assert "  machine, kernel: 6.1.0, 6.2.0" in lines
    assert any(line.startswith("  56M elements load, GB/s: ") for line in lines)
    assert any(line.startswith("  AVX2 gcc ext_sum: u8k2") and "u12k1" in line for line in lines)


def test_a_run_is_not_compared_with_itself(folder, capsys):
    assert command_line.main("analysis", ["compare", str(folder), str(folder)]) == 2
    assert "are one run" in capsys.readouterr().err
