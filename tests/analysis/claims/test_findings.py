"""What findings of our own measure, by times that are known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.claims import findings
from analysis.claims.claims import load_claims
from analysis.claims.told import report
from analysis.claims.verdicts import compare, judge, of_machine
from harness.reading.evidence import Evidence
from harness.reading.frontier import NEXT_RUN
from harness.reading.trust import Verdict
from harness.record.errors import MissingRows
from harness.statistics.intervals import bounds
from tests.harness.reading.test_frontier import exact
from tests.planted import run_that_says

TIMES = {
    "three-pass-recompute": (9.0, 8.0),
    "three-pass-reload": (8.0, 7.5),
    "two-pass": (8.5, 6.0),
    "three-pass-recompute-nt": (12.0, 7.0),
    "two-pass-nt": (12.0, 4.0),
    "block-reload": (8.08, 7.0),
    "two-pass-nt-prefetch": (12.5, 3.2),
}


@pytest.fixture
def run(full_run):
    algorithms = dict.fromkeys(TIMES, ("ext_scale_nt",)) | full_run.algorithms
    return exact(dataclasses.replace(full_run, algorithms=algorithms), TIMES)


def test_an_algorithm_is_compared_with_another_out_of_cache(run):
    found = findings.faster_than(run, "avx2", "two-pass-nt", "two-pass")
    assert (found.value, found.low, found.high) == pytest.approx((50, 50, 50))
    assert findings.faster_than(run, "avx2", "block-reload", "two-pass").value == pytest.approx(100 * (6 / 7 - 1))
    assert found.detail == "at 33.6M elements; 7 processes, gcc"
    assert findings.faster_than(run, "avx2", "two-pass-nt-prefetch", "two-pass-nt").value == pytest.approx(25)


def test_a_lead_grows_from_the_better_three_pass_to_the_one_with_the_same_stores(run):
    found = findings.lead_by_stores(run, "avx2")
    assert found.value == pytest.approx(100 * ((7 / 4) / (7.5 / 6) - 1))
    assert found.detail.startswith("with plain stores over reloading; ")


def test_in_cache_the_worst_length_tells_how_far_an_algorithm_is_behind(run):
    rows = run.samples.assign(
        cache_state=run.samples["cache_state"].where(run.samples["experiment"] != "frontier", "reused")
    )
    warm = dataclasses.replace(run, samples=rows)
    assert findings.behind_fastest(Evidence((warm,)), "avx2", "block-reload").value == pytest.approx(1)
    assert findings.behind_fastest(Evidence((warm,)), "avx2", "three-pass-reload").value == 0
    with pytest.raises(MissingRows, match="block-reload was not measured in L2 with a warm output in AVX2"):
        findings.behind_fastest(Evidence((run,)), "avx2", "block-reload")


def test_the_fastest_in_cache_may_be_behind_by_what_the_nearest_one_leaves_open(run, monkeypatch):
    each = [
        (1024, "block-reload", "block-reload", 1.0, 1.0, 1.0),
        (1024, "two-pass", "block-reload", 1.2, 1.1, 1.3),
        (1024, "three-pass-reload", "block-reload", 1.05, 0.9, 1.2),
        (16384, "block-reload", "two-pass", 1.01, 0.99, 1.06),
        (16384, "two-pass", "two-pass", 1.0, 1.0, 1.0),
    ]
    columns = ["elements", "algorithm", "fastest", *bounds("relative_time")]
    table = pd.DataFrame(each, columns=columns).assign(
        isa="avx2", threads=1, output="warm", confidence=0.99, processes=8, **dict.fromkeys(NEXT_RUN, np.nan)
    )
    monkeypatch.setattr(findings, "pooled_frontier", lambda _: table)
    found = findings.behind_fastest(Evidence((run,)), "avx2", "block-reload")
    # The largest of both lengths: behind by 1 %, or where it is the fastest by up to 1 / 0.9.
    assert (found.value, found.low, found.high) == pytest.approx((1, 0, 100 / 0.9 - 100))
    assert (found.confidence, found.next_run) == (pytest.approx(0.98), None)
    claim = next(claim for claim in load_claims() if claim.id == "blocks-in-cache-avx2")
    assert compare(claim, found, Verdict(0.0, "", (), {}, ""))[0] == "inconclusive"


def test_the_limit_is_reached_to_the_share_that_its_loops_take(run):
    assert findings.limit_reached(run, "avx2", "two-pass-nt").value == pytest.approx(75)


def test_runs_are_pooled_and_how_they_differ_is_in_the_interval(run):
    of = ("avx2", "two-pass-nt", "two-pass")
    faster, slower = (
        exact(
            run_that_says(run, run=f"quick-{place:012x}", kernels_hash="a" * 64), TIMES | {"two-pass-nt": (12.0, far)}
        )
        for place, far in enumerate((4.0, 5.0))
    )
    alone, both = (
        findings.pooled(findings.faster_than, body, *of) for body in (Evidence.of([faster]), Evidence((faster, slower)))
    )
    assert (alone.value, alone.next_run) == (pytest.approx(50), None)
    # Half-way between 6/4 and 6/5 by logarithms.
    assert both.value == pytest.approx(100 * ((1.5 * 1.2) ** 0.5 - 1), abs=0.01)
    assert both.low < 20 and both.high > 50
    assert both.next_run[0] <= both.low and both.next_run[1] >= both.high
    # However few processes the newest has.
    few = exact(run_that_says(run, run=f"quick-{2:012x}", kernels_hash="a" * 64), TIMES, processes=5)
    assert findings.faster_than(few, *of).confidence < 0.95
    three = Evidence((few, faster, slower))
    assert findings.pooled(findings.faster_than, three, *of).confidence == 0.95


def test_what_was_not_measured_has_no_number(run):
    for pair in (("online", "two-pass"), ("two-pass", "online")):
        with pytest.raises(MissingRows, match="no rows of the algorithm 'online' in the frontier"):
            findings.faster_than(run, "avx2", *pair)


def test_reports_tell_the_papers_claims_from_ours(full_run):
    run = exact(full_run)
    ours = [claim for claim in load_claims() if claim.whose == "ours"]
    assert ours and all(claim.isa and claim.machine is None for claim in ours)
    paper = next(claim for claim in load_claims() if claim.whose == "paper")
    judgements = [judge(claim, "m", Evidence.of([run]), True) for claim in (paper, *ours)]
    text = report(judgements, [of_machine([], "m", [run])])
    first, second = text.split("## Findings of our own")
    assert f"| {paper.id} |" in first and "stores-past-caches-avx2" not in first
    assert "| stores-past-caches-avx2 | m | **reproduced** |" in second
