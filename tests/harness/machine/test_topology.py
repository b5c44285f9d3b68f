"""Which processors threads go to."""

import pytest

from harness.machine import topology


@pytest.fixture
def system(tmp_path):
    """A /sys/devices/system/cpu of the test's own: writes files of a processor."""

    def write(cpu, files):
        for name, content in files.items():
            path = tmp_path / f"cpu{cpu}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content}\n")

    write.folder = tmp_path
    return write


def cache(level, kib, cpus):
    """The files of a cache."""
    content = {"type": "Unified", "level": level, "size": f"{kib}K", "shared_cpu_list": cpus}
    return {f"cache/index{level}/{name}": value for name, value in content.items()}


@pytest.fixture
def two_cores(system):
    """Two cores of two threads each: 0 and 2 are siblings, and so are 1 and 3."""
    for cpu in range(4):
        system(cpu, {"topology/core_cpus_list": f"{cpu % 2},{cpu % 2 + 2}"})
    return system.folder


@pytest.mark.parametrize(
    ("allowed", "first", "order"),
    [
        ({0, 1, 2, 3}, 3, [3, 2, 1, 0]),  # one of each core, then their siblings
        ({0, 1, 2, 3}, 0, [0, 3, 2, 1]),
        ({1, 3}, 3, [3, 1]),  # a mask may leave siblings only
        ({2}, 2, [2]),
    ],
)
def test_every_core_gets_a_thread_before_any_gets_two(two_cores, allowed, first, order):
    assert topology.pinning_order(allowed, first, two_cores) == order


def test_without_topology_every_processor_is_a_core(tmp_path):
    assert topology.pinning_order({0, 1, 2}, 1, tmp_path) == [1, 2, 0]


def test_cores_whose_numbers_repeat_in_each_die_are_told_apart(system):
    for cpu in range(4):  # two dies of two cores each
        system(cpu, {"topology/core_id": cpu % 2, "topology/physical_package_id": 0, "topology/core_cpus_list": cpu})
    assert topology.cores(system.folder) == 4
    assert topology.pinning_order(range(4), 3, system.folder) == [3, 2, 1, 0]


def test_an_older_system_lists_siblings_under_another_name(system):
    for cpu in range(4):
        system(cpu, {"topology/thread_siblings_list": f"{cpu % 2},{cpu % 2 + 2}"})
    assert topology.cores(system.folder) == 2
    assert topology.core_of(3, system.folder) == {1, 3}


