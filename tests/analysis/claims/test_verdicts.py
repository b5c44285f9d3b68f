"""Verdicts: what a run says about each claim, and that a claim can fail."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import ndtri

from analysis.claims import told
from analysis.claims import verdicts as judging
from analysis.claims.claims import CLAIMS, Claim, load_claims
from analysis.claims.measured import Measured
from analysis.claims.verdicts import compare, strict_status
from harness.reading.evidence import furthest
from harness.reading.pooling import pool, spreads
from harness.reading.trust import Verdict
from harness.record.errors import BadConfiguration
from harness.record.machines import load_machines
from harness.record.run import plain
from harness.record.samples import load_run
from harness.statistics.intervals import order_statistics
from tests.planted import body_of_evidence, judge_all, run_that_says

QUIET = Verdict(0.5, "", (), {}, "")
SKYLAKE = load_machines()["skylake-x"]


def claim(**changed):
    base = Claim("c", "says", "abstract", None, "avx2", "largest-speedup-percent", 18.0, "within", 5.0, "reason")
    return replace(base, **changed)


def measured(value, half_width=1.0, confidence=0.96, **changed):
    return Measured(value, value - half_width, value + half_width, confidence, "detail", **changed)


@pytest.mark.parametrize(
    ("agrees", "value", "verdict"),
    [
        ("within", 18, "reproduced"),
        ("within", 21.5, "reproduced"),  # [20.5, 22.5] and a noise floor of 0.5 end at the tolerance
        ("within", 22, "inconclusive"),
        ("within", 24.6, "not reproduced"),
        ("within", 24.4, "inconclusive"),
        ("within", 11, "not reproduced"),
        ("above", 20, "reproduced"),
        ("above", 19, "inconclusive"),  # the noise floor lies within [18, 20]
        ("above", 17, "inconclusive"),  # so it does below
        ("above", 16, "not reproduced"),
        ("at-most", 3, "reproduced"),
        ("at-most", 23.5, "inconclusive"),
        ("at-most", 30, "not reproduced"),
    ],
)
def test_a_claim_is_reproduced_where_the_whole_interval_agrees(agrees, value, verdict):
    assert compare(claim(agrees=agrees), measured(value), QUIET)[0] == verdict


def test_what_must_be_above_a_limit_is_not_there_at_it():
    silent = replace(QUIET, floor_percent=0.0)
    for low, verdict in ((0.0, "inconclusive"), (0.1, "reproduced")):
        assert compare(claim(agrees="above", value=0.0, tolerance=0.0), measured(low + 1), silent)[0] == verdict


def test_a_speedup_below_the_noise_floor_is_none():
    wins = claim(agrees="above", value=0.0)
    assert compare(wins, measured(2, 1), QUIET)[0] == "reproduced"
    assert compare(wins, measured(2, 1), replace(QUIET, floor_percent=1.5))[0] == "inconclusive"
    # The noisier the machine, the less it says: not that there is none, either.
    assert compare(wins, measured(2, 1), replace(QUIET, floor_percent=4))[0] == "inconclusive"
    assert compare(wins, measured(-6, 1), replace(QUIET, floor_percent=4))[0] == "not reproduced"


def test_what_is_off_where_a_claim_is_measured_bears_on_it():
    floors = {"out of cache": 0.5, "beyond L2": 12.0}
    found = replace(QUIET, floor_percent=12.0, floors=floors)
    wins = claim(agrees="above", value=0.0)
    assert compare(wins, measured(2, 1, region="out of cache"), found)[0] == "reproduced"
    assert compare(wins, measured(2, 1, region="beyond L2"), found)[0] == "inconclusive"
    assert compare(wins, measured(2, 1, region="in L2"), found)[0] == "inconclusive"


def test_a_failed_null_test_leaves_every_measured_verdict_open():
    doubtful = replace(QUIET, faults=("4 of 4 comparisons show a difference",))
    assert compare(claim(), measured(18), doubtful) == (
        "inconclusive", "4 of 4 comparisons show a difference; detail",
    )  # fmt: skip
    assert compare(claim(), measured(18, 0, is_counted=True), doubtful)[0] == "reproduced"


def test_an_isa_that_resolves_too_little_leaves_only_its_own_verdicts_open():
    blind = replace(QUIET, unresolved={"avx2": "a planted 5 % was not seen"})
    assert compare(claim(), measured(18), blind)[0] == "inconclusive"
    assert compare(claim(isa="avx512f"), measured(18), blind)[0] == "reproduced"


def only_avx2(run):
    """The run with the rows of AVX2 alone."""
    return replace(run, samples=run.samples[run.samples["isa"] == "avx2"])


def test_of_several_runs_the_one_with_a_null_test_answers_and_then_the_one_that_can(epyc):
    newer = run_that_says(epyc, controls={}, run="quick-000000000000")
    claims = [c for c in load_claims() if c.id.startswith("memory-bound")]
    found = judge_all(claims, {"m": [newer, epyc]})
    assert {j.run for j in found if j.machine == "m"} == {epyc.name}
    found = {j.claim.id: j for j in judge_all(claims, {"m": [only_avx2(epyc), newer]}) if j.machine == "m"}
    assert found["memory-bound-avx2"].verdict == "not reproduced"
    assert found["memory-bound-avx512"].run == "quick-000000000000"


def test_a_verdict_that_one_more_run_could_turn_is_inconclusive():
    sure = measured(18, next_run=(15.0, 21.0))
    assert compare(claim(), sure, QUIET)[0] == "reproduced"
    verdict, reason = compare(claim(), measured(18, next_run=(12.0, 24.0)), QUIET)
    assert verdict == "inconclusive"
    assert reason.startswith("one more run could turn this: it would find +12.0 to +24.0 %; noise floor 0.5 %")
    assert compare(claim(), measured(30, next_run=(22.0, 38.0)), QUIET)[0] == "inconclusive"
    assert compare(claim(), measured(30, next_run=(27.0, 33.0)), QUIET)[0] == "not reproduced"


def test_runs_of_the_same_kernels_are_judged_together_and_the_reason_names_them(epyc):
    runs = body_of_evidence(only_avx2(epyc), (-1, 0, 1))
    found = {j.claim.id: j for j in judge_all(load_claims(), {"m": runs}) if j.machine == "m"}
    wins = found["broadwell-wins"]
    assert wins.run == "quick-000000000000 quick-000000000001 quick-000000000002"
    assert wins.reason.endswith("3 runs: quick-000000000000, quick-000000000001, quick-000000000002")
    assert wins.measured.next_run[0] < wins.measured.low < wins.measured.value < wins.measured.high
    slowest = found["memory-bound-avx2"].measured  # the passes are the same in each
    assert slowest.next_run[0] <= slowest.low and slowest.high <= slowest.next_run[1]
    (alone,) = (j for j in judge_all([wins.claim], {"m": runs[:1]}) if j.machine == "m")
    assert alone.reason.endswith("quick-000000000000: one run; how much runs differ is not known")
    assert alone.measured.next_run is None


def test_runs_that_differ_much_leave_open_what_each_of_them_would_decide(epyc):
    runs = body_of_evidence(epyc, (-12, 0, 12))
    wins = [c for c in load_claims() if c.id == "broadwell-wins"]
    each = [j.verdict for run in runs for j in judge_all(wins, {"m": [run]}) if j.machine == "m"]
    assert "generalizes" in each
    assert [j.verdict for j in judge_all(wins, {"m": runs}) if j.machine == "m"] == ["inconclusive"]


def test_a_run_that_is_off_elsewhere_leaves_what_all_decide(epyc):
    runs = body_of_evidence(only_avx2(epyc), (-1, 0, 1, -1, 0, 1))
    loud = runs[0].samples.copy()
    moved = (loud["algorithm"] == "two-pass-moved") & (loud["elements"] < 1_000_000)
    loud.loc[moved, "nanoseconds"] = (1.4 * loud.loc[moved, "nanoseconds"]).astype("int64")
    runs[0] = replace(runs[0], samples=loud)
    wins = [c for c in load_claims() if c.id == "broadwell-wins"]
    (alone,) = (j for j in judge_all(wins, {"m": runs[:1]}) if j.machine == "m")
    assert alone.verdict == "inconclusive" and alone.reason.startswith("interval and noise floor reach both sides")
    (together,) = (j for j in judge_all(wins, {"m": runs}) if j.machine == "m")
    assert together.verdict == "generalizes"


NULLS, LENGTHS = [("avx2", 0), ("avx2", 1), ("avx512f", 0), ("avx512f", 1)], 3
"""Comparisons of what is equal, where the claim is, and the claim's own lengths."""


