"""Interactive charts: Vega-Lite, written by Altair, over the tables of the figures. A chart holds no rows: the page's
script gives it those of its table, and shows the same in a table beside it. Whatever a reader chooses is a parameter of
the chart, which an element of a form sets: so a keyboard reaches it, and a screen reader tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import altair as alt
import pandas as pd

from analysis import style
from analysis.page.found import MACHINE
from harness.reading import names

HEIGHT = 340
COLOURS = {
    style.BLUE: "var(--blue)",
    style.ORANGE: "var(--orange)",
    style.GREEN: "var(--green)",
    style.VERMILLION: "var(--vermillion)",
    style.PURPLE: "var(--purple)",
    style.SKY: "var(--sky)",
    style.GREY: "var(--grey)",
    style.BLACK: "var(--ink)",
}
"""The colours of the figures as the style sheet has them, for light and dark."""
SHAPES = {
    **{"s": "square", "^": "triangle-up", "o": "circle", "D": "diamond", "P": "cross", "v": "triangle-down"},
    **{"<": "triangle-left", "X": "triangle-right", "*": "arrow"},
}
PLAIN = [style.Style(colour, marker, "-") for colour, marker in zip(COLOURS, SHAPES, strict=False)]
DOT = 2.2
"""Pixels of the unit of dashes."""
QUANTITY = "quantity"
"""The column that tells what is shown, where that is chosen: each has series of its own."""
SWITCHES = {
    MACHINE: "Machine",
    "run": "Run",
    "isa": "ISA",
    "compiler": "Compiler",
    "output": "Output",
    "threads": "Threads",
    "vectors": "Vectors",
    "distribution": "Inputs",
    QUANTITY: "Show",
}
"""Columns that a reader chooses one value of, and what the choice is called."""
SORTED = (MACHINE, "threads")
"""Columns whose values are offered in the same order everywhere."""
MOST_BUTTONS = 3
"""Of more values one is chosen from a list."""
ROUND = "indexof('125', slice(format(datum.value, 'e'), 0, 1)) >= 0"
"""Which values of a logarithmic axis are written beside it: those with a leading 1, 2 or 5."""


@dataclass(frozen=True)
class Axis:
    """A column of a table as an axis."""

    column: str
    title: str
    is_log: bool = False
    kind: str = "Q"
    form: str = ".3~s"

    def of(self, channel: Callable[..., Any]) -> Any:
        """The encoding."""
        scale = alt.Scale(type="log", nice=False, padding=8) if self.is_log else alt.Scale(zero=False)
        if self.kind == "T":
            return channel(f"{self.column}:T", title=self.title, scale=alt.Scale(type="utc"))
        if self.kind != "Q":
            axis = alt.Axis(labelAngle=0, labelExpr="split(datum.label, ' ')")  # a word a line: a phone is narrow
            return channel(f"{self.column}:{self.kind}", title=self.title, sort=None, axis=axis)
        told = "upper(format(datum.value, '~s'))" if self.column == ELEMENTS.column else "datum.label"
        form = ".0e" if self.form.endswith("e") else "~s" if self.is_log else ".3~f"
        axis = alt.Axis(format=form, **({"labelExpr": f"{ROUND} ? {told} : ''"} if self.is_log else {}))
        return channel(f"{self.column}:Q", title=self.title, scale=scale, axis=axis)


ELEMENTS = Axis("elements", "elements of the vector", is_log=True)


@dataclass(frozen=True)
class Lines:
    """Lines with intervals: of columns VALUE_median, _low, _high of the axis y, or of one column VALUE."""

    x: Axis
    y: Axis
    series: str
    """The column whose values have a line each."""
    switches: Sequence[str] = ()
    tells: Mapping[str, str] = field(default_factory=dict)
    """Columns that a point tells when it is pointed at, and what they are called."""
    looks: Mapping[str, style.Style] = field(default_factory=dict)
    """Of the series, by their names; the others share out what is left."""
    marks: Sequence[tuple[float, str]] = ()
    """Values of y with a line of their own, and what that is."""
    caches: bool = False
    """Whether x is a length, among which the boundaries of caches are shown."""
    joined: bool = True
    """Whether neighbours are joined by a line."""

    def chart(self, name: str, table: pd.DataFrame) -> alt.LayerChart:
        """The chart of the rows called `name`, which are those of `table`."""
        switches = [one for one in self.switches if one in table]
        interval = f"{self.y.column}_low" in table
        middle = f"{self.y.column}_median" if interval else self.y.column
        zoom = alt.selection_interval(
            name="zoom",
            bind="scales",
            # A page is scrolled by the wheel and by a finger, so a chart is zoomed with a key, and moved by a mouse.
            zoom="wheel![event.shiftKey || event.ctrlKey]",
            translate="[mousedown, window:mouseup] > window:mousemove!",
        )
        looks = looks_of(list(dict.fromkeys(table[self.series])), self.looks)
        base = filtered(alt.Chart(alt.NamedData(name)), switches).encode(x=self.x.of(alt.X), opacity=seen(self.series))
        y = Axis(middle, self.y.title, self.y.is_log, form=self.y.form).of(alt.Y)
        colour, shape, dash = (
            partial(scaled, channel, self.series, looks, part)
            for channel, part in ((alt.Color, colour_of), (alt.Shape, shape_of), (alt.StrokeDash, dashes_of))
        )
        points = base.mark_point(clip=True, filled=True, size=55, aria=False)
        points = points.encode(y, colour(), shape(), tooltip=[*self._tooltip(table, middle, interval)])
        layers = [points.add_params(zoom) if self.x.kind in "QT" else points]
        if self.joined:
            lines = base.mark_line(clip=True, strokeWidth=1.8, aria=False)
            layers.append(lines.encode(y, colour(), dash()))
        if interval:
            ends = {"y": f"{self.y.column}_low:Q", "y2": f"{self.y.column}_high:Q"}
            layers.append(base.mark_rule(clip=True, strokeWidth=1.6, aria=False).encode(colour(), **ends))
        layers += [mark(value, told, self.y) for value, told in self.marks]
        if self.caches:
            layers.append(boundaries(switches, self.x))
        entries = Entries(self.series, looks, self.joined)
        return framed(alt.layer(*layers), table, switches, entries)

    def _tooltip(self, table: pd.DataFrame, middle: str, interval: bool) -> list[alt.Tooltip]:
        quantity = self.y.title.split(", ")[0]
        told = [alt.Tooltip(f"{self.series}:N", title=self.series.replace("_", " "))]
        how = {"T": {"timeUnit": "utchoursminutesseconds"}, "Q": {"format": ","}}.get(self.x.kind, {})
        told.append(alt.Tooltip(f"{self.x.column}:{self.x.kind}", title=self.x.title.split(" of ")[0], **how))
        told.append(alt.Tooltip(f"{middle}:Q", title=quantity, format=self.y.form))
        if interval:
            ends = ((f"{self.y.column}_{end}", text) for end, text in (("low", "interval from"), ("high", "to")))
            told += [alt.Tooltip(f"{column}:Q", title=text, format=self.y.form) for column, text in ends]
        kinds = {column: "Q" if pd.api.types.is_numeric_dtype(table[column]) else "N" for column in table}
        more = {**{name: text for name, text in SWITCHES.items() if name in self.switches}, **self.tells}
        return told + [alt.Tooltip(f"{name}:{kinds[name]}", title=text) for name, text in more.items() if name in kinds]


@dataclass(frozen=True)
class Bars:
    """Stacked bars: the parts of a whole, a bar for each value of `rows`."""

    rows: str
    value: Axis
    part: str
    switches: Sequence[str] = ()
    tells: Mapping[str, str] = field(default_factory=dict)

    def chart(self, name: str, table: pd.DataFrame) -> alt.LayerChart:
        """The chart of the rows called `name`, which are those of `table`."""
        switches = [one for one in self.switches if one in table]
        looks = looks_of(list(dict.fromkeys(table[self.part])), {})
        value = f"{self.value.column}_median"
        tooltip = [alt.Tooltip(f"{name}:N") for name in (self.rows, self.part)]
        tooltip += [
            alt.Tooltip(f"{self.value.column}_{end}:Q", title=text, format=self.value.form)
            for end, text in (("median", self.value.title), ("low", "interval from"), ("high", "to"))
        ]
        tooltip += [alt.Tooltip(f"{name}:Q", title=text) for name, text in self.tells.items()]
        order = list(dict.fromkeys(table[self.rows]))
        bars = filtered(alt.Chart(alt.NamedData(name)), switches).mark_bar(aria=False, stroke="var(--paper)")
        bars = bars.encode(
            x=alt.X(f"{value}:Q", title=self.value.title, stack="zero"),
            y=alt.Y(f"{self.rows}:N", title=None, sort=order, axis=alt.Axis(labelLimit=160)),
            color=scaled(alt.Color, self.part, looks, colour_of),
            opacity=seen(self.part),
            tooltip=tooltip,
        )
        return framed(alt.layer(bars), table, switches, Entries(self.part, looks, None), height=46 * len(order))


Plot = Lines | Bars


@dataclass(frozen=True)
class Entries:
    """The entries of a chart's legend, which the page's script writes as a form."""

    column: str
    looks: Mapping[str, style.Style]
    joined: bool | None
    """Whether the marks are joined by lines; None where they are bars."""

    def told(self) -> dict[str, Any]:
        """As the script reads them: column, and for each value colour, shape of its marks and dashes of its line."""
        looks = {
            name: {
                "colour": colour_of(look),
                "shape": "square" if self.joined is None else shape_of(look),
                "dashes": dashes_of(look) if self.joined else None,
            }
            for name, look in self.looks.items()
        }
        return {"column": self.column, "looks": looks}


FOLLOWED = "followed"
"""The parameter that holds the values which a reader follows."""


def seen(column: str) -> Any:
    """The opacity that has the others step back where values of a column are followed."""
    is_seen = f"!length({FOLLOWED}) || indexof({FOLLOWED}, datum.{column}) >= 0"
    return alt.when(is_seen).then(alt.value(1.0)).otherwise(alt.value(0.07))


def looks_of(held: Sequence[str], own: Mapping[str, style.Style]) -> dict[str, style.Style]:
    """A look for each series; those without one of their own share out the plain ones that are left."""
    taken = {own[name].colour for name in held if name in own}
    left = [look for look in PLAIN if look.colour not in taken] or PLAIN
    others = [name for name in held if name not in own]
    shared = {name: left[place % len(left)] for place, name in enumerate(others)}
    return {name: own[name] if name in own else shared[name] for name in held}


def colour_of(look: style.Style) -> str:
    """The colour of a series on the page."""
    return COLOURS[look.colour]


def shape_of(look: style.Style) -> str:
    """The shape of its marks, as Vega calls it."""
    return SHAPES.get(look.marker, "circle")


def dashes_of(look: style.Style) -> list[float]:
    """The dashes of its line in pixels."""
    return [1.0, 0.0] if isinstance(look.dashes, str) else [round(DOT * part, 1) for part in look.dashes[1]]


def scaled(channel: Callable[..., Any], column: str, looks: Mapping[str, style.Style], part: Callable[..., Any]) -> Any:
    """An encoding of a series by one part of its look."""
    scale = alt.Scale(domain=list(looks), range=[part(look) for look in looks.values()])
    return channel(f"{column}:N", scale=scale, legend=None)


def filtered(chart: alt.Chart, switches: Sequence[str]) -> alt.Chart:
    """The rows of what was chosen."""
    for column in switches:
        chart = chart.transform_filter(f"datum.{column} == {column}")
    return chart


def framed(
    chart: alt.LayerChart, table: pd.DataFrame, switches: Sequence[str], entries: Entries, height: int = HEIGHT
) -> alt.LayerChart:
    """The chart as wide as the page allows, with its legend, and its switches, which choose the first row's values at
    first."""
    chosen = [switch(column, table[column]) for column in switches]
    followed = alt.param(name=FOLLOWED, value=[])
    return chart.add_params(*chosen, followed).properties(
        width="container", height=height, usermeta={"entries": entries.told()}
    )


def switch(column: str, values: pd.Series) -> alt.Parameter:
    """What chooses one of a column's values, of which the first is chosen. One alone leaves nothing to choose; only the
    machine is named all the same."""
    first, *others = (value.item() if hasattr(value, "item") else value for value in dict.fromkeys(values))
    if not others and column != MACHINE:
        return alt.param(name=column, value=first)
    every = sorted([first, *others]) if column in SORTED else [first, *others]
    kind = alt.binding_radio if len(every) <= MOST_BUTTONS else alt.binding_select
    return alt.param(name=column, value=first, bind=kind(options=every, name=SWITCHES[column]))


def mark(value: float, told: str, y: Axis) -> alt.LayerChart:
    """A line at one value of y, with what it is."""
    at = alt.Chart(alt.InlineData([{"value": value, "told": told}])).encode(y=alt.Y("value:Q", title=y.title))
    line = at.mark_rule(clip=True, strokeDash=[6, 4], color="var(--ink)", aria=False)
    if not told:
        return alt.layer(at.mark_rule(clip=True, color="var(--muted)", aria=False))
    words = at.mark_text(clip=True, align="left", baseline="bottom", dx=4, dy=-2, color="var(--ink)", aria=False)
    return alt.layer(line, words.encode(alt.XValue(0), alt.Text("told:N")))


def boundaries(switches: Sequence[str], x: Axis) -> alt.LayerChart:
    """Lines where the input alone fills each cache of the machine."""
    at = filtered(alt.Chart(alt.NamedData("caches")), [one for one in switches if one == MACHINE])
    at = at.encode(x=alt.X("elements:Q", title=x.title))
    line = at.mark_rule(clip=True, color="var(--line)", aria=False)
    words = {"clip": True, "align": "left", "baseline": "top", "dx": 3, "aria": False}
    looks = ({"stroke": "var(--paper)", "strokeWidth": 4}, {"color": "var(--muted)"})  # lines may run behind the words
    told = [at.mark_text(**words, **look).encode(alt.YValue(2), alt.Text("level:N")) for look in looks]
    return alt.layer(line, *told)


def algorithm_looks(algorithms: Sequence[str]) -> dict[str, style.Style]:
    """The figures' looks of algorithms, by the names that people use."""
    return {names.algorithm(name): look for name, look in style.algorithms(algorithms).items()}
