"""Other libraries' softmax beside our algorithms: time, what a call costs, and how exact the results are."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables import peers
from harness.reading import names
from harness.record.run import Library
from harness.record.samples import Run
from harness.statistics.intervals import bounds

EXPERIMENT = "peers"
TABLE = peers.compared


def draw(run: Run) -> Figure:
    """Above times by length with one thread and with all, below what a call costs and the errors. Raises
    MissingRows."""
    table, libraries = TABLE(run), run.peers.libraries
    ours = peers.ours(run)
    looks = style.algorithms([*ours, *libraries])
    looks = {name: looks[name] for name in (*ours, *libraries)}
    figure, grid = panels.grid(2, 2, 2.2, "none")
    long = table[table["elements"] > 1]
    counts = sorted(long["threads"].unique())
    for axes, threads in zip(grid[0], counts, strict=False):
        _times(axes, long[long["threads"] == threads], looks, run)
        axes.set_title("1 thread" if threads == 1 else f"{threads} threads of ours", pad=13)
        axes.set_xlabel("elements")
    for axes in grid[0][len(counts) :]:
        axes.set_axis_off()
    limits = [axes.get_ylim() for axes in grid[0][: len(counts)]]
    for axes in grid[0][: len(counts)]:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    grid[0][0].set_ylabel("ns per element")
    _overhead(grid[1][0], table[table["elements"] == 1], looks, run)
    _errors(grid[1][1], peers.errors(run), looks)
    handles = panels.algorithm_handles(looks, ours)
    handles += [panels.handle(label, looks[name]) for name, label in _labels(libraries).items()]
    title = "Other libraries, each with the instructions it chooses"
    return panels.finish(figure, run, table, panels.Frame(title, handles, _notes(run)))


def _labels(libraries: dict[str, Library]) -> dict[str, str]:
    return {
        name: f"{style.plain(its.title + ' ' + its.version)}{' *' if its.output == 'allocated' else ''}"
        for name, its in libraries.items()
    }


def _notes(run: Run) -> list[str]:
    item = run.experiments[EXPERIMENT][0]
    notes = [
        f"our algorithms: {names.ISAS[item.isa]}, {item.compiler}; all called alike: input read before, output "
        "in rotation; denormals flushed",
        "of algorithms later than the paper, the fastest at the longest length (the table has all)",
        "several threads: ours share the vector, and libraries may; none that was looked at uses more than one",
    ]
    if any(its.output == "allocated" for its in run.peers.libraries.values()):
        notes.append("* can't be given an output: makes a new array in each call, which is timed")
    return notes


def _times(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style], run: Run) -> None:
    for name, look in looks.items():
        points = table[table["name"] == name].sort_values("elements")
        per_element = points[bounds("nanoseconds_per_call")].div(points["elements"], axis=0)
        middle, spread = panels.error(per_element, "nanoseconds_per_call")
        axes.errorbar(points["elements"], middle, yerr=spread, **look.line, capsize=1.5, elinewidth=0.8)
    axes.set_yscale("log")
    panels.length_axis(axes, table["elements"], run.machine)


def _overhead(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style], run: Run) -> None:
    axes.set_title("one call, 1 element", pad=8)
    order = [name for name in looks if name in set(table["name"])]
    for place, name in enumerate(order):
        row = table[table["name"] == name].iloc[0]
        middle, spread = panels.error(row, "nanoseconds_per_call")
        axes.errorbar(middle, place, xerr=spread, **looks[name].points.line, capsize=2)
    empty = run.peers.python_call_nanoseconds
    axes.axvline(empty, color=style.GREY, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.text(1.1 * empty, 0, "empty call of Python", fontsize=6.5, color="0.3", va="center")
    titles = {name: style.plain(its.title) for name, its in run.peers.libraries.items()}
    axes.set_yticks(range(len(order)), [titles.get(name, names.algorithm(name)) for name in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_xlabel("ns")
    panels.upright_grid(axes)


def _errors(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style]) -> None:
    axes.set_title(f"error, x {peers.DISTRIBUTION}", pad=8)
    if not (table["largest_relative_error"] > 0).any():  # a logarithmic axis has no place for none
        axes.set_axis_off()
        axes.text(0.5, 0.5, "not known", transform=axes.transAxes, ha="center")
        return
    for name, look in looks.items():
        points = table[table["name"] == name].sort_values("elements")
        axes.plot(points["elements"], points["largest_relative_error"], **look.line)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("elements")
    axes.set_ylabel("largest relative error")
    axes.xaxis.set_major_formatter(lambda value, _: names.count(value))
