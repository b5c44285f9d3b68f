"""What it costs to fold sums into doubles."""

from harness.record.samples import made_once
from harness.statistics.ratios import folding_costs

costs = made_once(folding_costs)
