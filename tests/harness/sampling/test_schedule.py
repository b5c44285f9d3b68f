"""Orders of contenders."""

from itertools import islice

import pytest

from harness.sampling.schedule import balanced_orders


@pytest.mark.parametrize("contenders", (1, 2, 3, 7))
def test_over_each_pair_of_rounds_every_contender_has_the_same_mean_position(contenders):
    orders = list(islice(balanced_orders(contenders, 1), 40))
    for first, second in zip(orders[::2], orders[1::2], strict=True):
        assert sorted(first) == list(range(contenders))
        for contender in range(contenders):
            assert first.index(contender) + second.index(contender) == contenders - 1


def test_orders_are_reshuffled_and_given_by_the_seed():
    orders = [tuple(order) for order in islice(balanced_orders(3, 5), 60)]
    assert len(set(orders)) == 6
    assert orders == [tuple(order) for order in islice(balanced_orders(3, 5), 60)]
    assert orders != [tuple(order) for order in islice(balanced_orders(3, 6), 60)]


def test_each_contender_opens_about_as_many_rounds_as_the_others():
    firsts = [order[0] for order in islice(balanced_orders(3, 7), 3000)]
    for contender in range(3):
        assert 850 < firsts.count(contender) < 1150
