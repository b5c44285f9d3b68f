"""Samples: how often a contender is called, and what counts as a disturbance."""

import itertools
import os
from dataclasses import replace
from itertools import islice, pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from harness.experiments.base import RISING, Contender, Question
from harness.native.memory import Arena
from harness.record.errors import HarnessError
from harness.record.exactness import TOO_FAST
from harness.record.run import Canary
from harness.record.samples import load_run
from harness.run import plan
from harness.sampling import sampler, speed_limits
from tests.conftest import COMPILERS, SETTINGS, algorithm, fake_files, kernels_of, variants


@pytest.fixture
def arena(host):
    arena = Arena(host, plan.layout(SETTINGS, host.processor(), 100_000))
    arena.fill(-1000, 1000, 1)
    yield arena
    arena.unmap()


@pytest.fixture
def real(host, arena):
    return sampler.Sampler(host, arena, [0])


def question(cache_state, elements=1000, *contenders):
    return Question("algorithms", COMPILERS[0], "scalar", elements, cache_state, contenders)


def softmax_contender(name="two-pass", split=False):
    return Contender(name, "", tuple(algorithm(COMPILERS[0], "scalar", name)), split=split)


@pytest.mark.parametrize("cache_state", ("paper", "cold", "warm", "reused"))
def test_a_sample_is_as_many_calls_as_take_the_time_asked_for(real, cache_state, monkeypatch):
    monkeypatch.setattr(type(real.clock), "shortest", 1)  # a coarse clock asks for more of them
    asked = question(cache_state, 1000, softmax_contender(), softmax_contender("three-pass-reload"))
    with real.prepared(asked) as prepared:
        few, many = (real.repetition(asked, prepared, ns).calls for ns in (1, 2_000_000))
    assert few == 1
    assert many > 10


@pytest.mark.parametrize("threads", (1, 2))
def test_contenders_get_the_input_that_their_question_asks_for(host, arena, threads):
    asked = replace(question("paper", 100_000, softmax_contender()), input=RISING, threads=threads, joint=True)
    x = np.frombuffer(host.ffi.buffer(arena.x, 400_000), np.float32)
    before = x.copy()
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    if len(cpus) < threads:
        pytest.skip("only one processor may be used")
    real = sampler.Sampler(host, arena, cpus)
    with real.prepared(asked):
        assert (np.diff(x) > 0).all()
    assert (x == before).all()
    list(sampler.enough_rounds(real, asked, sampler.Sampling(2, 1000, 1)))
    assert (x == before).all(), "and so for the question after it"


def test_short_calls_are_timed_in_batches_and_long_ones_one_by_one(real):
    for elements, batched in ((100, True), (100_000, False)):
        asked = question("paper", elements, softmax_contender())
        with real.prepared(asked) as prepared:
            how = real.repetition(asked, prepared, 50_000_000)
        assert (how.batch > 1) == batched
        assert how.batch <= how.calls


def test_a_contender_that_is_split_is_timed_pass_by_pass(real):
    asked = question("paper", 5000, softmax_contender("three-pass-reload", split=True))
    with real.prepared(asked) as prepared:
        how = real.repetition(asked, prepared, 1e6)
        sample = real.sample(prepared[0], asked, how)
    assert how.batch == 1
    assert len(sample.nanoseconds) == 3
    assert min(sample.nanoseconds) > 0


def test_every_contender_is_sampled_once_in_a_round_with_the_same_calls(real):
    asked = question("paper", 1000, *(softmax_contender(name) for name in SETTINGS["algorithms"]))
    for taken in islice(sampler.rounds(real, asked, sampler.Sampling(1, 100_000, 1)), 4):
        assert sorted(index for index, _ in taken) == list(range(len(asked.contenders)))
        assert len({sample.calls for _, sample in taken}) == 1


def test_each_pass_can_be_prepared_on_its_own(real):
    kernels = kernels_of(COMPILERS[0], "scalar")
    tuned = {kernel.name: kernel for kernel in kernels}
    asked = Contender("", "exp_scale", (tuned["exp_scale"],), (tuned["max"], tuned["exp_sum"]))
    with real.prepared(question("warm", 1000, asked)) as prepared:
        carry = prepared[0].algorithm.initial
    assert 900 < carry.reference <= 1000
    assert carry.sum >= 1