def test_what_was_looked_at_run_by_run_is_judged_alike_and_not_looked_at_again(epyc):
    claims, runs = load_claims(), body_of_evidence(only_avx2(epyc), (-1, 0, 1))
    alone = [replace(run) for run in runs]
    for run in runs:
        judging.look(claims, run)
    tables = {run.name: {key[0] for key in run.made} for run in runs}
    assert judging.of_machine(claims, "m", runs) == judging.of_machine(claims, "m", alone)
    for run in runs:
        of_run = {key[0] for key in run.made if key[1] == run.known_by}
        assert {make.__name__ for make in of_run - tables[run.name]} <= {"limit_shares"}


def simulated(random, truth):
    """The effects of six runs of which one is loud: of two processes of four times the noise, and five times as far
    off. Each comparison is off by some 1 % in all runs, and by as much in each; the claim is about this `truth`."""
    places = [*NULLS, *(("claim", length) for length in range(LENGTHS))]
    off = random.normal(0, 0.01, len(places)) + np.array([0.0] * len(NULLS) + [truth] * LENGTHS)
    rows = []
    for run in range(6):
        processes, noise, apart = (2, 0.04, 0.05) if run == 0 else (8, 0.01, 0.01)
        found = off + random.normal(0, apart, len(places))
        taken = np.sort(noise * (random.exponential(size=(processes, len(places))) - np.log(2)), axis=0)
        k, confidence = order_statistics(processes)
        variance = ((taken[-k] - taken[k - 1]) / 2 / ndtri((1 + confidence) / 2)) ** 2
        columns = zip(places, found + np.median(taken, axis=0), np.maximum(variance, 1e-12), strict=True)
        rows += [(*place, run, effect, its, processes) for place, effect, its in columns]
    return pd.DataFrame(rows, columns=["group", "point", "run", "effect", "variance", "processes"])


