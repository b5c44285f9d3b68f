"""What it costs to fold sums into doubles."""

from analysis.tables import made_once
from harness.statistics.ratios import folding_costs

costs = made_once(folding_costs)
