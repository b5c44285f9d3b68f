"""The library call: what NumPy users give it is converted or refused by name, and no other bytes reach a kernel."""

import warnings

import numpy as np
import pytest

from harness.native.softmax import pointer, run_passes, softmax
from harness.record.errors import HarnessError
from tests.conftest import COMPILERS, algorithm

VALUES = [0, 1, 3, 2]
EXPECTED = np.exp(VALUES) / np.exp(VALUES).sum()


class Unreadable:
    """As a tensor of PyTorch that requires a gradient."""

    def __array__(self, *_, **__):
        raise RuntimeError("Can't call numpy()\non Tensor that requires grad")


@pytest.fixture(scope="module")
def passes():
    return algorithm(COMPILERS[0], "scalar", "two-pass")


@pytest.mark.parametrize(
    "x",
    [
        VALUES,
        tuple(map(float, VALUES)),
        *(np.array(VALUES, kind) for kind in ("f4", "f8", "f2", "g", "i1", "u2", "i8", "u8", ">f4", ">f8", ">i2")),
        np.repeat(np.float32(VALUES), 3)[::3],
        np.float32(VALUES[::-1])[::-1],
        np.float32([VALUES, VALUES]).T[:, 0],
        np.frombuffer(b"\0" + np.float32(VALUES).tobytes(), np.uint8)[1:].view(np.float32),
    ],
    ids=lambda x: f"{type(x).__name__}-{getattr(x, 'dtype', '')}",
)
def test_numbers_of_any_kind_are_converted(host, passes, x):
    y = softmax(host, passes, x)
    assert y.dtype == np.dtype("=f4")
    np.testing.assert_allclose(y, EXPECTED, rtol=1e-6)


def test_truth_values_are_0_and_1(host, passes):
    np.testing.assert_allclose(softmax(host, passes, [True, False])[0], 1 / (1 + np.exp(-1)), rtol=1e-6)


def test_finer_numbers_are_rounded_as_numpy_does(host, passes, generator):
    x = generator.normal(size=1000)
    assert (softmax(host, passes, x) == softmax(host, passes, x.astype(np.float32))).all()


@pytest.mark.parametrize(
    ("x", "named"),
    [
        (np.zeros(4, complex), "complex128"),
        (np.array([1, None]), "object"),
        ([10**30, 0], "object"),
        (["a", "b"], "<U1"),
        ("1234", "<U4"),
        (np.zeros(4, "M8[s]"), "datetime64"),
        (np.zeros(4, [("a", "f4")]), "'a'"),
        (None, "object"),
        (np.zeros((2, 3)), r"shape \(2, 3\)"),
        (5.0, r"shape \(\)"),
        ([], "at least one element"),
        (np.zeros(0, np.float32), "at least one element"),
        ([[1], [1, 2]], "vector of numbers"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "masked array"),
        ([np.ma.masked, 1.0], "masked array"),
        (Unreadable(), r"vector of numbers: Can't call numpy\(\)"),
    ],
)
def test_what_is_no_vector_of_numbers_is_refused_by_name(host, passes, x, named):
    with warnings.catch_warnings(), pytest.raises(HarnessError, match=named) as refused:
        warnings.simplefilter("error")
        softmax(host, passes, x)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("bad", (np.nan, np.inf, -np.inf, 1.1e5, -3e38, 1e39, -1e300, np.longdouble("1e4000")))
@pytest.mark.parametrize("kind", (np.float32, np.float64, np.longdouble))
def test_what_leaves_the_domain_is_refused_also_where_float32_has_no_such_number(host, passes, bad, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="ignore"):
            x = np.zeros(10, kind)
            x[3] = bad
        with pytest.raises(HarnessError, match="domain"):
            softmax(host, passes, x)


def test_what_the_caller_has_numpy_raise_does_not_matter(host, passes):
    with np.errstate(all="raise"):
        np.testing.assert_allclose(softmax(host, passes, [1e-50, 1]), [1 / (1 + np.e), np.e / (1 + np.e)], rtol=1e-6)
        for bad in (np.nan, 1e300):
            with pytest.raises(HarnessError, match="domain"):
                softmax(host, passes, [bad, 1])


def test_no_kernels_are_refused(host):
    with pytest.raises(HarnessError, match="no kernels"):
        softmax(host, [], VALUES)


def test_integers_outside_the_domain_are_refused(host, passes):
    for x in (np.array([np.iinfo(np.int64).min]), np.array([2**63], np.uint64), [100_001]):
        with pytest.raises(HarnessError, match="domain"):
            softmax(host, passes, x)


@pytest.mark.parametrize("kind", ("f8", "i4", ">f4", "f2", "?", "c8"))
def test_no_kernel_gets_the_address_of_other_numbers(host, passes, kind):
    other, right = np.zeros(64, kind), np.zeros(64, np.float32)
    for arguments in ((other, right), (right, other)):
        with pytest.raises(HarnessError, match="arrays of float32, not"):
            run_passes(host, passes, *arguments)


@pytest.mark.parametrize("array", ([0.0, 1.0], None, np.ma.zeros(4, np.float32)), ids=("list", "None", "masked"))
def test_only_an_array_has_an_address(host, array):
    with pytest.raises(HarnessError, match="arrays of float32, not"):
        pointer(host, array)


@pytest.mark.parametrize(
    "array",
    (
        np.zeros(8, np.float32)[::2],
        np.zeros((2, 4), np.float32),
        np.zeros((), np.float32),
        np.zeros(17, np.uint8)[1:].view(np.float32),
    ),
    ids=("strided", "matrix", "scalar", "unaligned"),
)
def test_elements_that_are_no_neighbours_have_no_address(host, array):
    with pytest.raises(HarnessError, match="neighbouring"):
        pointer(host, array)


def test_an_output_that_would_be_overrun_or_mixed_up_is_refused(host, passes):
    x, read_only = np.zeros(64, np.float32), np.zeros(64, np.float32)
    read_only.flags.writeable = False
    for y, why in ((np.zeros(63, np.float32), "63"), (read_only, "read-only")):
        with pytest.raises(HarnessError, match=why):
            run_passes(host, passes, x, y)
    with pytest.raises(HarnessError, match="overlap"):
        run_passes(host, passes, x[:-1], x[1:])
    run_passes(host, passes, read_only, x)
    run_passes(host, passes, x, x)
