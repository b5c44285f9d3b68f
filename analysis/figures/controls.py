"""Differences whose answer is known: an algorithm against itself, moved, and with planted extra work."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from harness.reading import names
from harness.reading.trust import originals, verdict
from harness.record.samples import Run
from harness.statistics.controls import differences

EXPERIMENT = "controls"
TABLE = differences

LOOKS = {
    "again": (style.Style(style.BLUE, "o", "none"), "against itself"),
    "moved": (style.Style(style.ORANGE, "^", "none"), "code and operands moved"),
    "planted": (style.Style(style.GREEN, "s", "none"), "with planted extra work"),
}
ANSWER = style.Style(style.BLACK, "|", "none")


def draw(run: Run) -> Figure:
    """One panel for each ISA, with a row for each control and length. Raises MissingRows."""
    table, found = TABLE(run), verdict(run)
    figure, grid = panels.isa_panels(table, 0.6 + 0.19 * table.groupby("isa").size().max(), "none", 5)
    for axes, _, of_isa in grid:
        _panel(axes, of_isa, found.floor)
        axes.set_xlabel("difference, %")
    handles = [panels.handle(label, look) for look, label in LOOKS.values()]
    handles.append(panels.handle("the answer", ANSWER, markersize=8))
    notes = [f"{found.told}; the noise floor (grey) is the largest median without planted work"]
    title = f"Known answers: {originals(run)} and its controls"
    return panels.finish(figure, run, table, panels.Frame(title, handles, notes))


def _panel(axes: Axes, table: pd.DataFrame, floor: float) -> None:
    axes.axvspan(-floor, floor, color=style.GREY, alpha=0.25, linewidth=0)
    table = table.sort_values(["compiler", "elements", "planted_percent", "control"]).reset_index(drop=True)
    several = table["compiler"].nunique() > 1
    groups = table.groupby(["compiler", "elements"], sort=False)
    table["place"] = table.index + 0.9 * groups.ngroup()  # room for the next group's name
    for _, row in table.iterrows():
        place = row["place"]
        middle, spread = panels.error(row, "difference_percent")
        look, _ = LOOKS[row["kind"]]
        shape = {"color": look.colour, "marker": look.marker, "elinewidth": 0.9, "capsize": 2}
        axes.errorbar(middle, place, xerr=spread, **shape)
        axes.plot(row["planted_percent"], place, color=ANSWER.colour, marker=ANSWER.marker, markersize=9, zorder=0)
    for index, ((compiler, elements), those) in enumerate(table.groupby(["compiler", "elements"], sort=False)):
        first = those["place"].min()
        label = f"{names.count(elements)} elements" + (f", {compiler}" if several else "")
        axes.text(0.98, first - 0.55, label, transform=axes.get_yaxis_transform(), ha="right", fontsize=6.5)
        if index:
            axes.axhline(first - 1.2, color="0.7", linewidth=0.5)
    axes.set_yticks([])
    axes.set_ylim(table["place"].max() + 0.6, -1.2)
