"""What disturbs measurements: each item says yes, no or unknown, and what to do."""

import os
from dataclasses import replace

import pytest

from harness.machine.allocation import Allocation
from harness.machine.topology import Choice
from harness.native import audit
from harness.native.clock import Clock
from tests.conftest import fake_files


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A /sys/devices/system/cpu of the test's own."""
    monkeypatch.setattr(audit, "SYSTEM_CPU", tmp_path)

    def write(name, content):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    return write


@pytest.mark.parametrize(("found", "disturbs"), [("performance", "no"), ("powersave", "yes"), (None, "unknown")])
def test_only_the_performance_governor_does_not_disturb(system, found, disturbs):
    if found:
        system("cpu5/cpufreq/scaling_governor", found)
    system("cpu0/cpufreq/scaling_governor", "conservative")  # of another core than is measured
    assert audit.governor(5).disturbs == disturbs


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("intel_pstate/no_turbo", "1", "off"),
        ("intel_pstate/no_turbo", "0", "on"),
        ("cpufreq/boost", "1", "on"),
        ("cpufreq/boost", "0", "off"),
        ("none", "", "unknown"),
    ],
)
def test_turbo_is_read_the_way_each_vendor_tells_it(system, file, content, found):
    system(file, content)
    assert audit.turbo().found == found


def test_a_guest_that_sees_no_sibling_threads_does_not_know(system):
    system("smt/active", "0")
    assert audit.sibling_threads(virtual=False).disturbs == "no"
    assert audit.sibling_threads(virtual=True).disturbs == "unknown"
    system("smt/active", "1")
    assert audit.sibling_threads(virtual=True).disturbs == "yes"


@pytest.mark.parametrize(
    ("source", "overhead", "resolution", "went_back", "disturbs"),
    [
        ("tsc", 25.0, 20, 0, "no"),
        ("kvm-clock", 30.0, 30, 0, "no"),
        ("hpet", 25.0, 20, 0, "yes"),
        ("tsc", 1400.0, 20, 0, "yes"),
        ("tsc", 25.0, 10_000, 0, "yes"),
        ("tsc", 25.0, 20, 1, "yes"),
    ],
)
def test_a_clock_disturbs_that_is_slow_coarse_or_goes_back(
    host, monkeypatch, source, overhead, resolution, went_back, disturbs
):
    found = Clock(host)
    found.overhead, found.resolution, found.went_back = overhead, resolution, went_back
    monkeypatch.setattr(audit, "source", lambda: source)
    finding = audit.clock(found)
    assert finding.disturbs == disturbs
    assert source in finding.found
    assert ("went back" in finding.found) == bool(went_back)


@pytest.mark.parametrize(
    ("granted", "found", "disturbs"),
    [(None, "unlimited", "no"), (0.5, "that of 0.5 processors", "yes"), (4.0, "that of 4 processors", "no")],
)
def test_a_group_that_grants_less_than_one_processor_disturbs(granted, found, disturbs):
    finding = audit.granted_time(granted)
    assert (finding.found, finding.disturbs) == (found, disturbs)


def test_a_hybrid_machine_is_called_so():
    assert audit.kinds(Choice(3, (0, 1, 2, 3), "")).found == "one"
    assert "hybrid: performance cores are measured, 2" in audit.kinds(Choice(1, (0, 1), "performance core")).found


def test_a_hypervisor_disturbs():
    assert audit.hypervisor("KVMKVMKVM").disturbs == "yes"
    assert audit.hypervisor("").found == "none"


@pytest.mark.parametrize(("ticks", "disturbs"), [("100 0 0 900 0 0 0 0", "no"), ("100 0 0 800 0 0 0 100", "yes")])
def test_stolen_time_disturbs_above_one_percent(monkeypatch, ticks, disturbs):
    monkeypatch.setattr(audit, "read", lambda _: f"cpu  {ticks} 0 0")
    assert audit.stolen_time().disturbs == disturbs


def test_pressure_that_the_system_does_not_tell_is_unknown(monkeypatch):
    monkeypatch.setattr(audit, "read", lambda _: "")
    assert audit.pressure("cpu").disturbs == audit.stolen_time().disturbs == "unknown"


@pytest.mark.parametrize(
    "content", ("", "nonsense", "cpu", "cpu 1 2 three 4 5 6 7 8", "some", "some avg10=", "some avg10=x", "\0")
)
def test_counters_that_make_no_sense_are_unknown(monkeypatch, content):
    monkeypatch.setattr(audit, "Path", fake_files(content))
    for finding in (audit.pressure("cpu"), audit.stolen_time()):
        assert (finding.found, finding.disturbs) == ("unknown", "unknown")


