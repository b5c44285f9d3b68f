"""Other libraries as contenders: found, called with the operands of the timed loop, and one clear line if they fail."""

import os
import threading
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from harness import peers
from harness.experiments.base import Contender, Question
from harness.native import build
from harness.native.memory import Arena
from harness.record.errors import HarnessError
from harness.record.run import Library, Skipped
from harness.run import plan
from harness.sampling import sampler
from tests.conftest import BUILT, COMPILERS, SETTINGS, algorithm

NAMES = peers.names()


def require(name):
    found, skipped = peers.find([name])
    if not found:
        pytest.skip(skipped[0].reason)
    if name == build.ONEDNN and not build.extension_path(BUILT, COMPILERS[0], build.ONEDNN).exists():
        pytest.skip("the extension of oneDNN is not built")


def library(monkeypatch, call, name="made-up"):
    """Has a library of this name call `call(vectors, place)`."""

    def prepare(host, vectors, threads):
        return peers.calling(host, vectors, lambda place: call(vectors, place))

    made = SimpleNamespace(TITLE="Made up", PACKAGES=("no-such-package",), OUTPUT="given", prepare=prepare)
    monkeypatch.setattr(peers, "module", lambda name: made)
    return name


@pytest.fixture
def real(host):
    arena = Arena(host, plan.layout(SETTINGS, host.processor(), 100_000))
    arena.fill(-10, 10, 1)
    yield sampler.Sampler(host, arena, [min(os.sched_getaffinity(0))])
    arena.unmap()


def question(*names, cache_state="paper", elements=1000, threads=1):
    ours = Contender("two-pass", "", tuple(algorithm(COMPILERS[0], "scalar", "two-pass")))
    contenders = (ours, *(Contender(name, "", (), peer=name) for name in names))
    return Question("peers", COMPILERS[0], "scalar", elements, cache_state, contenders, threads=threads, joint=True)


def test_every_file_is_a_library_with_a_title_and_packages():
    assert {"numpy", "onednn", "onnxruntime", "scipy", "torch"} <= set(NAMES)
    for name in NAMES:
        its = peers.module(name)
        assert its.TITLE
        assert its.PACKAGES
        assert its.OUTPUT in ("given", "allocated")


def test_a_library_that_nobody_knows_is_one_clear_line():
    with pytest.raises(HarnessError, match=r"peers: 'jax' is not one of numpy, onednn"):
        peers.check_names(["numpy", "jax"])


def test_one_that_is_not_installed_is_skipped_with_the_reason(monkeypatch):
    name = library(monkeypatch, lambda vectors, place: None)
    found, skipped = peers.find([name])
    assert found == {}
    assert skipped == [Skipped("peer made-up", "not installed: no-such-package")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("elements", (1, 1000, 100_003))
def test_each_library_gives_the_softmax(host, generator, name, elements):
    require(name)
    x = generator.uniform(-10, 10, elements).astype(np.float32)
    expected = np.exp(x.astype(np.float64) - x.max())
    y = peers.softmax(host, name, x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, expected / expected.sum(), rtol=2e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if peers.module(name).OUTPUT == "given"])
def test_outputs_take_turns_and_hold_the_result(host, real, name):
    require(name)
    asked = question(name)
    with real.prepared(asked) as prepared:
        operands, first = prepared[1].operands, prepared[1].operands.next_output
        real.sample(prepared[1], asked, sampler.Repetition(3, 1))
        assert operands.next_output == (first + 3) % operands.output_count
        for place in range(first, first + 3):
            start = operands.outputs + place % operands.output_count * operands.output_stride
            y = np.frombuffer(host.ffi.buffer(start, 4000), np.float32)
            assert y.sum(dtype=np.float64) == pytest.approx(1, abs=1e-5)


def test_a_library_and_our_algorithms_are_sampled_in_the_same_rounds(real):
    asked = question("numpy", "scipy", elements=10_000)
    for taken in islice(sampler.rounds(real, asked, sampler.Sampling(1, 100_000, 1)), 4):
        assert sorted(index for index, _ in taken) == [0, 1, 2]
        assert len({sample.calls for _, sample in taken}) == 1


