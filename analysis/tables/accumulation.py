"""What it costs to fold sums into doubles."""

import pandas as pd

from harness.record.samples import Run, made_once
from harness.statistics import ratios


@made_once
def costs(run: Run) -> pd.DataFrame:
    """`harness.statistics.ratios.folding_costs`. Raises MissingRows."""
    return ratios.folding_costs(run)
