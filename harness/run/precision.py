"""How precisely the ratios of a run in progress are known, by the same statistics that its figures will use."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.experiments.contenders import question_key
from harness.record.store import COLUMNS, Journal

if TYPE_CHECKING:
    import pandas as pd


def open_questions(folder: Path, info: Mapping[str, Any], journals: Sequence[Journal]) -> set[str]:
    """The keys of the questions whose ratios within rounds are not yet known to the protocol's half-width."""
    return set(unknown(half_widths(read(journals), info, folder), info))


def reached(folder: Path, info: Mapping[str, Any], journals: Sequence[Journal]) -> dict[str, Any]:
    """`questions` and `missed` of run.json's `precision`."""
    widths = half_widths(read(journals), info, folder) if has_ratios(info) else {}
    return {"questions": len(widths), "missed": unknown(widths, info)}


def unknown(widths: Mapping[str, tuple[float, float]], info: Mapping[str, Any]) -> dict[str, float]:
    """Of half-widths with their confidence those, in percent, that are too wide or of too few processes to say."""
    if not widths:
        return {}
    from harness.statistics.intervals import TARGET_CONFIDENCE

    target = info["protocol"]["half_width_percent"]
    return {
        key: round(width, 2)
        for key, (width, confidence) in sorted(widths.items())
        if width > target or confidence < TARGET_CONFIDENCE
    }


def has_ratios(info: Mapping[str, Any]) -> bool:
    """Whether any question of the run is about a ratio. Where none is, pandas need not be loaded."""
    several = len(info["algorithms"]) > 1
    return not {"controls", "accumulation"}.isdisjoint(info["experiments"]) or (
        several and not {"algorithms", "class-counts"}.isdisjoint(info["experiments"])
    )


def read(journals: Sequence[Journal]) -> pd.DataFrame:
    """The rows of the journals, as samples.csv has them."""
    import pandas as pd

    body = "".join(lines for journal in journals for lines in journal.points().values())
    text = {name: str for name in ("algorithm", "pass", "flags")}
    return pd.read_csv(io.StringIO(body), names=list(COLUMNS), dtype=text, keep_default_na=False)


def half_widths(rows: pd.DataFrame, info: Mapping[str, Any], folder: Path) -> dict[str, tuple[float, float]]:
    """Half the width of the interval of each question that is about a ratio, in percent of the ratio, and its
    confidence, by the question's key; of several ratios (controls) the widest."""
    import pandas as pd

    from harness.record.samples import Run
    from harness.statistics import controls, selection
    from harness.statistics.ratios import folding_costs, speedups, team_speedups

    run = Run.of(dict(info), folder, rows)
    tables = []
    if (rows["experiment"] == "algorithms").any():
        found = speedups(selection.algorithm_rows(run))
        tables.append(found.assign(experiment="algorithms"))
    if controls.are_in(run):
        found = controls.differences(run)
        names = {name: name.replace("difference", "speedup") for name in found}
        tables.append(found.rename(columns=names).assign(experiment="controls"))
    if (rows["experiment"] == "class-counts").any():
        tables.append(team_speedups(run, "class-counts").assign(experiment="class-counts"))
    if (rows["experiment"] == "accumulation").any():
        found = folding_costs(run)
        names = {name: name.replace("cost", "speedup") for name in found}
        tables.append(found.rename(columns=names).assign(experiment="accumulation"))
    table = pd.concat(tables) if tables else pd.DataFrame()
    if table.empty:
        return {}
    ratio = 100 + table["speedup_percent_median"]
    table["half_width"] = 50 * (table["speedup_percent_high"] - table["speedup_percent_low"]) / ratio
    threads = table["threads"].fillna(1).astype(int) if "threads" in table else 1
    names = ["experiment", "compiler", "isa", "elements", "threads"]
    keys = table.assign(threads=threads)[names].apply(lambda row: question_key(*row), axis=1)
    found = table.groupby(keys).agg({"half_width": "max", "confidence": "min"})
    return {key: (row["half_width"], row["confidence"]) for key, row in found.iterrows()}
