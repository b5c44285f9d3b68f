"""A figure as the bytes of its files: the same bytes from the same rows."""

import io
from dataclasses import dataclass

import matplotlib.style

from analysis import figures, style
from analysis.rows import Run


@dataclass(frozen=True)
class Rendered:
    """The files of one figure."""

    svg: bytes
    png: bytes
    csv: bytes


def render(name: str, run: Run) -> Rendered:
    """Draw a figure of a run. Raises UnknownFigure, or MissingRows where the run does not hold what it needs."""
    module = figures.load(name)
    with matplotlib.style.context(style.RC, after_reset=True):
        figure, table = module.draw(run)
        svg, png = io.BytesIO(), io.BytesIO()
        # The date and Matplotlib's version would make every file, or every upgrade, differ.
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=200, metadata={"Software": None})
    # Six digits are more than any timing carries; pandas' own choice of digits is not the same on every platform.
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return Rendered(svg.getvalue(), png.getvalue(), text.encode("utf-8"))
