"""Which processors threads go to."""

import pytest

from harness import topology


@pytest.fixture
def two_cores(tmp_path):
    """Two cores of two threads each: 0 and 2 are siblings, and so are 1 and 3."""
    for cpu in range(4):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text("0\n")
        (folder / "core_id").write_text(f"{cpu % 2}\n")
    return tmp_path


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


@pytest.mark.parametrize(
    ("content", "granted"), [("max 100000", None), ("150000 100000", 1), ("400000 100000", 4), ("50000 100000", 1)]
)
def test_a_limit_of_the_control_group_is_respected(tmp_path, content, granted):
    (tmp_path / "cpu.max").write_text(content)
    assert topology.quota(tmp_path, tmp_path / "none") == granted


def test_the_smallest_limit_of_the_groups_above_counts(tmp_path):
    (tmp_path / "slice" / "job").mkdir(parents=True)
    (tmp_path / "slice" / "cpu.max").write_text("300000 100000")
    (tmp_path / "slice" / "job" / "cpu.max").write_text("max 100000")
    (tmp_path / "own").write_text("0::/slice/job\n")
    assert topology.quota(tmp_path, tmp_path / "own") == 3


def test_a_limit_of_version_1_is_read_too(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("200000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert topology.quota(tmp_path, tmp_path / "none") == 2
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert topology.quota(tmp_path, tmp_path / "none") is None
    assert topology.quota(tmp_path / "nowhere", tmp_path / "none") is None


def test_what_limits_the_threads_is_told(monkeypatch):
    monkeypatch.setattr(topology.os, "sched_getaffinity", lambda _: {0, 1, 2})
    monkeypatch.setattr(topology.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(topology, "quota", lambda: 2)
    order, limit = topology.usable(2)
    assert order[0] == 2
    assert len(order) == 2
    assert limit == "the affinity mask allows 3 of 8 processors; the control group grants the time of 2"


@pytest.mark.parametrize(
    ("most", "counts"), [(1, [1]), (2, [1, 2]), (12, [*range(1, 9), 12]), (44, [*range(1, 9), 16, 32, 44])]
)
def test_the_numbers_of_threads_grow_to_all(most, counts):
    assert topology.counts(most) == counts
