"""Processes that talk: messages come through whatever else is printed, and a failure is one line."""

from types import SimpleNamespace

import psutil
import pytest

from harness.machine import processes
from harness.record.errors import HarnessError, TimeSpent
from tests.harness.talkers import MEGABYTE


def ask(act, **options):
    return processes.ask("tests.harness.talkers", {"act": act}, "the process", **options)


@pytest.mark.parametrize("act", ("print_much", "print_strays", "leave_a_child"))
def test_messages_come_through_whatever_else_is_printed(act):
    assert [message["number"] for message in ask(act)] == (list(range(4)) if act == "print_much" else [1])


def test_messages_come_through_where_python_tells_every_import(monkeypatch):
    monkeypatch.setenv("PYTHONVERBOSE", "1")
    assert list(ask("print_strays")) == [{"number": 1}]
    with pytest.raises(HarnessError, match=r"^the vector is too long$"):
        list(ask("say_what_is_wrong"))


@pytest.mark.parametrize(
    ("act", "line"),
    [
        ("break_the_channel", "the process sent no valid message: b'this is no message'"),
        ("say_what_is_wrong", "the vector is too long"),
        ("fail", "ZeroDivisionError: division by zero"),
        ("exit_without_a_word", "the process ended with status 3: the last words"),
        ("be_killed", "the process was killed by SIGSEGV: before the end"),
        ("no such act", "KeyError: 'no such act'"),
    ],
)
def test_a_failure_is_one_line(act, line):
    with pytest.raises(HarnessError) as failure:
        list(ask(act))
    assert str(failure.value) == line


def test_memory_that_runs_out_is_one_line_with_the_way_out():
    with pytest.raises(HarnessError, match=r"no more memory or threads.*raise the limit"):
        list(ask("run_out_of_memory"))


def test_a_job_may_be_larger_than_a_pipe_or_an_argument():
    job = {"act": "print_strays", "filling": "x" * MEGABYTE}
    assert list(processes.ask("tests.harness.talkers", job, "the process")) == [{"number": 1}]


def test_a_process_that_is_not_done_in_time_is_killed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(processes, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asked = ask("hang", deadline=1.0)
    process = psutil.Process(next(asked)["pid"])
    now[0] = 2.0
    with pytest.raises(TimeSpent, match="the process was not done in time"):
        next(asked)
    assert not process.is_running()


def test_a_process_to_which_nobody_listens_any_more_is_killed():
    asked = ask("hang")
    process = psutil.Process(next(asked)["pid"])
    asked.close()
    assert not process.is_running()