class Script:
    """A host whose clock and canaries say what the test wants; the timed loop takes 1 ms."""

    def __init__(self, host, clock, throughput):
        self.ffi, self.clock, self.throughput, self.now = host.ffi, clock, throughput, 0
        self.told = []
        self.lib = SimpleNamespace(
            canary_clock=lambda _: self.clock,
            canary_throughput=lambda _: self.throughput,
            time_calls=self.time_calls,
            read_clock=host.lib.read_clock,
        )
        self.processor, self.repetition = host.processor, host.repetition

    def nanoseconds(self):
        return self.now

    def time_calls(self, *arguments):
        told = self.told.pop(0) if self.told else 1_000_000
        arguments[-1][0] += told
        self.now += 1_000_000


@pytest.fixture
def scripted(host, arena, monkeypatch):
    script = Script(host, clock=4400, throughput=2400)
    for clock in ("thread_time_ns", "monotonic_ns"):
        monkeypatch.setattr(sampler.time, clock, lambda: script.now)
    made = sampler.Sampler(script, arena, [0])
    made.clock.overhead = 0
    made.best = made.last = made.canary()
    counters = {"switched": 3, "stolen": 5, "memory-pressure": 7}
    made.disturbances = lambda cpus: dict(counters)
    return script, made, counters


def flags_of(made, host):
    prepared = sampler.PreparedContender(SimpleNamespace(pass_count=1), None, 1000)
    return made.sample(prepared, question("warm"), sampler.Repetition(1, 1)).flags


def test_a_core_is_calm_while_no_neighbour_uses_it_and_no_time_is_stolen(scripted):
    script, made, counters = scripted
    assert made.is_calm()
    script.throughput = 3600
    assert not made.is_calm()
    script.throughput = 2400
    assert made.is_calm()
    made.disturbances = lambda cpus: counters.update(stolen=counters["stolen"] + 1) or dict(counters)
    assert not made.is_calm()
    made.disturbances = lambda cpus: {}
    assert made.is_calm(), "a system that does not tell of stolen time"


def test_a_core_whose_clock_changes_is_not_calm(scripted):
    script, made, _ = scripted
    clocks = itertools.cycle([4400] * 30 + [6600] * 30)
    script.lib.canary_clock = lambda _: next(clocks)
    assert made.is_calm(), "now and then"
    made.canary = lambda: sampler.Canary(next(clocks), 2400)
    clocks = itertools.cycle([4400, 5000])
    assert not made.is_calm()


def test_a_question_that_is_asked_again_has_the_calls_of_the_first_time(real):
    asked = question("paper", 1000, softmax_contender())
    (taken,) = islice(sampler.rounds(real, asked, sampler.Sampling(1, 1, 1, calls=17)), 1)
    assert [sample.calls for _, sample in taken] == [17]


def test_a_calm_sample_has_no_flag(scripted, host):
    _, made, _ = scripted
    assert flags_of(made, host) == set()


@pytest.mark.parametrize("spoiled", [[-(1 << 63)], [0], [1 << 40], [-5, -5, 0]])
def test_a_sample_that_the_clock_spoils_is_taken_again_and_flagged(scripted, spoiled):
    script, made, _ = scripted
    script.told = list(spoiled)
    prepared = sampler.PreparedContender(SimpleNamespace(pass_count=1), None, 1000)
    sample = made.sample(prepared, question("warm"), sampler.Repetition(1, 1))
    assert sample.nanoseconds == (1_000_000,)
    assert sample.flags == {"clock-error"}
    assert not script.told


def test_a_clock_that_spoils_every_try_ends_the_measurement_with_one_line(scripted):
    script, made, _ = scripted
    script.told = [-1] * 100
    with pytest.raises(HarnessError, match=r"the clock goes back, jumps or .* \(source: .*\); boot with"):
        flags_of(made, None)


def test_what_reading_the_clock_costs_is_subtracted_for_every_batch(scripted):
    _, made, _ = scripted
    made.clock.overhead = 1000.0
    prepared = sampler.PreparedContender(SimpleNamespace(pass_count=1), None, 1000)
    for calls, batch, stretches in ((1, 1, 1), (12, 1, 12), (12, 5, 3)):
        sample = made.sample(prepared, question("paper"), sampler.Repetition(calls, batch))
        assert sample.nanoseconds == (1_000_000 - 1000 * stretches,)


def test_a_system_clock_that_says_otherwise_spoils_the_sample(scripted, monkeypatch):
    script, made, _ = scripted
    times = [0, 500_000]
    monkeypatch.setattr(sampler.time, "monotonic_ns", lambda: times.pop(0) if times else script.now)
    assert flags_of(made, None) == {"clock-error"}


