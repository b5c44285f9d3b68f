"""A run's types: read from what run.json says, written as it is read."""

import math
from dataclasses import replace

from harness.record.run import Peers, Protocol, content_of, record_of
from harness.record.samples import Run


def test_a_record_is_written_as_it_is_read(full_run: Run) -> None:
    content = content_of(full_run)
    again = record_of(content)
    assert content_of(again) == content
    assert again.machine == full_run.machine and again.experiments == full_run.experiments


def test_what_was_not_told_is_not_written(full_run: Run) -> None:
    assert full_run.machine.host is None
    assert "host" not in content_of(full_run)["machine"]


def test_a_control_has_the_passes_of_its_algorithm_and_a_peer_none(full_run: Run) -> None:
    assert full_run.passes_of("two-pass-again") == full_run.algorithms["two-pass"]
    assert full_run.passes_of("two-pass", "ext_sum") == ("ext_sum",)
    assert full_run.passes_of("numpy") == ()


def test_lengths_are_out_of_cache_where_more_than_l2_and_l3_hold_is_read(full_run: Run) -> None:
    machine = full_run.machine
    assert machine.holds_bytes == 33 * 2**20 and machine.last_cache_bytes == machine.cache_bytes(3) == 2**25
    assert not machine.is_out_of_cache(machine.holds_bytes // 4)
    assert machine.is_out_of_cache(machine.holds_bytes // 4 + 1)


def test_what_an_old_run_does_not_tell_has_no_key_and_asks_for_nothing(full_run: Run) -> None:
    content = content_of(replace(full_run, protocol=Protocol("quick"), peers=Peers()))
    assert {"half_width_percent", "sample_milliseconds"}.isdisjoint(content["protocol"])
    assert (content["protocol"]["processes"], content["peers"]) == ({"least": 1}, {"libraries": {}})
    again = record_of(content).protocol
    assert (again.processes.most, again.half_width_percent) == (math.inf, math.inf)