def test_what_limits_the_threads_is_told(monkeypatch):
    monkeypatch.setattr(topology.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(topology.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(topology.control_groups, "quota", lambda: 2.5)
    order, limit = topology.usable(topology.Choice(2, (0, 1, 2), "performance core"))
    assert order[0] == 2
    assert len(order) == 2
    assert limit == (
        "the affinity mask allows 4 of 8 processors; 1 are of another kind (performance cores are measured); "
        "the control group grants the time of 2.5"
    )


PLAIN = {(7, 0): (0, 0, 0, 0)}
"""CPUID of a processor that is no hybrid."""


def intel_core(kind):
    return {(7, 0): (0, 0, 0, 1 << 15), (0x1A, 0): (kind << 24, 0, 0, 0)}


def amd_core(kind):
    return {(0x80000026, 0): (1 << 30, kind << 28, 0, 0)}


def chosen(system, tables, allowed=None):
    """The choice among processors with these tables of CPUID."""

    def cpuid_on(cpu):
        return lambda leaf, subleaf: tables[cpu].get((leaf, subleaf), (0, 0, 0, 0))

    return topology.choose(allowed or range(len(tables)), cpuid_on, system.folder)


@pytest.mark.parametrize(
    ("performance", "efficiency"), [(intel_core(0x40), intel_core(0x20)), (amd_core(0), amd_core(1))]
)
def test_of_a_hybrid_processor_a_performance_core_is_measured(system, performance, efficiency):
    """Alder Lake and its kind number their efficiency cores last."""
    tables = [performance] * 4 + [efficiency] * 4
    assert chosen(system, tables) == topology.Choice(3, (0, 1, 2, 3), "performance core")
    assert chosen(system, tables, {1, 5, 6}) == topology.Choice(1, (1,), "performance core")
    assert chosen(system, tables, {5, 6}) == topology.Choice(6, (5, 6), "efficiency core")


def test_low_power_cores_without_a_last_level_cache_are_another_kind(system):
    for cpu in range(4):
        system(cpu, cache(2, 2048, "0-3") | (cache(3, 24576, "0-3") if cpu < 2 else {}))
    assert chosen(system, [intel_core(0x20)] * 4) == topology.Choice(1, (0, 1), "efficiency core")


def test_a_cache_that_efficiency_cores_share_does_not_make_them_performance_cores(system):
    """Alder Lake, where a hypervisor or an old kernel hides the types."""
    for cpu in range(8):
        core = f"{cpu // 2 * 2}-{cpu // 2 * 2 + 1}" if cpu < 4 else cpu
        second = cache(2, 1280, core) if cpu < 4 else cache(2, 2048, "4-7")
        clock = 5_000_000 if cpu < 4 else 3_900_000
        files = {"topology/core_cpus_list": core, "cpufreq/cpuinfo_max_freq": clock}
        system(cpu, second | cache(3, 30720, "0-7") | files)
    assert chosen(system, [PLAIN] * 8) == topology.Choice(3, (0, 1, 2, 3), "core with the largest cache")


@pytest.mark.parametrize(
    "text", ["3-1", "0--3", "1-2-5", "-1", "1-", "", "1,,2", "a", "1_0", "0-99999999999", "9" * 500]
)
def test_a_list_that_makes_no_sense_is_refused_and_the_system_tells_nothing(system, text):
    with pytest.raises(ValueError, match="is no range of numbers"):
        topology.listed(text)
    system(0, {"topology/core_cpus_list": text} | cache(2, 1024, text))
    assert topology.core_of(0, system.folder) == {0}
    assert topology.caches(0, system.folder) == []


def test_of_two_dies_the_one_with_the_larger_cache_is_measured(system):
    for cpu in range(8):
        low, die = cpu // 4 * 4, f"{cpu // 4 * 4}-{cpu // 4 * 4 + 3}"
        system(cpu, cache(2, 1024, cpu) | cache(3, 98304 if low == 0 else 32768, die))
    assert chosen(system, [PLAIN] * 8) == topology.Choice(3, (0, 1, 2, 3), "core with the largest cache")
    assert chosen(system, [PLAIN] * 8, range(4, 8)) == topology.Choice(7, (4, 5, 6, 7), "")
    assert topology.last_level_caches(range(8), system.folder) == 2
    assert topology.last_level_caches(range(4), system.folder) == 1


@pytest.mark.parametrize("file", ["cpufreq/cpuinfo_max_freq", "acpi_cppc/highest_perf"])
def test_of_cores_that_differ_in_their_clock_alone_the_fastest_is_measured(system, file):
    for cpu, clock in enumerate([4_900, 5_000, 3_500, 3_500]):
        system(cpu, {file: clock})
    assert chosen(system, [PLAIN] * 4) == topology.Choice(1, (0, 1), "core with the highest clock")


def test_of_cores_that_are_alike_the_last_is_measured(system):
    for cpu in range(4):
        system(cpu, cache(3, 32768, "0-3"))
    assert chosen(system, [PLAIN] * 4, {0, 1, 2}) == topology.Choice(2, (0, 1, 2), "")
    assert chosen(system, [PLAIN] * 4, {0}).cpu == 0


def test_a_system_that_tells_of_no_caches_is_no_hybrid(tmp_path):
    assert topology.caches(0, tmp_path) == []
    assert topology.last_level_caches(range(4), tmp_path) == 0
    assert topology.cores(tmp_path) == "unknown"


def test_this_thread_stays_where_it_was_when_processors_were_asked(host):
    before = topology.os.sched_getaffinity(0)
    choice = host.choice()
    assert choice.cpu in choice.alike
    assert set(choice.alike) <= before
    assert host.processor().llc_count >= 1
    assert topology.os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("most", "counts"), [(1, [1]), (2, [1, 2]), (12, [*range(1, 9), 12]), (44, [*range(1, 9), 16, 32, 44])]
)
def test_the_numbers_of_threads_grow_to_all(most, counts):
    assert topology.counts(most) == counts
