"""What each choice of variants costs: the published ones beside those that were chosen here."""

import pandas as pd

from analysis.tables import made_once
from harness.record.errors import MissingRows
from harness.record.samples import Run

LENGTHS = ("in_cache", "out_of_cache")
TIMES = [f"{length}_nanoseconds" for length in LENGTHS]


@made_once
def tuning_costs(run: Run) -> pd.DataFrame:
    """One row for each ISA, compiler, pass and machine with a published variant: that variant and the best of the run
    (the smallest product of both times), nanoseconds per call of both at both lengths, and their ratios. Raises
    MissingRows if nothing published was tuned."""
    held = set(run.samples["isa"])
    finalists = [row for row in run.tuning if row["isa"] in held and row["finalist"]]
    if not any(row["published_for"] for row in finalists):
        raise MissingRows(f"{run.folder}: no published variant was measured while tuning")
    rows = []
    for (compiler, isa, name), of_pass in pd.DataFrame(finalists).groupby(["compiler", "isa", "pass"], sort=False):
        best = of_pass.loc[(of_pass[TIMES[0]] * of_pass[TIMES[1]]).idxmin()]
        for _, row in of_pass.iterrows():
            rows += [
                {
                    **{"isa": isa, "compiler": compiler, "pass": name, "machine": machine},
                    **{"published_variant": row["variant"], "best_variant": best["variant"]},
                    **{f"published_{time}": row[time] for time in TIMES},
                    **{f"best_{time}": best[time] for time in TIMES},
                    **{f"{n}_relative_time": row[f"{n}_nanoseconds"] / best[f"{n}_nanoseconds"] for n in LENGTHS},
                }
                for machine in row["published_for"]
            ]
    return pd.DataFrame(rows)
