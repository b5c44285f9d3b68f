"""Old versions of run.json become the current one."""

import json

import pytest

from harness.record.files import ROOT
from harness.record.run import SCHEMA_VERSION, record_of
from harness.record.upgrade import upgrade

RECORDED = sorted((ROOT / "results" / "recorded").glob("*/*/run.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_a_recorded_run_has_what_the_current_version_has(path):
    old = json.loads(path.read_text())
    record = record_of(upgrade(old))
    assert old["schema_version"] == 1 and upgrade(old)["schema_version"] == SCHEMA_VERSION
    assert record.primary == next(iter(old["compilers"]))
    assert record.kernels["copy_nt"].non_temporal and not record.kernels["copy"].non_temporal
    assert record.kernels["exp_sum"].computes and not record.kernels["load"].computes
    assert all(record.kernels[its.twin_of].twin_of == "" for its in record.kernels.values() if its.twin_of)
    assert record.protocol.processes.least >= 8 and record.memory.cpu in record.threads.cpus


def test_what_does_not_fit_its_version_is_left_to_the_schema():
    broken = {"schema_version": 1, "kernels": 7, "algorithms": {"two-pass": 3}, "compilers": [], "accuracy": None}
    upgraded = upgrade(broken)
    assert upgraded["kernels"] == 7 and upgraded["accuracy"] is None
