"""The paper's claims, and findings of our own, as data: config/claims.yaml."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.claims.quantities import ALGORITHMS, QUANTITIES
from harness.record import configuration
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
    than: str | None = None
    """Which algorithm `algorithm` is compared with."""

    @property
    def whose(self) -> str:
        """Whose claim it is: the paper's (paper), or a finding of this project (ours)."""
        return "ours" if self.origin == "ours" else "paper"

    @property
    def asked(self) -> tuple[str, ...]:
        """The algorithms that its quantity asks for."""
        return tuple(getattr(self, key) for key in QUANTITIES[self.quantity].asks)

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
    algorithms = configuration.load()["algorithms"]
    for claim in claims:
        if problem := _contradiction(claim, algorithms):
            raise BadConfiguration(f"{file}: {claim.id}: {problem}")
    ids = [claim.id for claim in claims]
    if repeated := next((name for name in ids if ids.count(name) > 1), None):
        raise BadConfiguration(f"{file}: two claims are called {repeated!r}")
    return claims


def _contradiction(claim: Claim, algorithms: Collection[str]) -> str | None:
    """What a claim names that is not there, or does not name, or names in vain, in words."""
    for key, known in (("quantity", QUANTITIES), ("machine", [None, *machine_names()])):
        if (given := getattr(claim, key)) not in known:
            return f"{key}: {given!r} is not one of {', '.join(filter(None, known))}"
    for key in ALGORITHMS:
        given, asked = getattr(claim, key), key in QUANTITIES[claim.quantity].asks
        if asked and given not in algorithms:
            return f"{key}: {given or 'nothing'} is not one of {', '.join(algorithms)}"
        if given and not asked:
            return f"{key}: {claim.quantity} asks for none"
    return None


def paper_percent(isa: str) -> Claim | None:
    """The claim of a largest speedup in this ISA: what figures draw as the paper's."""
    found = (c for c in load_claims() if (c.quantity, c.agrees, c.isa) == ("largest-speedup-percent", "within", isa))
    return next(found, None)