def test_a_slow_or_coarse_clock_asks_for_longer_samples_and_batches(real):
    asked = question("paper", 100, softmax_contender())
    real.clock.resolution = 10_000
    with real.prepared(asked) as prepared:
        how = real.repetition(asked, prepared, 1.0)
        times = real._call_nanoseconds(prepared[0], asked)
    assert how.calls >= how.batch >= 0.5 * 1e6 / times


def test_a_busy_sibling_shows_as_throughput(scripted, host):
    script, made, _ = scripted
    script.throughput = 3000
    assert flags_of(made, host) == {"throughput"}


def test_a_slower_clock_alone_is_not_a_busy_sibling(scripted, host):
    script, made, _ = scripted
    script.clock, script.throughput = 8800, 4800
    made.last = made.canary()
    assert flags_of(made, host) == set()


def test_one_interrupted_clock_canary_does_not_make_all_samples_disturbed(scripted, host):
    script, made, _ = scripted
    script.clock = 40_000
    made.last = made.canary()
    script.clock = 4400
    made.last = made.canary()
    assert flags_of(made, host) == set()


def test_a_clock_that_changes_during_a_sample_shows(scripted, host):
    script, made, _ = scripted
    script.clock, script.throughput = 4800, 2618
    assert flags_of(made, host) == {"clock"}


@pytest.mark.parametrize("name", ("switched", "stolen", "memory-pressure"))
def test_a_counter_that_grows_shows_under_its_name(scripted, host, name):
    _, made, counters = scripted
    before = dict(counters)
    readings = [before, {**before, name: before[name] + 1}]
    made.disturbances = lambda cpus: readings.pop(0)
    assert flags_of(made, host) == {name}


def test_what_earlier_processes_saw_counts_as_the_best(host, arena, scripted):
    script, _, _ = scripted
    script.throughput = 3000  # from the start to the end of this process
    record = SimpleNamespace(canary=Canary(1, 1, clock_nanoseconds=4400, throughput_nanoseconds=2400))
    made = sampler.Sampler(script, arena, [0], record)
    made.record = None
    made.disturbances = lambda cpus: {}
    assert flags_of(made, host) == {"throughput"}


def sample_with(flags=(), nanoseconds=1000):
    return SimpleNamespace(flags=frozenset(flags), nanoseconds=(nanoseconds,))


def rounds_of(flags, contenders):
    """Rounds in which the samples carry these flags, contender by contender; calm ones after the last."""
    for row in flags:
        yield [(i, sample_with({"x"} if f else ())) for i, f in enumerate(row)]
    while True:
        yield [(i, sample_with()) for i in range(contenders)]


@pytest.mark.parametrize(
    ("paired", "flags", "expected"),
    [
        (True, [], 4),
        (True, [(1, 0)], 6),  # one more is needed, and rounds come in pairs
        (True, [(1, 0), (0, 1)], 6),
        (False, [(1, 0), (0, 1)], 6),
        (True, [(1, 0), (0, 1)] * 9, 8),  # no more than twice as many
        (False, [(1, 0), (0, 1)] * 9, 8),  # each contender has its four by then
        (True, [(1, 1)] * 9, 4),  # no further ones where hardly a sample is undisturbed
        (False, [(1, 1)] * 9, 4),
        (True, [(1, 1)] * 3, 8),
    ],
)
def test_rounds_are_added_while_they_are_disturbed(monkeypatch, paired, flags, expected):
    monkeypatch.setattr(sampler, "rounds", lambda *_: rounds_of(flags, 2))
    asked = SimpleNamespace(contenders=(None, None), paired=paired)
    assert len(list(sampler.enough_rounds(None, asked, sampler.Sampling(4, 1.0, 1)))) == expected


@pytest.mark.parametrize(("half_width", "expected"), [(0.5, 4), (0.0001, 8)])
def test_rounds_are_added_while_ratios_are_spread(monkeypatch, half_width, expected):
    def alternating(*_):
        while True:
            for slower in (1000, 1100):
                yield [(1, sample_with(nanoseconds=slower)), (0, sample_with())]

    monkeypatch.setattr(sampler, "rounds", alternating)
    asked = SimpleNamespace(contenders=(None, None), paired=True)
    assert len(list(sampler.enough_rounds(None, asked, sampler.Sampling(4, 1.0, 1, half_width)))) == expected


def test_the_standard_error_is_that_of_a_median_of_ratios():
    # Relative to their round: -0.1 and 0.1, then 0.1 and -0.1. Standard deviation 0.1 sqrt(4/3), over sqrt(4) rounds.
    logs = [[0.0, 0.2], [5.2, 5.0], [1.0, 1.2], [7.2, 7.0]]
    assert sampler.standard_error(logs) == pytest.approx(1.2533 * 0.1 * (4 / 3) ** 0.5 / 2)


