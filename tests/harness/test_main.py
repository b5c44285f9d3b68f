"""The command line, as a person calls it."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from harness.reading.command_line import main
from harness.record.files import ROOT
from tests.conftest import (
    BUILT,
    COMPILERS,
    LOCALES,
    SETTINGS,
    interrupted_while_it_loads,
    kernels_of,
    the_host,
    with_few_variants,
)


def harness(*arguments, **environment):
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment})


def test_help_lists_what_can_be_done_by_hand_with_examples():
    text = harness("--help").stdout
    for word in ("doctor", "passes", "plan", "measure", "build", "examples:", "--elements 4096"):
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["passes", "--elements", "0"], "0 is too small; it is at least 1"),
        (["passes", "--elements", "many"], "invalid positive value: 'many'"),
        (["passes"], "--elements"),
        (["plan", "--protocol", "fast"], f"protocol: 'fast' is not one of {', '.join(SETTINGS['protocols'])}"),
        (["plan", "--isas", "sse2"], "isas.0: 'sse2' is not one of scalar, avx2, avx512f"),
        (["plan", "--compilers", "icc"], "compilers: 'icc' is not one of gcc, clang"),
        (["plan", "--config", "nowhere.yaml"], "nowhere.yaml: No such file or directory"),
        (["doctor", "--built", "nowhere"], "is not built; `snakemake build` does it"),
        (["teleport"], "invalid choice: 'teleport'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, words, capsys):
    try:
        status = main("harness", arguments)
    except SystemExit as ended:  # of what does not fit the options
        status = ended.code
    assert status == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_a_plan_is_printed_in_every_locale(locale):
    result = harness("plan", **locale)
    assert result.returncode == 0, result.stderr
    assert r"\xb1" in result.stdout, "± has no other way out"


def test_an_isa_that_is_asked_for_by_name_and_not_there_is_an_error():
    missing = [isa for isa in ("avx512f",) if isa not in the_host().processor().isas]
    if not missing:
        pytest.skip("this processor has every ISA")
    result = harness("plan", "--isas", missing[0])
    assert result.returncode == 2
    assert f"does not have {missing[0]}" in result.stderr


def test_doctor_tells_what_was_detected_and_what_to_do():
    result = harness("doctor")
    assert result.returncode == 0
    brand = the_host().processor().brand
    for word in (brand, "caches", "GHz", "timer", "frequency governor", "hypervisor", "huge pages"):
        assert word in result.stdout
    for line in result.stdout.split("What disturbs measurements")[1].splitlines()[1:]:
        assert line[0] in " !?"
        assert line[0] == " " or "; " in line, f"without advice: {line}"


def test_plan_tells_lengths_and_duration():
    text = harness("plan", "--protocol", "full").stdout
    assert "Protocol full on" in text
    assert "300,000,000 elements" in text or "GB are available" in text


def test_passes_gives_every_pass_of_an_isa_as_json(tmp_path, few_built):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(with_few_variants(SETTINGS)))
    arguments = ["passes", "--elements", 500, "--isas", "scalar", "--compilers", COMPILERS[0], "--json"]
    few = ["--config", tmp_path / "config.yaml", "--built", few_built]
    result = harness(*arguments, *few, TWO_PASS_SOFTMAX_LOCK=str(tmp_path / "lock"))
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert {row["pass_name"] for row in rows} == {kernel.name for kernel in kernels_of(COMPILERS[0], "scalar")}
    for row in rows:
        assert row["elements"] == 500
        assert row["ns_per_element"] > 0
        assert row["cycles_per_vector"] > 0
        assert row["limit_share"] > 0
        assert row["bound_ns_per_element"] is None, "a bound is for lengths out of cache"
    by_name = {row["pass_name"]: row for row in rows}
    assert by_name["copy"]["effective_gb_per_second"] == pytest.approx(8 / by_name["copy"]["ns_per_element"])
    assert by_name["max"]["effective_gb_per_second"] == pytest.approx(4 / by_name["max"]["ns_per_element"])


def test_a_length_that_does_not_fit_in_memory_is_one_line(tmp_path):
    result = harness("passes", "--elements", 10**13, TWO_PASS_SOFTMAX_LOCK=str(tmp_path / "lock"))
    assert result.returncode == 2
    assert "10,000,000,000,000 elements need" in result.stderr.splitlines()[-1]


def test_a_log_that_cannot_be_written_is_one_line():
    result = harness("measure", "--log", "/proc/nowhere/x.log")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("harness: /proc/nowhere: ")


def test_an_interrupt_while_libraries_are_imported_is_one_line():
    status, errors = interrupted_while_it_loads("harness", "_multiarray_umath", "plan")  # NumPy's first
    assert (status, errors) == (130, "harness: interrupted; to go on, give the same command again\n")


def test_too_little_address_space_is_one_line_with_the_way_out():
    limited = ["bash", "-c", 'ulimit -v 300000 && exec "$@"', "bash", sys.executable, "-m", "harness", "doctor"]
    result = subprocess.run(limited, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "`ulimit -v` allows 307 MB of address space; raise it" in line


def test_memory_beyond_the_limit_of_address_space_is_not_planned_with():
    limited = ["bash", "-c", 'ulimit -v 1300000 && exec "$@"', "bash", sys.executable, "-m", "harness"]
    result = subprocess.run([*limited, "passes", "--elements", "300000000"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert re.search(r"300,000,000 elements need \d\.\d GB of memory, [01]\.\d GB are available", result.stderr)


def test_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "harness", "doctor"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (result.returncode, result.stderr) == (2, "harness: output: No space left on device\n")


def test_build_writes_the_extension_that_was_asked_for(tmp_path):
    result = harness("build", "--compiler", COMPILERS[0], "--target", "host", "--output", tmp_path / "x.so")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "x.so").read_bytes()[:4] == b"\x7fELF"
    assert BUILT.exists()