def judged(found):
    """What pooled evidence says of the claim that the effect at its first length is above 0."""
    by, group = ["group", "point"], ["group"]
    table = pool(found, by, group, spreads(found, by, group)).set_index(by)
    floor = 100 * furthest(table.drop("claim", level="group")["effect"])
    ends = 100 * table.loc[("claim", 0), ["effect", "low", "high", "next_low", "next_high"]].astype(float)
    its = Measured(*ends[:3], 0.95, "", next_run=(ends["next_low"], ends["next_high"]))
    return compare(claim(agrees="above", value=0.0), its, replace(QUIET, floor_percent=floor))[0]


def test_pooled_verdicts_are_hardly_ever_false_and_one_loud_run_leaves_them():
    random, bodies = np.random.default_rng(20200113), 30
    at_the_limit = [judged(simulated(random, 0.0)) for _ in range(bodies)]
    beyond = [judged(simulated(random, 0.12)) for _ in range(bodies)]
    assert at_the_limit.count("inconclusive") >= 0.95 * bodies
    assert beyond.count("reproduced") >= 0.8 * bodies and "not reproduced" not in beyond


def test_an_interval_of_too_few_processes_decides_nothing():
    verdict, reason = compare(claim(), measured(18, confidence=0.9375), QUIET)
    assert verdict == "inconclusive"
    assert reason.startswith("too few processes: the interval holds with 93.8 % only")


