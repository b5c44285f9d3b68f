"""The recorded traffic between the caches of every known machine: a simulation's, see `traffic_simulator`.

One row for each machine, cache state, algorithm, pass and length. `paper`: the passes of an algorithm one after the
other, X read before each call and Y in rotation. `warm`: a pass on its own, on the same X and Y each time; its
algorithm is `alone`, and it goes by the name of the bandwidth loop that moves what it moves (`loop_like`).

The other columns count lines of 64 bytes for each line of X, so a pass that reads X out of memory has load_memory = 1:
why a line moved, from where, to where.
  load_, allocate_  upwards for a load, or for a store that misses (read for ownership)
  clean_, dirty_    downwards: an unchanged line into a victim cache, or a changed one (write-back)
  non_temporal_     from the core to memory past all caches
Where L3 is a victim cache, what is fetched from memory goes to L2 directly: it is in load_memory, not in load_l3_l2.
"""

from pathlib import Path

import pandas as pd

from harness.record.files import ROOT
from harness.record.run import Pass
from harness.statistics.traffic import moved

RECORDED = ROOT / "results" / "model" / "traffic.csv"
KEYS = ("machine", "cache_state", "algorithm", "pass", "elements")
MOVED = (
    *("load_l2_l1", "load_l3_l2", "load_memory"),
    *("allocate_l2_l1", "allocate_l3_l2", "allocate_memory"),
    *("dirty_l1_l2", "clean_l2_l3", "dirty_l2_l3", "dirty_memory", "non_temporal_memory"),
)
ALONE = "alone"
LOOPS = ("load", "store", "copy", "copy_nt", "update")


def load_traffic(file: Path = RECORDED) -> pd.DataFrame:
    """The recorded table, with the columns KEYS and MOVED. Raises OSError where there is none."""
    return pd.read_csv(file)


def loop_like(kernel: Pass) -> str:
    """The bandwidth loop that moves the same lines as this kernel.

    Raises KeyError where none does.
    """
    loops = {(1, 0, 0): "load", (0, 0, 1): "store", (1, 0, 1): "copy", (0, 1, 1): "update"}
    return loops[moved(kernel)] + ("_nt" if kernel.non_temporal else "")
