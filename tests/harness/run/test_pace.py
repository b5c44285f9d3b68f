"""How slow a machine is found to be."""

import pytest

from harness.record.isa import ISAS
from harness.run import pace
from tests.conftest import COMPILERS, kernels_of


class Machine:
    """A machine on which a pass takes `times` what is guessed of it, and each call `overhead` seconds more; the first
    `busy` calls take ten times as long."""

    def __init__(self, times, overhead=0.0, busy=0):
        self.times, self.overhead, self.busy, self.now = times, overhead, busy, 0.0

    def monotonic(self):
        return self.now

    def run_passes(self, host, kernels, x, y):
        seconds = self.overhead + self.times * ISAS[kernels[0].isa].exp_nanoseconds * len(x) / 1e9
        self.now += seconds * (10 if self.busy > 0 else 1)
        self.busy -= 1


@pytest.fixture
def seen(host, monkeypatch):
    """seen(machine) is how slow a machine is found to be."""
    (kernel, *_) = kernels_of(COMPILERS[0], "scalar")

    def found(machine):
        monkeypatch.setattr(pace, "time", machine)
        monkeypatch.setattr(pace, "run_passes", machine.run_passes)
        return pace.slowness(host, kernel)

    return found


def test_a_slow_machine_is_noticed(seen):
    for times, expected in ((0.3, 1.0), (1.3, 1.0), (2.9, 1.0), (3.1, 3.1), (50.0, 50.0)):
        assert seen(Machine(times)) == pytest.approx(expected)


def test_a_machine_is_not_slow_by_what_a_call_costs_or_by_a_busy_moment(seen):
    assert seen(Machine(1.3, overhead=1e-3)) == 1.0
    assert seen(Machine(1.3, busy=pace.PACE_CALLS + pace.PACE_CALLS // 2)) == 1.0
    assert seen(Machine(50.0, overhead=1e-3)) == pytest.approx(50.0)
