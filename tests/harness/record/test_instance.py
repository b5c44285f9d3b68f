"""Which instance of a machine a run is of: the same where nothing changed, another wherever something did."""

import copy
import json
import re

import pytest

from harness.record import instance


@pytest.fixture
def info(make_run):
    machine = json.loads((make_run(parts=("algorithms",), lengths=(4096,)) / "run.json").read_text())["machine"]
    machine |= {"host": "a" * 32, "allowed": [0, 1]}
    return {
        "protocol": {"name": "quick"},
        "content_hash": "0123456789ab" + "0" * 52,
        "machine": machine,
        "memory": {"cpu": 1},
        "threads": {"cpus": [1, 0]},
    }


CHANGES = {
    "host": lambda i: i["machine"].update(host="f" * 32),
    "kernel": lambda i: i["machine"].update(kernel="7.0.1"),
    "processor": lambda i: i["machine"].update(brand="another"),
    "ISAs": lambda i: i["machine"].update(isas=["scalar"]),
    "caches": lambda i: i["machine"]["caches"][-1].update(bytes=1 << 27),
    "cores": lambda i: i["machine"].update(cores=77),
    "threads": lambda i: i["machine"].update(threads=154),
    "memory": lambda i: i["machine"].update(memory_bytes=i["machine"]["memory_bytes"] * 2),
    "hypervisor": lambda i: i["machine"].update(hypervisor="another"),
    "allowed processors": lambda i: i["machine"].update(allowed=[77]),
    "measured processor": lambda i: i["memory"].update(cpu=0),
    "processors of threads": lambda i: i["threads"].update(cpus=[1]),
}


def test_every_fact_is_tried(info):
    assert list(CHANGES) == list(instance.facts(info))


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_of_another_instance_has_another_name_and_what_changed_is_told(info, name):
    assert re.fullmatch("quick-0123456789ab-[0-9a-f]{6}", instance.run_name(info))
    now = copy.deepcopy(info)
    CHANGES[name](now)
    assert instance.run_name(now) != instance.run_name(info) == instance.run_name(copy.deepcopy(info))
    assert instance.content_name(now) == instance.content_name(info)
    (told,) = instance.changes(info, now)
    assert re.fullmatch(rf"{name} \(.+, now .+\)", told)
    assert instance.changes(info, info) == []


def test_a_hypervisor_that_is_known_by_its_time_alone_makes_no_other_instance(info):
    info["machine"]["hypervisor"] = ""
    now = copy.deepcopy(info)
    now["machine"]["hypervisor"] = "hidden"
    assert instance.run_name(now) == instance.run_name(info)
    assert instance.changes(info, now) == []


@pytest.mark.parametrize("name", ["host", "allowed"])
def test_what_a_run_does_not_tell_has_changed(info, name):
    before = copy.deepcopy(info)
    del before["machine"][name]
    (told,) = instance.changes(before, info)
    assert "(none, now " in told


@pytest.mark.parametrize("gigabytes", [1, 2, 4, 8, 16, 32, 64, 128, 256])
def test_a_few_megabytes_more_or_less_are_the_same_memory(gigabytes):
    """A kernel keeps 1.6 % for its pages and some megabytes for itself."""
    told = round(gigabytes * (1 << 30) * 0.975)
    few = min(64 << 20, told // 100)
    assert instance.rounded(told - few) == instance.rounded(told) == instance.rounded(told + few)
    assert instance.rounded(told) != instance.rounded(round(told * 1.15)) != instance.rounded(round(told * 1.3))


def test_a_run_from_before_hosts_were_recorded_keeps_its_name(info):
    del info["machine"]["host"]
    assert instance.run_name(info) == "quick-0123456789ab"
