"""The known answers of a run; what they say about its other numbers is `harness.reading.trust`."""

from analysis.tables import made_once
from harness.reading.trust import Verdict, originals, verdict
from harness.statistics import controls

__all__ = ["Verdict", "differences", "originals", "verdict"]

differences = made_once(controls.differences)
