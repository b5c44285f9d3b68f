"""Whether the machine was calm: canaries, disturbed samples, waits and what memory gave, by the time of day."""

from collections.abc import Iterator
from datetime import UTC, timedelta

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.conditions import GAVE, conditions, given, levels
from harness.experiments.conditions import LARGEST_DROP, LOOPS, MEMORY
from harness.record.samples import Run

EXPERIMENT = "conditions"
TABLE = conditions

LOOKS = {"load": style.Style(style.BLUE, "o", "-"), "copy": style.Style(style.ORANGE, "s", "-")}
DROPPED = (0, (1, 2))
CANARIES = {
    "clock_relative": ("time of the clock canary", style.Style(style.BLACK, ".", "-")),
    "throughput_relative": ("of the throughput canary", style.Style(style.PURPLE, ".", (0, (3, 1)))),
}
# A run that was gone on with has a column for each part, at most so many. Gaps shorter than this share of what was
# measured are drawn as they are.
GAP_SHARE, MOST_PARTS, LEAST_WIDTH = 0.1, 5, 0.12


def draw(run: Run) -> Figure:
    """A row of panels for each kind of condition, a column for each part of the run's time. Raises MissingRows."""
    table = TABLE(run)
    columns = list(parts(table))
    figure = Figure(figsize=(style.WIDTH, 1.15 * (2 + len(levels(run)))))
    seconds = [(part["started"].iloc[-1] - part["started"].iloc[0]).total_seconds() + 10 for part in columns]
    widths = [max(LEAST_WIDTH, length / sum(seconds)) for length in seconds]
    grid = figure.subplots(
        2 + len(levels(run)), len(columns), squeeze=False, sharey="row", sharex="col", width_ratios=widths
    )
    for column, part in zip(grid.T, columns, strict=True):
        canaries, disturbed, *below = column
        for name, (_, look) in CANARIES.items():
            canaries.plot(part["started"], part[name], **look.line, markersize=3)
        _disturbed(disturbed, part)
        for axes, level in zip(below, levels(run), strict=True):
            _level(axes, part, run, level)
        _time_axis(column[-1])
    grid[0][0].set_ylabel("relative to\nthe fastest")
    grid[1][0].set_ylabel("samples\ndisturbed, %")
    grid[1][0].set_ylim(0, 100)
    for axes, level in zip(grid[2:, 0], levels(run), strict=True):
        axes.set_ylim(0)
        axes.set_ylabel(f"{level},\nGB/s")
    handles = [panels.handle(told, look) for told, look in CANARIES.values()]
    handles += [panels.handle(f"{loop}, and the run's median", look) for loop, look in LOOKS.items()]
    told = f"{100 * LARGEST_DROP:.0f} % below it"
    handles.append(panels.handle(told, style.Style(style.GREY, "", DROPPED), linewidth=0.8))
    handles.append(panels.handle("waited", style.Style(style.SKY, "", "-"), linewidth=6, alpha=0.4))
    measured = pd.DataFrame({"processes": [table["process"].nunique()], "confidence": [0.0]})
    frame = panels.Frame("Was the machine calm?", handles, [_note(table, run)])
    return panels.finish(figure, run, measured, frame)


def parts(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The table in parts of time, between which nothing was measured for long: at most MOST_PARTS."""
    ends = table["started"] + pd.to_timedelta(table["seconds"], unit="s")
    gaps = (table["started"] - ends.shift()).dt.total_seconds().fillna(0.0)
    measured = table["seconds"].sum() + table["waited_seconds"].sum()
    long = gaps[(gaps > GAP_SHARE * measured) & (table["session"] != table["session"].shift())]
    begins = sorted(long.nlargest(MOST_PARTS - 1, keep="first").index)
    for first, last in zip([0, *begins], [*begins, len(table)], strict=True):
        yield table.iloc[first:last]


def _disturbed(axes: Axes, part: pd.DataFrame) -> None:
    widths = pd.to_timedelta(part["seconds"].clip(lower=0.5), unit="s")
    axes.bar(part["started"], part["disturbed_percent"], width=widths, align="edge", color=style.VERMILLION, alpha=0.8)
    for _, row in part[part["waited_seconds"] > 0].iterrows():
        began = row["started"] - timedelta(seconds=row["waited_seconds"])
        axes.axvspan(began, row["started"], color=style.SKY, alpha=0.4, linewidth=0)


def _level(axes: Axes, part: pd.DataFrame, run: Run, level: str) -> None:
    ends = part["started"] + pd.to_timedelta(part["seconds"], unit="s")
    for loop in LOOPS:
        median = given(run).loc[(level, loop), "median"]
        axes.axhline(median, color=LOOKS[loop].colour, linewidth=0.7)
        axes.axhline((1 - LARGEST_DROP) * median, color=LOOKS[loop].colour, linewidth=0.7, linestyle=DROPPED)
        axes.plot(ends, part[f"{level}_{loop}_{GAVE}"], **LOOKS[loop].line, markersize=2.5, linewidth=0.8)


def _time_axis(axes: Axes) -> None:
    locator = AutoDateLocator(tz=UTC, minticks=2, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))
    axes.set_xlabel("UTC")


def _note(table: pd.DataFrame, run: Run) -> str:
    waited = table["waited_seconds"].sum()
    low = sum(any(flag.startswith(f"{MEMORY} ") for flag in row["flags"]) for row in run.groups)
    told = f"{len(table)} groups; in {low} memory or the last-level cache gave {100 * LARGEST_DROP:.0f} % less"
    return f"{told} than the median until then: flagged; {waited:.0f} s were waited"
