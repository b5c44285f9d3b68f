"""The bytes of figures."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.render import Rendered, rendered


def test_a_figure_is_three_files_in_two_folders() -> None:
    files = Rendered(b"svg", b"png", b"csv").files("speedup", Path("figures"), Path("tables"))
    assert {str(path): content for path, content in files.items()} == {
        "figures/speedup.svg": b"svg",
        "figures/speedup.png": b"png",
        "tables/speedup.csv": b"csv",
    }


def test_neither_the_date_nor_the_version_is_in_the_bytes() -> None:
    drawn = rendered(lambda: (Figure(), pd.DataFrame({"isa": ["avx2"], "time_median": [1.5]})))
    assert b"<dc:date>" not in drawn.svg and b"Matplotlib" not in drawn.png
    assert drawn.csv == b"isa,time_median\navx2,1.5\n"