def controls_question(elements=1000):
    passes = tuple(algorithm(COMPILERS[0], "scalar", "two-pass"))
    same = Contender("two-pass", "", passes)
    moved = Contender("two-pass-moved", "", passes, moved=True)
    longer = Contender("two-pass-plus-5-percent", "", passes, extra_percent=5)
    return question("paper", elements, same, same, moved, longer)


def test_a_moved_contender_runs_other_code_on_operands_elsewhere_with_the_same_result(real):
    ffi = real.host.ffi
    with real.prepared(controls_question()) as (same, again, moved, _):
        assert same.operands == again.operands != moved.operands
        assert [same.algorithm.passes[p] for p in (0, 1)] == [again.algorithm.passes[p] for p in (0, 1)]
        assert same.algorithm.passes[0].run != moved.algorithm.passes[0].run
        distance = int(ffi.cast("intptr_t", moved.operands.x)) - int(ffi.cast("intptr_t", same.operands.x))
        assert distance % 64 == 0 != distance % 4096
        results = []
        for it in (same, moved):
            y = ffi.new("float[]", 1000)
            real.host.lib.run_untimed(it.algorithm, ffi.new("struct carry *"), it.operands.x, y, 1000)
            results.append(bytes(ffi.buffer(y)))
        assert results[0] == results[1]


def test_planted_work_is_more_elements_in_the_same_rotation(real):
    with real.prepared(controls_question()) as (same, _, _, longer):
        assert (same.elements, longer.elements) == (1000, 1050)
        assert same.operands == longer.operands
        assert same.operands.output_stride >= 1050


def test_planted_work_takes_longer_by_what_was_planted(real):
    passes = tuple(algorithm(COMPILERS[0], "scalar", "two-pass"))
    contenders = [Contender("two-pass", "", passes, extra_percent=percent) for percent in (0, 100)]
    taken = list(
        islice(sampler.rounds(real, question("warm", 10_000, *contenders), sampler.Sampling(1, 200_000, 1)), 20)
    )
    times = [min(dict(round_)[index].nanoseconds[0] for round_ in taken) for index in (0, 1)]
    assert 1.5 < times[1] / times[0] < 2.7