def test_warm_calls_have_the_same_output_every_time(real, monkeypatch):
    places, counts = set(), set()

    def call(vectors, place):
        places.add(place)
        counts.add(len(vectors.outputs))

    name = library(monkeypatch, call)
    asked = question(name, cache_state="warm")
    with real.prepared(asked) as prepared:
        real.sample(prepared[1], asked, sampler.Repetition(3, 3))
    assert places == {0}
    assert counts == {1}


def test_a_call_that_fails_ends_the_measurement_in_one_line(real, monkeypatch):
    def call(vectors, place):
        raise ValueError("no such shape")

    with (
        pytest.raises(HarnessError, match="a peer failed: ValueError: no such shape"),
        real.prepared(question(library(monkeypatch, call))),
    ):
        pass


def test_one_that_cannot_be_loaded_is_one_clear_line(real, monkeypatch):
    def prepare(host, vectors, threads):
        raise ImportError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(peers, "module", lambda name: SimpleNamespace(prepare=prepare))
    with pytest.raises(HarnessError, match=r"broken can't be used: libcudart"), real.prepared(question("broken")):
        pass


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_threads_of_a_library_stay_on_processors_of_their_own(host, real, monkeypatch):
    first, second = sorted(os.sched_getaffinity(0))[:2]
    before, ended, started = os.sched_getaffinity(0), threading.Event(), []

    def call(vectors, place):
        if not started:
            started.append(threading.Thread(target=ended.wait))
            started[0].start()

    name = library(monkeypatch, call)
    os.sched_setaffinity(0, {first})
    real.cpus = [first, second]
    try:
        with real.prepared(question(name, threads=2, elements=50_000)) as prepared:
            assert prepared[1].team is None
            assert os.sched_getaffinity(started[0].native_id) == {second}
            assert os.sched_getaffinity(0) == {first}
    finally:
        ended.set()
        os.sched_setaffinity(0, before)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_our_threads_and_a_library_take_turns_in_one_rotation(real):
    before = os.sched_getaffinity(0)
    real.cpus = sorted(before)[:2]
    os.sched_setaffinity(0, {real.cpus[0]})
    asked = question("numpy", threads=2, elements=50_000)
    try:
        with real.prepared(asked) as (ours, theirs):
            start, count = theirs.operands.next_output, theirs.operands.output_count
            for index, contender in enumerate((ours, theirs, ours, theirs), start=1):
                real.sample(contender, asked, sampler.Repetition(2, 1))
                assert theirs.operands.next_output == (start + 2 * index) % count
    finally:
        os.sched_setaffinity(0, before)


def test_one_that_is_installed_and_does_not_work_is_skipped_with_the_reason(host):
    found, _ = peers.find(["numpy"])
    works, skipped = peers.working(host, {**found, "nothing-of-this-name": found["numpy"]})
    assert list(works) == ["numpy"]
    (one,) = skipped
    assert one.what == "peer nothing-of-this-name"
    assert one.reason.startswith("installed, but ") and "\n" not in one.reason


def test_one_that_ends_its_process_without_a_word_is_skipped(host, monkeypatch):
    monkeypatch.setattr(peers.processes, "ask", lambda *_: iter(()))
    works, (one,) = peers.working(host, peers.find(["numpy"])[0])
    assert not works and one.reason == "installed, but its process ended without an answer"


def test_what_is_printed_beside_is_neither_a_version_nor_a_reason(host, monkeypatch):
    found, _ = peers.find(["numpy"])
    monkeypatch.setenv("PYTHONVERBOSE", "1")
    works, (one,) = peers.working(host, {**found, "nothing-of-this-name": found["numpy"]})
    assert works == found
    assert one.reason == "installed, but ModuleNotFoundError: No module named 'harness.peers.nothing-of-this-name'"


def test_onednn_tells_its_own_version(host):
    require("onednn")
    works, skipped = peers.working(host, peers.find(["onednn"])[0])
    assert skipped == []
    assert works["onednn"].version.count(".") == 2 and not works["onednn"].version.startswith("20")


def test_what_the_way_into_python_costs_is_known(host):
    told, skipped = peers.usable(host, ["numpy"])
    assert 0 < told.python_call_nanoseconds < 1e6
    assert told.libraries == {"numpy": Library("NumPy", np.__version__, "given")}
    assert skipped == []
