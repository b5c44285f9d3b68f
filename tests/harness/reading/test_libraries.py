"""What production libraries do: README shows what config/libraries.yaml says."""

from harness import peers
from harness.reading.libraries import load_libraries, markdown
from harness.record.files import ROOT

# Floats for each element that a pass of these parts reads and writes.
FLOATS = {"max": 1, "copy": 2, "scale": 2, "sum": 1, "exp, store": 2, "exp, sum, store": 2}


def test_the_readme_has_this_table():
    assert markdown() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_traffic_is_that_of_the_passes():
    for its in load_libraries():
        assert sum(FLOATS[part.strip()] for part in its["passes"].split(";")) == its["floats"], its["library"]


def test_compiled_peers_that_are_measured_are_in_the_table():
    titles = {peers.module(name).TITLE for name in peers.names()} - {"NumPy", "SciPy"}
    assert titles <= {its["library"] for its in load_libraries()}
