"""The command line on processors that are not here, emulated: it detects, plans, or stops.

What it measures is worthless. The emulator has no AVX512 and kills a process that tries it.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from harness.record import configuration
from harness.record.files import ROOT
from tests.conftest import BUILT, COMPILERS

QEMU = shutil.which("qemu-x86_64")
HANGING_SECONDS = 600
"""A processor takes about 14 s, beside loud neighbours ten times as long."""

pytestmark = pytest.mark.skipif(QEMU is None, reason="qemu-x86_64 is not installed (Debian and Ubuntu: qemu-user)")


@pytest.fixture
def tiny(tmp_path):
    """A folder with the smallest configuration: tuning alone would take half a minute for all algorithms and ISAs."""
    settings = configuration.load()
    settings["compilers"], settings["protocol"], settings["rotation"] = [COMPILERS[0]], "smoke", 1
    settings["algorithms"] = {"two-pass": settings["algorithms"]["two-pass"]}
    settings["protocols"]["smoke"]["tuner"] = {"processes": 1, "rounds": 1, "finalists": 1}
    settings["protocols"]["smoke"] |= {
        "processes": {"least": 1, "most": 1},
        "sample_milliseconds": 0.001,
        "minutes": 30,
    }
    del settings["protocols"]["smoke"]["accuracy"]
    settings["protocols"]["smoke"]["lengths"] = {
        "algorithms": [100],
        "passes": [],
        "breakdown": [],
        "secondary": [],
        "scalar": 100,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def emulated_python(folder, cpu):
    """An environment whose python runs on the emulated processor, and so does whatever it starts as sys.executable.

    The emulator takes the interpreter itself, not a link; under the launcher's name that finds the environment.
    """
    interpreter = Path(sys.executable).resolve()
    packages = Path(sysconfig.get_path("purelib"))
    environment = folder / "emulated"
    launcher = environment / "bin" / "python"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(f'#!/bin/sh\nexec {QEMU} -cpu {shlex.quote(cpu)} -0 "$0" {interpreter} "$@"\n')
    launcher.chmod(0o755)
    (environment / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\n")
    beside = environment / "lib" / f"python{sysconfig.get_python_version()}"
    beside.mkdir(parents=True)
    (beside / "site-packages").symlink_to(packages)
    return launcher


def harness(folder, cpu, *arguments):
    """`python -m harness` on the emulated processor."""
    launcher = folder / "emulated" / "bin" / "python"
    if not launcher.exists():
        emulated_python(folder, cpu)
    command = [launcher, "-m", "harness", *arguments, "--config", folder / "config.yaml", "--built", BUILT]
    environment = {**os.environ, "TWO_PASS_SOFTMAX_LOCK": str(folder / "lock"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, env=environment, timeout=HANGING_SECONDS
    )


def test_what_an_emulated_python_starts_is_emulated_too(tmp_path):
    launcher = emulated_python(tmp_path, "Haswell")
    told = subprocess.run([launcher, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
    assert told.stdout.strip() == str(launcher)


def plan_of(folder, cpu):
    """What is planned for an emulated processor. A whole run takes minutes there: every kernel is looked at first."""
    planned = harness(folder, cpu, "plan")
    assert planned.returncode == 0, planned.stderr
    assert "algorithms: 1 length, 100 elements" in planned.stdout
    assert "skipped: ISA avx512f: " in planned.stdout
    assert f"({COMPILERS[0]} scalar, {COMPILERS[0]} avx2)" in planned.stdout
    return planned


def test_another_processor_is_detected_and_planned_for(tiny):
    assert "-23-113" in plan_of(tiny, "EPYC-Rome,model=113").stdout.splitlines()[0]


def test_an_emulator_with_the_brand_of_the_papers_machine_is_not_taken_for_it(tiny):
    cpu = "Skylake-Server,-hypervisor,stepping=4,model-id=Intel(R) Xeon(R) W-2135 CPU @ 3.70GHz"
    planned = plan_of(tiny, cpu)
    assert "on Intel(R) Xeon(R) W-2135 CPU @ 3.70GHz (intel-xeon-w-2135-6-85)" in planned.stdout
    assert "skipped: the name skylake-x: its caches are " in planned.stdout
    assert "it has avx2, not avx2, avx512f" in planned.stdout and "it is emulated (QEMU)" in planned.stdout


def test_an_emulator_that_named_nothing_would_be_told_by_its_canaries(tiny):
    code = "from harness.machine import emulation; from harness.native.extensions import Host\n"
    code += "from dataclasses import replace; from pathlib import Path; import sys\n"
    code += "host = Host(Path(sys.argv[1]), sys.argv[2])\n"
    code += "processor = host.processor()\n"
    code += "print(processor.family, processor.model, *processor.isas)\n"
    code += "print(emulation.timed(host.lib, replace(processor, emulator='none')).emulator)"
    launcher = emulated_python(tiny, "Haswell,-hypervisor")
    told = subprocess.run([launcher, "-c", code, BUILT, COMPILERS[0]], cwd=ROOT, capture_output=True, text=True)
    detected, suspected = told.stdout.splitlines()
    assert detected == "6 60 scalar avx2", "Haswell"
    assert re.fullmatch(r"suspected: an FMA takes as long as \d+ additions", suspected), told.stderr


def test_the_doctor_tells_of_a_processor_without_fma_what_it_lacks(tiny):
    result = harness(tiny, "Nehalem", "doctor")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^ISAs +none: AVX2 and FMA3 are missing$", result.stdout, re.MULTILINE)


def test_a_processor_without_fma_stops_with_one_line_and_executes_nothing(tiny):
    result = harness(tiny, "Nehalem", "measure", "--runs", tiny / "runs")
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("qemu-x86_64: warning: ")]
    assert line.startswith("harness: ")
    assert "lacks AVX2 and FMA3" in line
    assert result.stdout == ""
    assert not (tiny / "runs").exists()
