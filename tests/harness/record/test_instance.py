"""Which instance of a machine a run is of: the same where nothing changed, another wherever something did."""

import copy
import re
from dataclasses import replace

import pytest

from harness.record import instance
from harness.record.run import Cache
from harness.record.store import read_record


@pytest.fixture
def run(make_run):
    record = read_record(make_run(parts=("algorithms",), lengths=(4096,)))
    return on(record, host="a" * 32, allowed=(0, 1), content_hash="0123456789ab" + "0" * 52)


def on(run, **changed):
    """The run with these values, each in the part of it that has one of this name."""
    for name, value in changed.items():
        part = next(part for part in ("machine", "memory", "threads", "") if hasattr(getattr(run, part, run), name))
        run = replace(run, **({part: replace(getattr(run, part), **{name: value})} if part else {name: value}))
    return run


CHANGES = {
    "host": {"host": "f" * 32},
    "kernel": {"kernel": "7.0.1"},
    "processor": {"brand": "another"},
    "ISAs": {"isas": ("scalar",)},
    "caches": {"caches": (Cache(1, 1 << 15, 2, False),)},
    "cores": {"cores": 77},
    "threads": {"threads": 154},
    "memory": {"memory_bytes": 16 * 2**30},
    "hypervisor": {"hypervisor": "another"},
    "allowed processors": {"allowed": (77,)},
    "measured processor": {"cpu": 0},
    "processors of threads": {"cpus": (1,)},
}


def test_every_fact_is_tried(run):
    assert list(CHANGES) == list(instance.facts(run))


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_of_another_instance_has_another_name_and_what_changed_is_told(run, name):
    assert re.fullmatch("quick-0123456789ab-[0-9a-f]{6}", instance.run_name(run))
    now = on(run, **CHANGES[name])
    assert instance.run_name(now) != instance.run_name(run) == instance.run_name(copy.deepcopy(run))
    assert instance.content_name(now) == instance.content_name(run)
    (told,) = instance.changes(run, now)
    assert re.fullmatch(rf"{name} \(.+, now .+\)", told)
    assert instance.changes(run, run) == []


def test_a_hypervisor_that_is_known_by_its_time_alone_makes_no_other_instance(run):
    run = on(run, hypervisor="")
    now = on(run, hypervisor="hidden")
    assert instance.run_name(now) == instance.run_name(run)
    assert instance.changes(run, now) == []


@pytest.mark.parametrize("name", ["host", "allowed"])
def test_what_a_run_does_not_tell_has_changed(run, name):
    (told,) = instance.changes(on(run, **{name: None}), run)
    assert "(none, now " in told


@pytest.mark.parametrize("gigabytes", [1, 2, 4, 8, 16, 32, 64, 128, 256])
def test_a_few_megabytes_more_or_less_are_the_same_memory(gigabytes):
    """A kernel keeps 1.6 % for its pages and some megabytes for itself."""
    told = round(gigabytes * (1 << 30) * 0.975)
    few = min(64 << 20, told // 100)
    assert instance.rounded(told - few) == instance.rounded(told) == instance.rounded(told + few)
    assert instance.rounded(told) != instance.rounded(round(told * 1.15)) != instance.rounded(round(told * 1.3))


def test_a_further_run_has_an_ordinal_and_a_seed_of_its_own(run):
    first, second = instance.numbered(run, 1), instance.numbered(run, 2)
    assert first.name == instance.run_name(run)
    assert second.name == f"{first.name}-2" == instance.run_name(run, 2)
    assert second.seed != first.seed == instance.numbered(run, 1).seed
    assert (instance.ordinal_of(first.name), instance.ordinal_of(second.name)) == (1, 2)
    assert instance.ordinal_of("quick-0123456789ab") == instance.ordinal_of("quick-0123456789ab-123456") == 1
    assert replace(second, name=first.name, seed=first.seed) == first


def test_a_run_from_before_hosts_were_recorded_keeps_its_name(run):
    assert instance.run_name(on(run, host=None)) == "quick-0123456789ab"
