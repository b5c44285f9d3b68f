"""The timed loop keeps the protocol: kernels that record how they are called stand in for the real ones."""

import numpy as np
import pytest

from harness.record.schema import schema
from tests.conftest import COMPILERS, variants

ELEMENTS, STRIDE, OUTPUTS = 100, 128, 3


class Recorder:
    """A pass that notes its arguments; the timed loop can't tell it from a compiled one."""

    def __init__(self, host, adds=0.0):
        self.host, self.calls, self.adds = host, [], adds
        self.callback = host.ffi.callback("void(float *, float *, struct carry *, size_t)", self.run)
        self.kernel = host.ffi.new("struct kernel *")
        self.kernel.run = host.ffi.cast("void(*)(float *, float *, struct carry *, size_t)", self.callback)

    def run(self, x, y, carry, n):
        address = int(self.host.ffi.cast("uintptr_t", y))
        self.calls.append((int(self.host.ffi.cast("uintptr_t", x)), address, carry.sum, carry.reference, n))
        carry.sum += self.adds


class Bench:
    """Operands in ordinary memory."""

    def __init__(self, host):
        self.host = host
        self.x, self.y = np.zeros(ELEMENTS, np.float32), np.zeros(STRIDE * OUTPUTS, np.float32)
        self.operands = host.ffi.new(
            "struct operands *",
            {
                "x": host.ffi.cast("float *", self.x.ctypes.data),
                "outputs": host.ffi.cast("float *", self.y.ctypes.data),
                "output_stride": STRIDE,
                "output_count": OUTPUTS,
                "next_output": 0,
            },
        )

    def time(self, recorders, cache_state, calls, batch, split=0):
        ffi = self.host.ffi
        passes, initial = [recorder.kernel for recorder in recorders], {"sum": 5.0, "reference": 2.0}
        algorithm = ffi.new("struct algorithm *", (passes, len(passes), initial))
        nanoseconds = ffi.new("int64_t[4]")
        repetition = self.host.repetition(cache_state, calls, batch, split)
        self.host.lib.time_calls(algorithm, self.operands, ELEMENTS, repetition, nanoseconds)
        return list(nanoseconds)

    def outputs(self, recorder):
        """Which output each call wrote to."""
        return [(address - self.y.ctypes.data) // (4 * STRIDE) for _, address, *_ in recorder.calls]


@pytest.fixture
def bench(host):
    return Bench(host)


@pytest.mark.parametrize("cache_state", ("paper", "cold"))
@pytest.mark.parametrize("batch", (1, 2, 7))
def test_each_call_writes_to_the_next_output_of_the_rotation(host, bench, cache_state, batch):
    recorder = Recorder(host)
    bench.time([recorder], cache_state, 7, batch)
    assert bench.outputs(recorder) == [0, 1, 2, 0, 1, 2, 0]
    bench.time([recorder], cache_state, 2, 1)
    assert bench.outputs(recorder)[7:] == [1, 2], "the rotation goes on from sample to sample"


@pytest.mark.parametrize("cache_state", ("warm", "reused"))
def test_where_the_output_stays_calls_write_to_one_after_an_untimed_call(host, bench, cache_state):
    recorder = Recorder(host)
    bench.time([recorder], cache_state, 4, 4)
    assert bench.outputs(recorder) == [0] * 5


def test_every_call_starts_from_the_initial_carry_and_hands_it_on(host, bench):
    first, second = Recorder(host, adds=1.0), Recorder(host)
    bench.time([first, second], "paper", 3, 2)
    assert [call[2:] for call in first.calls] == [(5.0, 2.0, ELEMENTS)] * 3
    assert [call[2:] for call in second.calls] == [(6.0, 2.0, ELEMENTS)] * 3
    assert {call[0] for call in first.calls} == {bench.x.ctypes.data}
    assert bench.outputs(first) == bench.outputs(second), "all passes of a call share an output"


def test_a_split_sample_counts_each_pass_on_its_own(host, bench):
    class Slow(Recorder):
        def run(self, *arguments):
            super().run(*arguments)
            sum(range(100_000))

    fast, slow = Recorder(host), Slow(host)
    # The best of several, since an interrupt in the fast pass would look slow.
    split = min(bench.time([fast, slow], "paper", 3, 1, split=1) for _ in range(9))
    assert split[1] > 2 * split[0] > 0
    assert split[2:] == [0, 0]
    whole = bench.time([fast, slow], "paper", 3, 1)
    assert whole[0] > 0
    assert whole[1:] == [0, 0, 0]


def test_restoring_the_cache_state_is_not_timed(host, bench):
    """Evicting 64 MiB takes milliseconds; a call that does nothing does not."""
    big = np.zeros(16 << 20, np.float32)
    bench.operands.x = host.ffi.cast("float *", big.ctypes.data)
    recorder = Recorder(host)
    algorithm = host.ffi.new("struct algorithm *", ([recorder.kernel], 1))
    bench.operands.outputs, bench.operands.output_stride = bench.operands.x, 0
    nanoseconds = host.ffi.new("int64_t[4]")
    start = host.nanoseconds()
    host.lib.time_calls(algorithm, bench.operands, len(big), host.repetition("cold", 1), nanoseconds)
    assert nanoseconds[0] < (host.nanoseconds() - start) / 2


def test_denormals_are_flushed_during_a_call_and_not_after(host, bench):
    kernel = variants(COMPILERS[0], "scalar", "update")[0]
    bench.y[:] = 1e-40
    carry, operands = host.ffi.new("struct carry *"), bench.operands
    host.lib.run_untimed(host.algorithm([kernel]), carry, operands.x, operands.outputs, ELEMENTS)
    assert (bench.y[:ELEMENTS] == 0).all()
    assert (bench.y[ELEMENTS:] > 0).all()
    assert np.float32(1e-40) * np.float32(0.5) > 0


def test_the_clock_does_not_run_backwards(host):
    readings = host.ffi.new("uint64_t[]", 1000)
    host.lib.read_clock(readings, 1000)
    assert list(readings) == sorted(readings)


def test_the_configuration_allows_as_many_passes_as_a_call_may_have(host):
    assert schema("config")["properties"]["algorithms"]["additionalProperties"]["maxItems"] == host.lib.MAX_PASSES
    load = variants(COMPILERS[0], "scalar", "load")[0]
    assert host.algorithm([load] * host.lib.MAX_PASSES).pass_count == host.lib.MAX_PASSES
    with pytest.raises(IndexError):
        host.algorithm([load] * (host.lib.MAX_PASSES + 1))
