"""What a scheduler tells its jobs of what they were given."""

import time
from datetime import datetime, timedelta

import pytest

from harness.machine import allocation as module
from harness.machine import detection
from harness.machine.allocation import allocation

JOB = {"SLURM_JOB_ID": "12", "SLURMD_NODENAME": "n7", "SLURM_JOB_CPUS_PER_NODE": "36(x2)", "SLURM_CPUS_ON_NODE": "4"}


def test_outside_of_a_job_nothing_was_given():
    assert allocation({"PATH": "/usr/bin", "SLURM_JOB_ID": ""}) is None


def test_a_shell_that_stays_on_the_host_where_a_job_was_asked_for_was_given_nothing():
    assert allocation({name: told for name, told in JOB.items() if name != "SLURMD_NODENAME"}) is None


def test_a_job_has_the_processors_of_its_node_whatever_a_step_of_it_has():
    found = allocation(JOB)
    assert (found.job, found.node, found.processors) == ("12", "n7", 36)
    assert allocation({name: told for name, told in JOB.items() if "PER_NODE" not in name}).processors == 4


@pytest.mark.parametrize(
    ("told", "gibibytes"),
    [
        ({"SLURM_MEM_PER_NODE": "2048"}, 2),
        ({"SLURM_MEM_PER_CPU": "1024"}, 36),
        ({"SLURM_MEM_PER_NODE": "0"}, None),
        ({"SLURM_MEM_PER_NODE": "lots"}, None),
        ({}, None),
    ],
)
def test_memory_is_the_nodes_or_that_of_its_processors_and_without_a_number_unknown(told, gibibytes):
    assert allocation(JOB | told).memory_bytes == (gibibytes and gibibytes << 30)


@pytest.mark.parametrize(("told", "left"), [("in five minutes", 300), ("N/A", None), ("$(exit 1)", None)])
def test_the_time_that_is_left_is_told_by_the_environment_or_else_by_slurm(tmp_path, monkeypatch, told, left):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = f"{datetime.now() + timedelta(seconds=left):%Y-%m-%dT%H:%M:%S}" if left else told
    assert allocation(JOB).seconds_left() is None, "squeue is not there"
    (tmp_path / "squeue").write_text(f'#!/bin/sh\n[ "$3" = 12 ] && echo "{told}" || exit 1\n')
    (tmp_path / "squeue").chmod(0o755)
    assert allocation(JOB).seconds_left() == (left and pytest.approx(left, abs=20))
    ends = {"SLURM_JOB_END_TIME": f"{time.time() + 600:.0f}"}
    assert allocation(JOB | ends).seconds_left() == pytest.approx(600, abs=5)


def test_other_jobs_on_the_node_are_known_by_the_processes_that_slurm_has_for_them(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PROCESSES", tmp_path)

    def runs(number, *words):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "cmdline").write_bytes("\0".join(words).encode())

    runs(1, "/sbin/init")
    runs(2, "grep", "slurmstepd: [99.0]")
    runs(3, "slurmstepd: [13.batch]")
    assert allocation(JOB).neighbours() is None, "who does not see the processes of this job sees no others"
    runs(4, "slurmstepd: [12.extern]")
    runs(5, "slurmstepd: [12.0]")
    (tmp_path / "6").mkdir()  # has just ended
    assert allocation(JOB).neighbours() == {"13"}
    (tmp_path / "3" / "cmdline").unlink()
    assert allocation(JOB).neighbours() == set()


def test_no_more_memory_may_be_used_than_the_job_was_given(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    before = detection.memory_bytes()
    for name, value in {**JOB, "SLURM_MEM_PER_NODE": "64"}.items():
        monkeypatch.setenv(name, value)
    assert detection.memory_bytes() == 64 << 20 < before
    assert detection.available_memory_bytes() <= 64 << 20
