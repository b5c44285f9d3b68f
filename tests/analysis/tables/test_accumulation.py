"""The price of folding."""

from analysis.tables.accumulation import costs
from harness.record.samples import Run
from tests.synthetic import SUMS


def test_every_pass_that_sums_has_its_price_at_each_length(full_run: Run) -> None:
    table = costs(full_run)
    assert set(table["pass"]) == set(SUMS)
    assert not table.duplicated(["isa", "compiler", "elements", "pass"]).any()
    # The made-up machine takes as long for either.
    assert table["cost_percent_median"].abs().max() < 3
