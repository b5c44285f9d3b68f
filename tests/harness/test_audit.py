"""What disturbs measurements: each item says yes, no or unknown, and what to do."""

import pytest

from harness import audit


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
        system("cpu0/cpufreq/scaling_governor", found)
    assert audit.governor().disturbs == disturbs


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


def test_a_hypervisor_disturbs():
    assert audit.hypervisor("KVMKVMKVM").disturbs == "yes"
    assert audit.hypervisor("").found == "none"


@pytest.mark.parametrize(("ticks", "disturbs"), [("100 0 0 900 0 0 0 0", "no"), ("100 0 0 800 0 0 0 100", "yes")])
def test_stolen_time_disturbs_above_one_percent(monkeypatch, ticks, disturbs):
    monkeypatch.setattr(audit, "read", lambda _: f"cpu  {ticks} 0 0")
    assert audit.stolen_time().disturbs == disturbs


def test_pressure_that_the_system_does_not_tell_is_unknown(monkeypatch):
    monkeypatch.setattr(audit, "read", lambda _: None)
    assert audit.pressure("cpu").disturbs == audit.stolen_time().disturbs == "unknown"


def test_every_item_of_this_machine_has_an_answer_and_advice(host):
    items = audit.audit(host, "skylake-x")
    assert len({item["item"] for item in items}) == len(items) >= 8
    for item in items:
        assert item["disturbs"] in ("yes", "no", "unknown")
        assert item["found"]
        assert item["advice"]