@pytest.fixture
def pair(host, arena):
    """A sampler with two processors, as many as most machines have."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("only one processor may be used")
    yield sampler.Sampler(host, arena, cpus[:2])
    os.sched_setaffinity(0, cpus)


@pytest.mark.parametrize("joint", [False, True])
def test_two_threads_have_operands_of_their_own_or_parts_of_one_vector(pair, joint):
    asked = replace(question("paper", 5000, softmax_contender()), threads=2, joint=joint)
    with pair.prepared(asked) as (prepared,):
        first, second = prepared.team.shares[0], prepared.team.shares[1]
        assert [first.cpu, second.cpu] == pair.cpus
        assert first.n + second.n == (5000 if joint else 10_000)
        assert (second.operands == first.operands) == joint
        assert (second.operands.x != first.operands.x) != joint
        assert (first.start, second.start) == (0, first.n if joint else 0)
        sample = pair.sample(prepared, asked, pair.repetition(asked, [prepared], 100_000))
    assert len(sample.nanoseconds) == 1
    assert sample.nanoseconds[0] > 0


def test_a_thread_that_cannot_be_pinned_is_told(pair):
    pair.cpus[1] = 1000
    asked = replace(question("warm", 1000, softmax_contender()), threads=2, joint=True)
    with pair.prepared(asked) as prepared, pytest.raises(HarnessError, match="2 threads could not be started"):
        pair.repetition(asked, prepared, 1)


@pytest.mark.parametrize(("elements", "count"), [(100_000, 3), (5, 4), (16, 2), (21_841, 44)])
def test_parts_cover_a_vector_and_begin_at_cache_lines(elements, count):
    parts = sampler.parts_of(elements, count)
    assert len(parts) == count
    assert [start % 16 for start, _ in parts] == [0 if start < elements else elements % 16 for start, _ in parts]
    ends = [0, *(start + length for start, length in parts)]
    assert [start for start, _ in parts] == ends[:-1]
    assert ends[-1] == elements


def test_the_rotation_goes_on_from_question_to_question(real):
    layout = real.arena.layout
    asked = question("paper", 1000, softmax_contender())
    how = sampler.Repetition(3, 1)
    seen = []
    for elements in (1000, 5000, 1000):
        with real.prepared(question("paper", elements, *asked.contenders)) as (prepared,):
            operands = prepared.operands
            start = operands.next_output * layout.stride_bytes(elements)
            real._time(prepared, asked, how)
            seen.append((start, operands.next_output * layout.stride_bytes(elements)))
    for (_, end), (start, _) in pairwise(seen):
        assert start >= end


def test_wall_time_without_cpu_time_shows(scripted, host, monkeypatch):
    _, made, _ = scripted
    monkeypatch.setattr(sampler.time, "thread_time_ns", lambda: 0)
    assert flags_of(made, host) == {"cpu-time"}


def test_any_variant_of_a_pass_can_be_a_contender(real):
    for kernel in variants(COMPILERS[0], "scalar", "max"):
        asked = question("warm", 100, Contender("", "max", (kernel,)))
        (taken,) = islice(sampler.rounds(real, asked, sampler.Sampling(1, 1000, 1)), 1)
        assert taken[0][1].nanoseconds[0] > 0


@pytest.mark.parametrize(
    "content", ("", "nonsense", "cpu0", "cpu0 1 2 3 4 5 6 7 eight", "some total=", "total", "\0\n", None)
)
def test_counters_that_make_no_sense_raise_no_flag(monkeypatch, content):
    monkeypatch.setattr(sampler, "Path", fake_files(content))
    assert set(sampler.disturbances([0])) == {"switched"}


def test_counters_are_those_of_the_processors_that_are_asked_for(monkeypatch):
    told = {
        "/proc/stat": "cpu1 0 0 0 0 0 0 0 5 90 9\ncpu10 0 0 0 0 0 0 0 900 0 0\ncpu2 0 0 0 0 0 0 0 7 0 0\n",
        "/proc/pressure/memory": "some avg10=3.00 avg60=0.00 avg300=0.00 total=41\nfull avg10=0.00 total=40\n",
    }
    monkeypatch.setattr(sampler, "read", lambda path: told[str(path)])
    found = sampler.disturbances([1, 2])
    assert (found["stolen"], found["memory-pressure"]) == (12, 41)


def test_a_sample_that_is_faster_than_its_core_or_memory_is_flagged_while_measuring():
    its = speed_limits.Least(cycles=1000.0, bytes=1e6)
    # 10 calls at 4 GHz take 2500 ns at least; 10 MB at 50 GB/s take 200,000 ns.
    assert not speed_limits.is_too_fast(its, 10, 190_000, 4.0, 50.0)
    assert speed_limits.is_too_fast(its, 10, 170_000, 4.0, 50.0), "memory"
    assert speed_limits.is_too_fast(speed_limits.Least(1000.0, 0.0), 10, 2200, 4.0, 50.0), "core"


def test_a_sampler_that_knows_the_run_flags_what_is_too_fast(host, arena, make_run):
    record = load_run(make_run(isas=("avx2",), processes=1, rounds=1))
    loop = variants(COMPILERS[0], "scalar", "load")[0]
    asked = question("warm", 4096, Contender("", "load", (loop,)))
    knowing = sampler.Sampler(host, arena, [0], record)
    with knowing.prepared(asked) as (contender,):
        assert contender.least[0].cycles == 4096 / 3
        how = sampler.Repetition(100, 100)
        assert TOO_FAST not in knowing.sample(contender, asked, how).flags
        impossible = replace(contender, least=(speed_limits.Least(1e9, 0.0),))
        assert TOO_FAST in knowing.sample(impossible, asked, how).flags
        (taken,), fastest = knowing.sample(contender, asked, how).nanoseconds, knowing.best.clock
        cycles = taken * sampler.CLOCK_ADDS / fastest / how.calls  # what this took, if it ran at the fastest clock
        for times, is_too_fast in ((1.0, False), (1.2, True)):
            its = replace(contender, least=(speed_limits.Least(times * cycles, 0.0),))
            for clock in (fastest, 10 * fastest):  # an interrupted canary shows a clock that is too slow
                assert knowing.is_too_fast(its, how.calls, [taken], clock) == is_too_fast


def test_threads_that_share_a_vector_need_as_many_times_fewer_cycles(make_run):
    record = load_run(make_run(isas=("avx2",), processes=1, rounds=1))
    alone, two = (speed_limits.least(speed_limits.Call("avx2", "two-pass", "", 1 << 26, n), record) for n in (1, 2))
    assert two.cycles == alone.cycles / 2
    assert 0 < two.bytes < alone.bytes, "two have two last-level caches at most"
