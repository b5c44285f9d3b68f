"""The summary: one screen, the right lengths, and no more than the run shows."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import summary as telling
from analysis.summary import summary
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from harness.record.run import plain
from harness.record.samples import Run, load_run
from tests.planted import at_other_lengths, body_of_evidence, run_that_says

MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def text(full_run: Run) -> str:
    return summary(full_run)


def block(text: str, isa: str) -> list[str]:
    """The lines of an ISA."""
    lines = text.splitlines()
    start = lines.index(isa)
    return lines[start + 1 : start + 5]


def test_it_fits_one_screen(text: str) -> None:
    lines = text.splitlines()
    assert len(lines) <= 27
    assert max(map(len, lines)) <= 100


def test_a_long_name_of_the_run_that_is_drawn_takes_a_line_more(full_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {full_run.machine.name: Path("a-run-with-a-long-name-2d4b06d16d46-ff56da")}
    monkeypatch.setattr(telling, "newest_complete", lambda results: other)
    lines = summary(full_run).splitlines()
    assert max(map(len, lines)) <= 100 and lines[-1] == "the paper's claims: results/claims.md"


def test_nothing_of_a_long_line_is_lost(full_run: Run) -> None:
    brand = " ".join(["AMD EPYC"] * 20 + ["last"])
    machine = dataclasses.replace(full_run.machine, brand=brand)
    lines = summary(dataclasses.replace(full_run, machine=machine)).splitlines()
    assert max(map(len, lines)) <= 100 and any(line.startswith("  ") and line.endswith(" last") for line in lines[:3])


def test_runs_without_a_length_in_common_are_summed_up(full_run: Run) -> None:
    first, second = body_of_evidence(full_run, (0, 0))
    told = summary(first, Evidence.of([first, at_other_lengths(second)]))
    assert "2 runs from " in told and "; no two have a length in common" in told


def test_it_says_what_was_measured_and_where_the_figures_are(text: str, full_run: Run) -> None:
    assert text.startswith("amd-epyc-9r14-25-17: AMD EPYC 9R14 96-Core Processor\n")
    assert full_run.name in text and "(protocol quick)" in text and "7 processes per length" in text
    assert "results/figures/amd-epyc-9r14-25-17/" in text


def test_in_cache_and_out_of_cache_name_length_rival_and_interval(text: str) -> None:
    in_cache, out_of_cache, largest, _ = block(text, "AVX512F")
    # 131,072 elements: input and output are 1 MiB together, which is the L2.
    assert in_cache.startswith("  in L2, 131K elements: slower than reloading: -")
    assert out_of_cache.startswith("  out of cache, 56M elements: faster than recomputing: +")
    assert "[" in out_of_cache and out_of_cache.endswith("98.4 %")
    # Slower at 3M, faster at 8.39M and at every longer one.
    assert largest.endswith("faster from 8.39M on")


def test_libraries_are_told_at_the_longest_length_nearest_first(text: str) -> None:
    (line,) = [line for line in text.splitlines() if line.startswith("Two-Pass over peers (x), 33.6M: ")]
    ratios = [float(told.split()[-1]) for told in line.split(": ")[1].split(", ")]
    assert len(ratios) == 4 and ratios == sorted(ratios)


def test_passes_are_compared_with_limits_of_the_same_traffic(text: str) -> None:
    line = block(text, "AVX512F")[3]
    assert "ext_sum" in line and "% of load)" in line
    assert "ext_scale" in line and "% of copy," in line and "% of copy_nt)" in line
    assert "store" not in line


def with_equal_times(run: Run) -> Run:
    """The run with Two-Pass as fast as reloading, give or take what differs between processes."""
    samples = run.samples.copy()
    two, other = (
        (samples["experiment"] == "algorithms") & (samples["algorithm"] == name)
        for name in ("two-pass", "three-pass-reload")
    )
    sign = (-1.0) ** samples.loc[two, "process"]
    samples.loc[two, "nanoseconds"] = (samples.loc[other, "nanoseconds"].to_numpy() * (1 + 0.01 * sign)).astype(int)
    return dataclasses.replace(run, samples=samples)


def test_an_interval_that_includes_zero_shows_no_difference(make_run: MakeRun) -> None:
    run = with_equal_times(
        load_run(make_run(isas=("avx2",), lengths=(4096, 3_000_000), parts=("algorithms", "controls")))
    )
    in_cache, longest, largest, passes = block(summary(run), "AVX2")
    assert "no difference shown against reloading" in in_cache
    assert longest.startswith("  longest (in cache), 3M elements: no difference shown")
    assert largest.endswith("no win at the longest")
    assert passes == "  passes were not measured on their own"


def test_one_process_shows_nothing(make_run: MakeRun) -> None:
    text = summary(load_run(make_run(isas=("avx512f",), processes=1)))
    assert "one process shows nothing" in text
    assert "faster than" not in text and "faster from" not in text


def test_five_processes_are_told_with_their_own_confidence(make_run: MakeRun) -> None:
    assert "93.8 %" in summary(load_run(make_run(isas=("avx512f",), processes=5)))


def test_a_machine_whose_caches_are_not_known_still_gets_a_summary(make_run: MakeRun) -> None:
    run = load_run(make_run(isas=("avx2",)))
    text = summary(dataclasses.replace(run, machine=dataclasses.replace(run.machine, caches=())))
    assert "in L2: no length was measured whose arrays fit" in text


def test_a_smoke_run_says_that_every_part_ran_and_no_number(make_run: MakeRun) -> None:
    text = summary(load_run(make_run(protocol="smoke", isas=("avx2",), processes=2)))
    assert "smoke: every part ran; no claim" in text
    assert "faster" not in text and "slower" not in text and "GB/s" not in text


def test_a_smoke_run_without_an_experiment_does_not_say_that_every_part_ran(make_run: MakeRun) -> None:
    run = load_run(make_run(protocol="smoke", isas=("avx2",), processes=2))
    samples = run.samples[run.samples["experiment"] != "breakdown"]
    text = summary(dataclasses.replace(run, samples=samples))
    assert "smoke: no samples of breakdown; no claim" in text


def test_what_a_scheduler_did_not_give_is_said_whatever_the_protocol(make_run: MakeRun) -> None:
    run = load_run(make_run(protocol="smoke", isas=("avx2",), lengths=(4096,), processes=2, rounds=2))
    rows = [
        {"item": f"{what} of the job", "found": found, "disturbs": disturbs, "advice": "ask for it"}
        for what, found, disturbs in (("processors", "1 of 2", "yes"), ("memory", "1 of 2 GB", "no"))
    ]
    given = dataclasses.replace(run, audit=(*run.audit, *rows))
    assert "NOT AS PLANNED: processors of the job: 1 of 2\n" in summary(given)
    assert "NOT AS PLANNED" not in summary(run)


def test_a_run_without_algorithms_has_no_summary(make_run: MakeRun) -> None:
    with pytest.raises(MissingRows, match="'algorithms'"):
        summary(load_run(make_run(isas=("avx2",), parts=("passes",))))


def test_a_run_whose_null_test_failed_says_so_first_and_decides_nothing(full_run: Run) -> None:
    samples = full_run.samples.copy()
    samples.loc[samples["algorithm"] == "two-pass-again", "nanoseconds"] *= 2
    lines = summary(dataclasses.replace(full_run, samples=samples)).splitlines()
    assert lines[0].startswith("NOTHING IS DECIDED: null test failed: 6 of 6 comparisons of an algorithm with itself")
    assert "faster" not in "\n".join(lines[1:]) and "slower" not in "\n".join(lines[1:])
    assert any("undecided against" in line for line in lines)


def test_a_run_without_a_null_test_decides_nothing(full_run: Run) -> None:
    text = summary(dataclasses.replace(full_run, controls={}))
    assert text.startswith("NOTHING IS DECIDED: the run has no null test\n")
    assert "faster" not in text


def test_real_lengths_threads_and_accuracy_have_a_line_each(text: str) -> None:
    assert "AVX512F, %: ImageNet " in text
    assert "threads, AVX512F: load " in text and "Two-Pass on one vector 1." in text
    assert "accuracy of Two-Pass to 1M elements: 4e-07, in float lanes 0.0001; folding costs up to " in text


def test_with_two_compilers_everything_is_told_of_the_primary_one(full_run: Run, text: str) -> None:
    more = full_run.samples[full_run.samples["experiment"].isin(["class-counts", "scaling", "strong-scaling"])]
    slower = more.assign(compiler="clang", nanoseconds=2 * more["nanoseconds"])
    # The primary compiler is the one with the most lengths: clang lacks one of each experiment's.
    slower = slower[slower["threads"] > 1]
    both = dataclasses.replace(full_run, samples=pd.concat([full_run.samples, slower], ignore_index=True))
    lines = [line for line in summary(both).splitlines() if line.startswith(("AVX512F, %", "threads"))]
    assert lines == [line for line in text.splitlines() if line.startswith(("AVX512F, %", "threads"))]


def test_a_run_of_several_sessions_tells_what_disturbed_any_of_them(full_run: Run) -> None:
    session = {"started": "2026-01-05T09:00:00+00:00", "audit": full_run.audit}
    precision = {"target_half_width_percent": 2.0, "stopped_by": "precision", "questions": 9, "missed": {}}
    more = {"precision": precision, "sessions": [session, session]}
    text = summary(run_that_says(full_run, **more))
    assert "9 of 9 ratios are known to ±2 %; 2 sessions, disturbed by hypervisor\n" in text


def test_what_an_emulator_measured_is_said_to_be_that(full_run: Run) -> None:
    machine = plain(full_run.machine) | {"emulator": "QEMU"}
    text = summary(run_that_says(full_run, machine=machine))
    assert text.startswith("NOTHING IS DECIDED: an emulator measured this (QEMU)\n")
    assert "EMULATED (QEMU)" in text and "faster" not in text
    test_it_fits_one_screen(text)


def test_no_sample_that_a_run_may_hold_is_summed_up_as_no_number(make_run: MakeRun) -> None:
    run = load_run(make_run(isas=("avx2",), processes=2))
    run.samples["nanoseconds"] = 1
    assert not re.search(r"\b(nan|inf)\b", summary(run))


def test_a_damaged_run_beside_it_keeps_no_run_from_being_summed_up(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {"isas": ("avx2",), "parts": ("algorithms", "passes", "conditions")}
    days = [f"2026-01-0{day}T00:00:00+00:00" for day in (1, 2)]
    damaged, newest = (make_run(tmp_path / "runs", ended=day, **parts) for day in days)
    rows = damaged / "samples.csv"
    rows.write_text(rows.read_text().replace("avx2", "avx3", 1))
    tuning = damaged / "tuning.csv"
    tuning.write_text(tuning.read_text().replace("gcc", "cc", 1))
    (line,) = [line for line in summary(load_run(newest)).splitlines() if "best known" in line]
    assert line.endswith("s waited"), "nothing is cut off"
    assert str(damaged) in capsys.readouterr().err
