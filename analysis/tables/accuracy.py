"""How exact whole softmaxes are."""

import pandas as pd

from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once


@made_once
def accuracy(run: Run) -> pd.DataFrame:
    """The run's rows of accuracy, without other libraries. Raises MissingRows where it was not looked at."""
    table = pd.DataFrame([row for row in run.accuracy if row["accumulation"] != "library"])
    if table.empty:
        raise MissingRows(f"{run.folder}: accuracy was not looked at")
    return table
