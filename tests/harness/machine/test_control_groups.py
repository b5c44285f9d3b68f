"""Limits of control groups, in either version and in both at once."""

import pytest

from harness.machine import control_groups

GIB = 1 << 30


@pytest.fixture
def groups(tmp_path):
    """A /sys/fs/cgroup and a /proc/self/cgroup of the test's own."""

    def write(own, **files):
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content}\n")
        return tmp_path / "root", tmp_path / "own"

    return write


@pytest.mark.parametrize(
    ("content", "granted"),
    [
        ("max 100000", None),
        ("150000 100000", 1.5),
        ("400000 100000", 4),
        ("50000 100000", 0.5),
        ("50000 0", None),  # no period
        ("100000", None),
        ("many 100000", None),
        ("", None),
        (f"{'9' * 5000} 100000", None),
        ("1\0 100000", None),
    ],
)
def test_the_time_that_version_2_grants(groups, content, granted):
    assert control_groups.quota(*groups("", **{"cpu.max": content})) == granted


@pytest.mark.parametrize(
    ("quota", "period", "granted"), [("200000", "100000", 2), ("-1", "100000", None), ("200000", "0", None)]
)
@pytest.mark.parametrize("mounted", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
@pytest.mark.parametrize("listed", ["cpu,cpuacct", "cpuacct,cpu"])
def test_the_time_that_version_1_grants_in_whichever_order_the_controllers_stand(
    groups, quota, period, granted, mounted, listed
):
    files = {f"{mounted}/job/cpu.cfs_quota_us": quota, f"{mounted}/job/cpu.cfs_period_us": period}
    assert control_groups.quota(*groups(f"3:{listed}:/job\n", **files)) == granted


def test_the_smallest_limit_of_the_groups_above_counts(groups):
    files = {"slice/cpu.max": "300000 100000", "slice/job/cpu.max": "max 100000"}
    files |= {"slice/memory.max": f"{2 * GIB}", "slice/job/memory.max": "max"}
    found = groups("0::/slice/job\n", **files)
    assert control_groups.quota(*found) == 3
    assert control_groups.memory_limit(*found) == 2 * GIB


def test_memory_of_version_1_is_limited_below_the_root_too(groups):
    files = {"memory/memory.limit_in_bytes": f"{(1 << 63) - 4096}", "memory/job/memory.limit_in_bytes": f"{GIB}"}
    assert control_groups.memory_limit(*groups("4:memory:/job\n", **files)) == GIB


@pytest.mark.parametrize("names", control_groups.USED, ids=("version 2", "version 1"))
def test_what_is_left_is_the_limit_less_what_others_hold_but_for_idle_copies_of_files(groups, names):
    most, used = names
    controllers, top = ("", "slice") if most == "memory.max" else ("memory", "memory/slice")
    files = {f"{top}/{most}": 8 * GIB, f"{top}/{used}": 6 * GIB, f"{top}/memory.stat": f"file 9\ninactive_file {GIB}"}
    files |= {f"{top}/job/{most}": 4 * GIB, f"{top}/job/{used}": 5 * GIB}
    found = groups(f"0:{controllers}:/slice\n", **files)
    assert control_groups.memory_left(*found) == 3 * GIB
    assert control_groups.memory_left(*groups(f"0:{controllers}:/slice/job\n")) == 0
    assert control_groups.memory_limit(*found) == 4 * GIB


def test_a_hybrid_set_up_has_its_unified_tree_in_a_folder(groups):
    files = {"unified/slice/cpu.max": "200000 100000", "unified/slice/memory.max": f"{GIB}", "cpu/tasks": ""}
    found = groups("1:name=systemd:/slice\n0::/slice\n", **files)
    assert control_groups.quota(*found) == 2
    assert control_groups.memory_limit(*found) == GIB


def test_lines_that_make_no_sense_limit_nothing(groups):
    own = "nonsense\n\n0:\n0::\n0::/a\0b\n0::/../../elsewhere\n::::\n4:memory:/job\n"
    files = {"memory.max": "plenty", "memory/job/memory.limit_in_bytes": "-1"}
    found = groups(own, **files)
    assert control_groups.memory_limit(*found) is None
    assert control_groups.quota(*found) is None


def test_where_there_are_no_groups_nothing_is_limited(tmp_path):
    assert control_groups.quota(tmp_path / "none", tmp_path / "none") is None
    assert control_groups.memory_limit(tmp_path / "none", tmp_path / "none") is None
    assert control_groups.memory_left(tmp_path / "none", tmp_path / "none") is None
