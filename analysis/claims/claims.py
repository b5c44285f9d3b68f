"""The paper's claims, and findings of our own, as data: config/claims.yaml."""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.claims.quantities import QUANTITIES
from harness.record.documents import read_checked
from harness.record.errors import BadConfiguration
from harness.record.machines import CONFIG, machine_names

CLAIMS = CONFIG / "claims.yaml"


@dataclass(frozen=True)
class Claim:
    """One entry of config/claims.yaml, as its schema describes it."""

    id: str
    says: str
    origin: str
    machine: str | None
    """Whose claim it is; None: any machine's."""
    isa: str | None
    quantity: str
    value: float
    agrees: str
    tolerance: float
    tolerance_reason: str
    algorithm: str | None = None

    @property
    def whose(self) -> str:
        """Whose claim it is: the paper's (paper), or a finding of this project (ours)."""
        return "ours" if self.origin == "ours" else "paper"

    @property
    def unit(self) -> str:
        """The unit of `value` and `tolerance`, with a space before it where it has one."""
        return QUANTITIES[self.quantity].unit

    @property
    def claimed(self) -> str:
        """Value and tolerance in words."""
        value, tolerance = f"{self.value:g}{self.unit}", f"{self.tolerance:g}{self.unit}"
        if self.agrees == "above":
            return f"more than {value}"
        if self.agrees == "at-most":
            return f"at most {self.value + self.tolerance:g}{self.unit}"
        return value + (f" ± {tolerance}" if self.tolerance else "")

    @property
    def region(self) -> tuple[float, float]:
        """Between which values a measurement agrees."""
        if self.agrees == "above":
            return self.value, math.inf
        return (-math.inf if self.agrees == "at-most" else self.value - self.tolerance), self.value + self.tolerance


@cache
def load_claims(file: Path = CLAIMS) -> tuple[Claim, ...]:
    """The claims, in the order of the file. Raises BadConfiguration naming file, key and what is allowed."""
    claims = tuple(Claim(**entry) for entry in read_checked(file, "claims"))
    for claim in claims:
        for key, allowed in (("quantity", QUANTITIES), ("machine", [None, *machine_names()])):
            if (given := getattr(claim, key)) not in allowed:
                known = ", ".join(filter(None, allowed))
                raise BadConfiguration(f"{file}: {claim.id}: {key}: {given!r} is not one of {known}")
    ids = [claim.id for claim in claims]
    if repeated := next((name for name in ids if ids.count(name) > 1), None):
        raise BadConfiguration(f"{file}: two claims are called {repeated!r}")
    return claims


def paper_percent(isa: str) -> Claim | None:
    """The claim of a largest speedup in this ISA: what figures draw as the paper's."""
    found = (c for c in load_claims() if (c.quantity, c.agrees, c.isa) == ("largest-speedup-percent", "within", isa))
    return next(found, None)
