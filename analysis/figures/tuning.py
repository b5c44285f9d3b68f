"""What each choice of variants costs: time of the published ones relative to those that were chosen here."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from harness.record import names
from harness.record.errors import MissingRows
from harness.record.samples import Run

EXPERIMENT = "tuning"

LOOKS = {
    "skylake-x": style.Style(style.VERMILLION, "D", "none"),
    "broadwell": style.Style(style.BLUE, "s", "none"),
    "zen2": style.Style(style.ORANGE, "^", "none"),
}
LENGTHS = ("in_cache", "out_of_cache")


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure (the primary compiler) and its table: `costs`. Raises MissingRows if nothing published was tuned."""
    table = costs(run)
    if table.empty:
        raise MissingRows(f"{run.folder}: no published variant was measured while tuning")
    compiler = next(iter(run.information["compilers"]))
    drawn = table[table["compiler"] == compiler]
    isas = [isa for isa in ("avx512f", "avx2") if isa in set(drawn["isa"])]
    figure, grid = panels.grid(1, len(isas), 2.4, "row")
    for axes, isa in zip(grid[0], isas, strict=True):
        _points(axes, drawn[drawn["isa"] == isa])
        axes.set_title(names.ISAS[isa])
    grid[0][0].set_ylabel("time relative to\nthe best variant of the run")
    handles = [
        Line2D(
            [], [], color=look.colour, marker=look.marker, linestyle="none", fillstyle=fill, label=f"{name}, {where}"
        )
        for name, look in LOOKS.items()
        if name in set(drawn["machine"])
        for fill, where in zip(("full", "none"), _told_lengths(run), strict=True)
    ]
    notes = [f"{compiler}; variants as published for three machines, measured while tuning (one process, no interval)"]
    measured = pd.DataFrame({"processes": [1], "confidence": [0.0]})
    panels.finish(figure, run, measured, "What the published variants cost here", handles, notes)
    return figure, table


def _told_lengths(run: Run) -> list[str]:
    """The two lengths of the tuning in elements: the longer one is out of cache only in a protocol that goes there."""
    row = next(row for row in run.information["tuning"] if row["published_for"])
    return [f"{names.count(row[f'{length}_elements'])} elements" for length in LENGTHS]


def _points(axes: Axes, table: pd.DataFrame) -> None:
    passes = list(dict.fromkeys(table["pass"]))
    axes.axhline(1, color=style.BLACK, linewidth=0.8)
    for place, (machine, look) in enumerate(LOOKS.items()):
        of_machine = table[table["machine"] == machine]
        x = [passes.index(name) + 0.2 * (place - 1) for name in of_machine["pass"]]
        for fill, length in zip(("full", "none"), LENGTHS, strict=True):
            axes.plot(
                x,
                of_machine[f"{length}_relative_time"],
                color=look.colour,
                marker=look.marker,
                linestyle="none",
                fillstyle=fill,
                markersize=4.5,
            )
    axes.set_xticks(range(len(passes)), passes, rotation=20)


def costs(run: Run) -> pd.DataFrame:
    """One row for each ISA, compiler, pass and machine with a published variant: that variant and the best of the run
    (the smallest product of both times), nanoseconds per call of both at both lengths, and their ratios."""
    held = set(run.samples["isa"])
    tuning = pd.DataFrame([row for row in run.information["tuning"] if row["isa"] in held])
    rows = []
    if tuning.empty:
        return tuning
    times = [f"{length}_nanoseconds" for length in LENGTHS]
    for (compiler, isa, name), of_pass in tuning[tuning["finalist"]].groupby(["compiler", "isa", "pass"], sort=False):
        best = of_pass.loc[(of_pass[times[0]] * of_pass[times[1]]).idxmin()]
        for _, row in of_pass.iterrows():
            for machine in row["published_for"]:
                rows.append(
                    {
                        "isa": isa,
                        "compiler": compiler,
                        "pass": name,
                        "machine": machine,
                        "published_variant": row["variant"],
                        "best_variant": best["variant"],
                        **{f"published_{time}": row[time] for time in times},
                        **{f"best_{time}": best[time] for time in times},
                        **{f"{n}_relative_time": row[f"{n}_nanoseconds"] / best[f"{n}_nanoseconds"] for n in LENGTHS},
                    }
                )
    return pd.DataFrame(rows)
