"""A figure as the bytes of its files: the same bytes from the same rows."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import pandas as pd
from matplotlib.figure import Figure

from analysis import across, figures, style
from harness.reading.evidence import Evidence
from harness.record.files import csv_bytes


@dataclass(frozen=True)
class Rendered:
    """The files of one figure."""

    svg: bytes
    png: bytes
    csv: bytes

    def files(self, name: str, figures: Path, tables: Path) -> dict[Path, bytes]:
        """The bytes of each file, by where it goes."""
        drawn = {figures / f"{name}.svg": self.svg, figures / f"{name}.png": self.png}
        return {**drawn, tables / f"{name}.csv": self.csv}


def render(name: str, evidence: Evidence) -> Rendered:
    """Draw a figure of a body of evidence, or of its newest run. Raises UnknownFigure, or MissingRows where it does not
    hold what the figure needs."""
    module, drawn = figures.load(name), figures.subject(name, evidence)
    return rendered(lambda: (module.draw(drawn), module.TABLE(drawn)))


def render_machines(machines: Sequence[across.Compared]) -> Rendered:
    """Draw the figure of all machines. Raises MissingRows where there is none."""
    return rendered(lambda: (across.draw(machines), across.table(machines)))


def rendered(draw: Callable[[], tuple[Figure, pd.DataFrame]]) -> Rendered:
    """Draw in this project's style, whatever a person's own settings are."""
    with matplotlib.style.context(style.RC, after_reset=True):
        figure, table = draw()
        settle(figure)
        svg, png = io.BytesIO(), io.BytesIO()
        # The date and Matplotlib's version would make every file, or every upgrade, differ.
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=200, metadata={"Software": None})
    return Rendered(svg.getvalue(), png.getvalue(), csv_bytes(table))


def settle(figure: Figure) -> None:
    """Lays the figure out once for all. The solver's last digits differ from one time to the next, so they are rounded
    away: an SVG tells of them."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(value, 6) for value in axes.get_position().bounds])