def test_the_files_claims_are_those_of_the_paper():
    found = {c.id: (c.machine, c.isa, c.value, c.origin) for c in load_claims()}
    assert found["skx-avx512"] == ("skylake-x", "avx512f", 28, "abstract")
    assert found["skx-avx2"] == ("skylake-x", "avx2", 18, "abstract")
    assert found["broadwell-wins"][:2] == ("broadwell", "avx2")
    assert found["zen2-wins"][:2] == ("zen2", "avx2")
    assert {"memory-bound-avx512", "memory-bound-avx2", "no-overflow"} < set(found)
    assert [found[f"traffic-{name}"][2] for name in ("recomputing", "reloading", "two-pass")] == [4, 5, 3]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"machine": "skylake"}, "machine: 'skylake' is not one of"),
        ({"id": "skx-avx2"}, "two claims are called 'skx-avx2'"),
        ({"quantity": "speed"}, "'speed' is not one of largest-speedup-percent"),
        (
            {"quantity": "faster-than-percent", "algorithm": "online"},
            "than: nothing is not one of three-pass-recompute",
        ),
        (
            {"quantity": "limit-reached-percent", "algorithm": "one-pass"},
            "algorithm: one-pass is not one of three-pass-",
        ),
        ({"than": "two-pass"}, "than: largest-speedup-percent asks for none"),
        ({"tolerance": -1}, "tolerance"),
        ({"colour": "red"}, "unknown key 'colour'"),
    ],
)
def test_a_file_of_claims_that_is_wrong_is_refused_in_one_line(tmp_path, changed, told):
    entries = yaml.safe_load(CLAIMS.read_text())
    file = tmp_path / "claims.yaml"
    file.write_text(yaml.safe_dump([{**entries[0], **changed}, *entries[1:]]))
    with pytest.raises(BadConfiguration, match=told) as error:
        load_claims(file)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def epyc(make_module_run):
    """A machine of the tests, with enough processes for a verdict."""
    return load_run(make_module_run(lengths=(4096, 100_000, 20_000_000, 56_000_000), processes=8, rounds=4))


@pytest.fixture(scope="module")
def skylake(epyc):
    """The same rows, as if they came from the paper's machine."""
    described = {
        **plain(epyc.machine), "name": "skylake-x", "brand": SKYLAKE.brand, "vendor": SKYLAKE.vendor,
        "family": SKYLAKE.family, "model": SKYLAKE.model, "stepping": SKYLAKE.steppings[0],
        "cores": SKYLAKE.cores, "threads": SKYLAKE.threads, "hypervisor": "",
        "caches": [
            {"level": c.level, "bytes": c.bytes, "shared_by_threads": c.shared_by_threads, "inclusive": False}
            for c in SKYLAKE.caches
        ],
    }  # fmt: skip
    return run_that_says(epyc, machine=described)


def test_what_an_emulator_with_the_papers_brand_measured_decides_nothing(skylake):
    machine = plain(skylake.machine) | {"emulator": "suspected: an FMA takes as long as 398 additions"}
    emulated = run_that_says(skylake, machine=machine)
    for judgement in judge_all(load_claims(), {"intel-xeon-w-2135-6-85": [emulated]}):
        assert judgement.verdict in ("inconclusive", "not run")
        if judgement.is_native and judgement.claim.machine == "skylake-x":
            assert judgement.verdict == "not run" and "is none: it is emulated (suspected: an FMA" in judgement.reason
        elif judgement.verdict == "inconclusive":
            assert "an emulator measured this (suspected: an FMA" in judgement.reason


def verdicts(judgements):
    return {(j.claim.id, j.machine): j.verdict for j in judgements}


def test_another_machine_never_answers_a_claim_about_skylake_x(epyc):
    found = verdicts(judge_all(load_claims(), {"amd-epyc-9r14-25-17": [epyc]}))
    for name in ("skx-avx512", "skx-avx2"):
        assert found[name, "skylake-x"] == "not run"
        assert found[name, "amd-epyc-9r14-25-17"] in ("generalizes", "does not generalize", "inconclusive")
    assert found["broadwell-wins", "broadwell"] == found["zen2-wins", "zen2"] == "not run"


def test_a_run_on_the_very_product_answers_and_the_same_microarchitecture_elsewhere_does_not(skylake):
    found = verdicts(judge_all(load_claims(), {"skylake-x": [skylake]}))
    assert found["skx-avx512", "skylake-x"] in ("reproduced", "not reproduced", "inconclusive")
    cousin = {**plain(skylake.machine), "brand": "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz"}
    other = run_that_says(skylake, machine=cousin)
    assert [j.verdict for j in judge_all(load_claims()[:1], {"skylake-x": [other]}) if j.is_native] == ["not run"]


