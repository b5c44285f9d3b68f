"""Work shared out among processes gives what one process would give."""

import os

import pytest

from harness.reading import parallel


@pytest.mark.parametrize("processors", [{0}, {0, 1}])
def test_each_is_made_in_its_place_by_what_no_process_could_be_sent(
    processors: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: processors)
    own = os.getpid()
    made = parallel.each(lambda given: (given(), os.getpid() == own), [lambda n=n: n * n for n in range(7)])
    assert [square for square, _ in made] == [0, 1, 4, 9, 16, 25, 36]
    assert {here for _, here in made} == {len(processors) == 1}


def test_for_a_few_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: {0, 1})
    for at_least, processes in ((4, 1), (3, 2)):
        made = parallel.each(lambda _: os.getpid(), range(7), at_least)
        assert (os.getpid() in made) == (processes == 1) and len(made) == 7


def test_what_goes_wrong_in_a_process_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: {0, 1})
    with pytest.raises(ZeroDivisionError):
        parallel.each(lambda given: 1 // given, [1, 0, 2])
