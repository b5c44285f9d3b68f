"""How precisely the ratios of a run in progress are known, by the same statistics that its figures will use."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.experiments import experiments
from harness.record.journal import COLUMNS, Journal
from harness.record.run import Precision, question_key

if TYPE_CHECKING:
    import pandas as pd

    from harness.record.samples import Run


def reached(run: Run, stopped_by: str = "") -> Precision:
    """How precisely the ratios of a run are known: of those that are not to the protocol's half-width, or of too few
    processes to say, the half-width, by their questions."""
    from harness.statistics.intervals import TARGET_CONFIDENCE

    widths, target = half_widths(run), run.protocol.half_width_percent
    missed = {
        key: round(width, 2)
        for key, (width, confidence) in sorted(widths.items())
        if width > target or confidence < TARGET_CONFIDENCE
    }
    return Precision(target, stopped_by, len(widths), missed)


def read(journals: Sequence[Journal]) -> pd.DataFrame:
    """The rows of the journals, as samples.csv has them."""
    import pandas as pd

    body = "".join(lines for journal in journals for lines in journal.points().values())
    text = {name: str for name in ("algorithm", "pass", "flags")}
    return pd.read_csv(io.StringIO(body), names=list(COLUMNS), dtype=text, keep_default_na=False)


def half_widths(run: Run) -> Mapping[str, tuple[float, float]]:
    """Half the width of the interval of each question that is about a ratio, in percent of the ratio, and its
    confidence, by the question's key; of several ratios (controls) the widest."""
    import pandas as pd

    measured = set(run.samples["experiment"])
    known = experiments(run.protocol.experiments)
    tables = [
        found.assign(experiment=name)
        for name, experiment in known.items()
        if name in measured and (found := experiment.kind.ratios(run, experiment)) is not None
    ]
    table = pd.concat(tables) if tables else pd.DataFrame()
    if table.empty:
        return {}
    table["half_width"] = 50 * (table["high"] - table["low"]) / table["median"]
    threads = table["threads"].fillna(1).astype(int) if "threads" in table else 1
    names = ["experiment", "compiler", "isa", "elements", "threads"]
    keys = table.assign(threads=threads)[names].apply(lambda row: question_key(*row), axis=1)
    found = table.groupby(keys).agg({"half_width": "max", "confidence": "min"})
    return {key: (row["half_width"], row["confidence"]) for key, row in found.iterrows()}