def test_a_machine_whose_name_was_given_decides_nothing(skylake):
    given = {**plain(skylake.machine), "overridden": True}
    run = run_that_says(skylake, machine=given)
    found = judge_all(load_claims(), {"skylake-x": [run]})
    assert {j.verdict for j in found} == {"not run", "inconclusive"}


def test_claims_without_a_machine_are_tested_on_any(epyc):
    found = verdicts(judge_all(load_claims(), {"amd-epyc-9r14-25-17": [epyc]}))
    assert found["no-overflow", "amd-epyc-9r14-25-17"] == "reproduced"
    for name in ("recomputing", "reloading", "two-pass"):
        assert found[f"traffic-{name}", "amd-epyc-9r14-25-17"] == "reproduced"
    # The synthetic machine computes exp_sum for longer than it loads X.
    assert found["memory-bound-avx512", "amd-epyc-9r14-25-17"] == "not reproduced"


def test_an_overflow_is_found_and_decides_nothing(epyc):
    checks = [{**check, "not_finite": 1} for check in epyc.domain]
    run = run_that_says(epyc, domain=checks)
    found = verdicts(judge_all(load_claims(), {"m": [run]}))
    assert found["no-overflow", "m"] == "inconclusive"


@pytest.mark.parametrize("name", ["skx-avx512", "skx-avx2", "memory-bound-avx512", "traffic-two-pass", "no-overflow"])
def test_perturbing_a_reference_value_flips_exactly_that_claim(skylake, name):
    def judged(wanted):
        return {j.claim.id: j.verdict for j in judge_all(wanted, {"skylake-x": [skylake]}) if j.is_native}

    # What the synthetic machine gives, so that every claim starts as reproduced.
    def fitted(c, m):
        return replace(c, value=(m.low + m.high) / 2, tolerance=max(c.tolerance, m.high - m.low + 3)) if m else c

    everything = judge_all(load_claims(), {"skylake-x": [skylake]})
    right = [fitted(j.claim, j.measured) for j in everything if j.is_native]
    before = judged(right)
    assert before[name] == "reproduced"
    after = judged([replace(c, value=c.value - 40) if c.id == name else c for c in right])
    assert {key for key in before if before[key] != after[key]} == {name}
    assert after[name] == "not reproduced"


def test_strict_tells_a_failure_from_nothing_tested(epyc):
    judged = judge_all(load_claims(), {"m": [epyc]})
    assert strict_status(judged) == 1  # memory-bound is not reproduced there
    assert strict_status([j for j in judged if not j.claim.id.startswith("memory-bound")]) == 0
    assert strict_status([j for j in judged if j.claim.machine is not None]) == 2
    # What kernels declare of themselves tests nothing.
    assert strict_status([j for j in judged if j.claim.id.startswith("traffic")]) == 2
    assert strict_status([]) == 2


def test_without_any_run_every_claim_is_not_run():
    found = judge_all(load_claims(), {})
    assert {j.verdict for j in found} == {"not run"}
    assert {j.claim.id for j in found} == {c.id for c in load_claims()}


def test_a_smoke_run_claims_nothing(make_run):
    run = load_run(make_run(protocol="smoke", lengths=(4096, 20_000_000), processes=8))
    found = verdicts(judge_all(load_claims(), {"m": [run]}))
    assert found["memory-bound-avx2", "m"] == "inconclusive"
    assert found["traffic-two-pass", "m"] == "reproduced"  # counted, not timed


def test_the_table_has_a_row_for_each_judgement_and_the_report_reads(epyc):
    judged = judge_all(load_claims(), {"m": [epyc]})
    table = told.table(judged)
    assert list(table)[:2] == ["id", "machine"]
    assert {"verdict", "value", "low", "high", "claimed", "reason"} < set(table)
    assert len(table) == len(judged)
    not_run = table[table["verdict"] == "not run"]
    assert not_run["value"].isna().all()
    assert (not_run["reason"] != "").all()
    text = told.report(judged, [judging.of_machine(load_claims(), "m", [epyc])])
    for judgement in judged:
        (line, *_) = [
            li for li in text.splitlines() if li.startswith(f"| {judgement.claim.id} | {judgement.machine} |")
        ]
        assert line.count("|") == 8, "seven cells"
    assert "noise floor" in text
    assert all(math.isfinite(value) for value in table["value"].dropna())
