"""The clock: what it costs and resolves, also where it is slow, coarse, or goes back."""

import csv
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from harness.native import clock
from harness.record import configuration
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from tests.conftest import COMPILERS, with_few_variants

# Stands before the C library's: only the clock of the measurements is another.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int (*real)(clockid_t, struct timespec *);

static __attribute__((constructor)) void find(void) {
  *(void **) &real = dlsym(RTLD_NEXT, "clock_gettime");
}

static long long now(void) {
  struct timespec t;
  real(CLOCK_MONOTONIC_RAW, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int clock_gettime(clockid_t id, struct timespec *t) {
  if (!real) find();
  if (id != CLOCK_MONOTONIC_RAW) return real(id, t);
  long long at = now(), told = at;
#ifdef SLOW
  while ((told = now()) - at < 1400);
#endif
#ifdef COARSE
  told -= told % 10000;
#endif
#ifdef BACK
  static long long last;  // by time, not by readings: of some 40 samples of half a millisecond 4 to 9 meet it
  if (at - last > 8000000) {
    last = at;
    told -= 2000000;
  }
#endif
  *t = (struct timespec) { told / 1000000000, told % 1000000000 };
  return 0;
}
"""


class Scripted:
    """A host whose clock says what the test wants."""

    def __init__(self, host, read, canary=5000):
        self.ffi, self.read, self.at = host.ffi, read, 0
        self.lib = SimpleNamespace(
            read_clock=self.read_clock, canary_clock=lambda _: canary, canary_throughput=lambda _: canary
        )

    def read_clock(self, readings, count):
        told = np.array([self.read(self.at + i) for i in range(count)], np.int64)
        self.ffi.buffer(readings)[:] = told.tobytes()
        self.at += count


def test_this_clock_tells_its_resolution_and_overhead(host):
    here = clock.Clock(host)
    assert here.resolution > 0
    assert here.overhead > 0
    assert here.went_back == 0
    assert here.describe().overhead_subtracted is True


@pytest.mark.parametrize(
    ("read", "overhead", "resolution", "went_back"),
    [
        (lambda i: 25 * i, 25, 25, 0),
        (lambda i: 1400 * i, 1400, 1400, 0),  # a device on a bus
        (lambda i: 25 * i // 10_000 * 10_000, 25, 10_000, 0),  # coarse
        (lambda i: 25 * i // 4_000_000 * 4_000_000, 25, 4_000_000, 0),  # the timer interrupt
        (lambda i: 25 * i + 5_000_000 * (i // 500), 25, 25, 0),  # interrupted again and again
        (lambda i: 10**10 + 25 * i - (2_000_000 if i % 997 == 0 else 0), 25, 25, 20),
    ],
)
def test_a_clock_is_known_by_its_readings(host, read, overhead, resolution, went_back):
    found = clock.Clock(Scripted(host, read))
    assert found.overhead == pytest.approx(overhead, rel=0.6 if resolution > 10_000 else 0.05)
    assert found.resolution == resolution
    assert found.went_back == went_back
    assert found.is_good == (resolution == 25 and not went_back)


def test_a_clock_that_stands_still_is_refused_in_one_line(host):
    with pytest.raises(HarnessError, match=r"the clock stands still .*: nothing can be timed; boot with"):
        clock.Clock(Scripted(host, lambda _: 5))


def test_what_the_clock_is_by_the_kernel_is_told_or_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "SOURCE_FILE", tmp_path / "current_clocksource")
    assert clock.source() == "unknown"
    (tmp_path / "current_clocksource").write_text("hpet\n")
    assert clock.source() == "hpet"


def test_a_canary_that_no_processor_can_be_so_fast_for_is_taken_again(host):
    readings = [0, -7, 3, 400, 5000, 6000]
    scripted = Scripted(host, lambda i: 25 * i)
    scripted.lib.canary_clock = lambda _: readings.pop(0)
    assert clock.Clock(scripted).canaries()[0] == 5000 - 25
    with pytest.raises(HarnessError, match="the clock goes back, jumps"):
        clock.Clock(Scripted(host, lambda i: 25 * i, canary=-7)).canaries()


def test_where_the_clock_is_coarse_canaries_do_more_work(host):
    done = []
    scripted = Scripted(host, lambda i: 25 * i // 10_000 * 10_000)
    scripted.lib.canary_clock = scripted.lib.canary_throughput = lambda work: done.append(work) or work // 4
    found = clock.Clock(scripted)
    assert found.canaries()[0] == pytest.approx(clock.CLOCK_ADDS / 4, rel=0.01)
    assert done[0] / 4 >= 20 * 10_000


def test_the_canaries_take_longer_for_more_work(host):
    for canary in (host.lib.canary_clock, host.lib.canary_throughput):
        once, often = (min(canary(count) for _ in range(50)) for count in (10_000, 100_000))
        assert often > 5 * once


# Prints what one call takes, the fastest of many samples, by cache state: Two-Pass as a whole and pass by pass.
PROBE = """
from harness.experiments.base import Contender, Question
from harness.native.memory import Arena
from harness.run import plan
from harness.sampling import sampler
from tests.conftest import COMPILERS, SETTINGS, algorithm, the_host

isa = next(isa for isa in ("avx2", "scalar") if isa in the_host().processor().isas)
arena = Arena(the_host(), plan.layout(SETTINGS, the_host().processor(), 1000))
arena.fill(-1000, 1000, 1)
real = sampler.Sampler(the_host(), arena, [0])
passes = tuple(algorithm(COMPILERS[0], isa, "two-pass"))
for state in ("paper", "cold", "warm"):
    for split in (False, True):
        contender = Contender("two-pass", "", passes, split=split)
        asked = Question("algorithms", COMPILERS[0], isa, 1000, state, (contender,))
        with real.prepared(asked) as (one,):
            how = real.repetition(asked, [one], 50_000)
            taken = [real.sample(one, asked, how).nanoseconds for _ in range(40)]
        for number, times in enumerate(zip(*taken)):
            print(f"{state}-{split}-{number}", min(times) / how.calls)
"""


@pytest.fixture
def under(tmp_path):
    """Runs Python under a clock of the test's own."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build another clock with")

    def run(kinds, *arguments):
        environment = {**os.environ, "TWO_PASS_SOFTMAX_LOCK": str(tmp_path / "lock")}
        if kinds:
            source, library = tmp_path / "clock.c", tmp_path / f"{'-'.join(kinds)}.so"
            source.write_text(SHIM)
            defined = [f"-D{kind}" for kind in kinds]
            subprocess.run([compiler, "-shared", "-fPIC", "-O1", *defined, source, "-o", library, "-ldl"], check=True)
            environment["LD_PRELOAD"] = str(library)
        command = [sys.executable, *map(str, arguments)]
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def settings(tmp_path, few_built):
    """The options of a configuration that takes a second or two."""
    settings = with_few_variants(configuration.load())
    settings["isas"], settings["compilers"], settings["rotation"] = ["scalar"], [COMPILERS[0]], 1
    settings["algorithms"] = {"two-pass": settings["algorithms"]["two-pass"]}
    settings["protocols"]["smoke"]["tuner"] = {"processes": 1, "rounds": 1, "finalists": 1}
    settings["protocol"] = "smoke"
    settings["protocols"]["smoke"] |= {"processes": {"least": 1, "most": 1}, "sample_milliseconds": 0.5}
    del settings["protocols"]["smoke"]["accuracy"]
    lengths = {
        "algorithms": [100, 200, 400, 700, 1000, 2000, 3000, 4000],
        "breakdown": [4000],
        "strong-scaling": [4000],
        "secondary": [],
        "scalar": 4000,
    }
    settings["protocols"]["smoke"]["lengths"] = lengths
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return ["--config", tmp_path / "config.yaml", "--built", few_built]


def rows(runs):
    """The rows of the only run in a folder."""
    (file,) = runs.glob("*/*/samples.csv")
    return list(csv.DictReader(file.open()))


def test_doctor_judges_the_clock(under, settings):
    told = under(("SLOW", "COARSE", "BACK"), "-m", "harness", "doctor", *settings)
    (line,) = [line for line in told.splitlines() if line.startswith(("! clock:", "  clock:"))]
    assert line.startswith("! clock:")
    for part in ("ns a reading", "steps of 10000 ns", "went back", "clocksource=tsc"):
        assert part in line
    (gigahertz,) = re.findall(r"clock +([0-9.]+) GHz now", told)
    assert 0.5 < float(gigahertz) < 10


def test_a_slow_and_a_coarse_clock_tell_the_same_times(under):
    """A pass of 1000 elements takes a fifth of a reading of the slow one, and less than a thirtieth of a step of the
    coarse one. Neighbours may slow any of them down."""
    slow, coarse, quick = (
        dict(map(str.split, under(kinds, "-c", PROBE).splitlines())) for kinds in (("SLOW",), ("COARSE",), ())
    )
    assert len(quick) == 9
    for key, expected in quick.items():
        for told in (slow, coarse):
            assert 1 / 3 < float(told[key]) / float(expected) < 3, (key, slow, coarse, quick)


def test_a_run_under_a_clock_that_goes_back_has_no_number_that_cannot_be(under, settings, tmp_path):
    under(("BACK",), "-m", "harness", "measure", "--runs", tmp_path / "runs", *settings)
    found = rows(tmp_path / "runs")
    for row in found:
        assert 0.01 * int(row["elements"]) < int(row["nanoseconds"]) / int(row["calls"]) < 1e9, row
        assert 0.5 < clock.CLOCK_ADDS / int(row["clock_nanoseconds"]) < 10, row
    assert any("clock-error" in row["flags"] for row in found)
