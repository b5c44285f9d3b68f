"""A run that has begun: what the one process of it that plans, and those that measure, both know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.experiments.base import Roster
from harness.native.extensions import Host, load_kernels
from harness.record import store
from harness.record.configuration import Config
from harness.record.run import Record, Skipped
from harness.run.exclusion import usable
from harness.run.plan import Plan

Pair = tuple[str, str]
"""Compiler and ISA."""


@dataclass
class Begun:
    """A run in progress: its folder, what is known of it so far, its plan, and the host that it is measured on. What is
    known is never changed, but replaced."""

    folder: Path
    record: Record
    plan: Plan
    host: Host

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.plan.config

    @property
    def pairs(self) -> list[Pair]:
        """Every (compiler, ISA) that is measured."""
        return list(dict.fromkeys((item.compiler, item.isa) for item in self.plan.items))

    def rosters(self, pairs: Iterable[Pair] | None = None) -> dict[Pair, Roster]:
        """Of each (compiler, ISA) the kernels that may be used, in the variants that are chosen so far."""
        rest = (self.record.tuning, tuple(self.record.peers.libraries))
        excluded = self.record.excluded or ()
        tables = {pair: usable(load_kernels(self.host.folder, *pair), excluded) for pair in pairs or self.pairs}
        return {pair: Roster(self.config, table, *rest) for pair, table in tables.items()}

    def seconds_to_wait(self, seconds: float) -> float:
        """How long a run of so many seconds may wait for a calm machine, in all."""
        return self.plan.protocol["waiting_percent"] / 100 * seconds

    def learn(self, **known: Any) -> None:
        """Has this be known of the run."""
        self.record = replace(self.record, **known)

    def write(self, **known: Any) -> None:
        """Has this be known of the run, and writes it."""
        self.learn(**known)
        store.write_record(self.folder, self.record)

    def skip(self, item: Skipped) -> None:
        """Says that something was not done, and has the run say so, once."""
        print(f"  skipped: {item}")
        self.learn(skipped=tuple(dict.fromkeys([*self.record.skipped, item])))
