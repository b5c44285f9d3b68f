"""When it is waited, for how long, and when no more."""

import pytest

from harness.sampling.pacing import PAUSES, RECENT, Pacer


class Clock:
    """A clock that only waiting moves, and a machine that is calm from a time on."""

    def __init__(self, calm_at=0.0):
        self.time, self.calm_at, self.told = 0.0, calm_at, []

    def pacer(self, allowed=100.0, deadline=1000.0):
        return Pacer(allowed, lambda: self.time >= self.calm_at, self.told.append, deadline, self.sleep, self.now)

    def sleep(self, seconds):
        self.time += seconds

    def now(self):
        return self.time


def disturbed(share):
    return [number < share * RECENT for number in range(RECENT)]


@pytest.mark.parametrize("share", (0.0, 0.3, 0.5))
def test_it_is_not_waited_while_most_samples_are_calm(share):
    clock = Clock(calm_at=60.0)
    pacer = clock.pacer()
    pacer.note(disturbed(share))
    assert pacer.wait() == 0
    assert clock.told == []


def test_pauses_grow_until_the_machine_is_calm_and_are_told():
    clock = Clock(calm_at=5.0)
    pacer = clock.pacer()
    pacer.note(disturbed(0.6))
    assert pacer.wait() == pacer.waited == 7.0
    assert clock.told == [1.0, 2.0, 4.0]


def test_a_machine_that_is_calm_again_is_not_waited_for():
    clock = Clock(calm_at=0.0)
    pacer = clock.pacer()
    pacer.note(disturbed(1.0))
    assert pacer.wait() == 0


def test_of_a_machine_that_does_not_become_calm_it_is_measured_all_the_same():
    clock = Clock(calm_at=1e9)
    pacer = clock.pacer()
    pacer.note(disturbed(1.0))
    assert pacer.wait() == sum(PAUSES)
    assert pacer.wait() == 0, "what was before the wait is the past"
    pacer.note(disturbed(1.0))
    assert pacer.wait() == sum(PAUSES)
    assert pacer.waited == 2 * sum(PAUSES)


def test_no_more_is_waited_than_is_allowed_or_there_is_time_for():
    for bounds, waited in (({"allowed": 4.0}, 3.0), ({"deadline": 2.0}, 1.0), ({"allowed": 0.0}, 0.0)):
        clock = Clock(calm_at=1e9)
        pacer = clock.pacer(**bounds)
        for _ in range(3):
            pacer.note(disturbed(1.0))
            pacer.wait()
            assert pacer.waited <= bounds.get("allowed", 100.0)
            assert clock.time <= bounds.get("deadline", 1000.0)
        assert pacer.waited >= waited


def test_long_ago_is_forgotten():
    pacer = Clock(calm_at=1e9).pacer()
    pacer.note(disturbed(1.0))
    pacer.note(disturbed(0.0))
    assert pacer.wait() == 0