def test_load_that_the_system_does_not_tell_is_unknown(monkeypatch):
    def fail():
        raise OSError("no /proc/loadavg")

    monkeypatch.setattr(audit.os, "getloadavg", fail)
    assert audit.other_load().disturbs == "unknown"


@pytest.mark.parametrize(
    ("niceness", "policy", "found", "disturbs"),
    [
        (0, os.SCHED_OTHER, "nice 0", "no"),
        (-5, os.SCHED_OTHER, "nice -5", "no"),
        (10, os.SCHED_OTHER, "nice 10", "yes"),
        (0, os.SCHED_IDLE, "nice 0, idle", "yes"),
    ],
)
def test_a_process_that_lets_others_go_first_is_disturbed(monkeypatch, niceness, policy, found, disturbs):
    monkeypatch.setattr(audit.os, "getpriority", lambda *_: niceness)
    monkeypatch.setattr(audit.os, "sched_getscheduler", lambda _: policy)
    finding = audit.priority()
    assert (finding.found, finding.disturbs) == (found, disturbs)


def test_every_item_of_this_machine_has_an_answer_and_advice(host):
    items = audit.audit(host, "skylake-x", host.choice().cpu)
    assert len({item["item"] for item in items}) == len(items) >= 8
    for item in items:
        assert item["disturbs"] in ("yes", "no", "unknown")
        assert item["found"]
        assert item["advice"]


def test_of_several_sessions_the_worst_that_each_item_was_in_is_kept():
    def session(**found):
        return [{"item": name, "found": name, "disturbs": disturbs, "advice": ""} for name, disturbs in found.items()]

    kept = audit.worst([session(load="no", turbo="unknown"), session(load="yes", turbo="no"), session(load="no")])
    assert {item["item"]: item["disturbs"] for item in kept} == {"load": "yes", "turbo": "unknown"}


JOB = Allocation("12", "n7", 36, 32 * 10**9, ends=2e9)


@pytest.mark.parametrize(
    ("processors", "found", "disturbs"),
    [
        (72, "72 of 72", "no"),
        (36, "36 of 72", "no"),  # all cores, where the scheduler counts those
        (4, "4 of 72", "yes"),
        (None, "unknown", "unknown"),
    ],
)
def test_a_job_that_has_not_the_whole_node_is_disturbed_by_others(processors, found, disturbs):
    finding = audit.job_processors(replace(JOB, processors=processors), online=72, cores=36)
    assert (finding.found, finding.disturbs) == (found, disturbs)


@pytest.mark.parametrize(
    ("others", "found", "disturbs"),
    [(set(), "none", "no"), ({"13", "14"}, "2 on its node", "yes"), (None, "unknown", "unknown")],
)
def test_other_jobs_on_the_node_disturb(others, found, disturbs):
    finding = audit.job_neighbours(others)
    assert (finding.found, finding.disturbs) == (found, disturbs)


def test_a_job_that_is_stopped_before_its_run_may_end_is_called_so():
    assert audit.job_time(3600.0, seconds=780).disturbs == "no"
    finding = audit.job_time(3600.0, seconds=36_000)
    assert (finding.found, finding.disturbs) == ("60 min, the run may take 600", "yes")
    assert audit.job_time(None, seconds=1).disturbs == "unknown"


def test_what_a_job_was_given_of_the_memory_is_told():
    assert audit.job_memory(JOB, 64 * 10**9).found == "32.0 of 64.0 GB"
    assert audit.job_memory(replace(JOB, memory_bytes=None), 64 * 10**9).disturbs == "unknown"


def test_a_node_that_is_another_machine_than_was_asked_for_is_called_so():
    (same, other) = (audit.audit_job(JOB, name, "zen2", 60)[-1] for name in ("zen2", "amd-epyc-25-17"))
    assert (same["found"], same["disturbs"]) == ("zen2", "no")
    assert (other["found"], other["disturbs"]) == ("amd-epyc-25-17, not zen2", "yes")
    items = audit.audit_job(JOB, "zen2", None, 60)
    assert [row["item"] for row in items] == [
        f"{what} of the job" for what in ("processors", "neighbours", "memory", "time")
    ]
    assert all(row["advice"] and row["found"] for row in items)
