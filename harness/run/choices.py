"""What is known of variants before they are tuned, which of them each process looks at, and which are chosen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.experiments.base import Roster
from harness.machine import identity
from harness.record import store
from harness.record.errors import HarnessError
from harness.record.machines import emulator
from harness.record.run import PassKey, Record, Row, by_pass
from harness.run.begun import Begun, Pair
from harness.sampling.tuning import Field, fields_of
from harness.statistics import variants
from harness.statistics.variants import FIRST_LOOK, Favoured


@dataclass(frozen=True)
class Choices:
    """The choice of a variant for each pass of some (compiler, ISA): among the kernels of their rosters, of which some
    are `favoured`; `most` finalists, and those that are favoured, are looked at more than once."""

    rosters: Mapping[Pair, Roster]
    favoured: Mapping[PassKey, Favoured]
    most: int

    @classmethod
    def of(cls, run: Begun, rooms: Iterable[Path]) -> Choices:
        """Those of a run; earlier runs lie in folders ROOM/MACHINE/RUN. Raises HarnessError where a variant is wanted
        that there is not."""
        rosters, earlier = run.rosters(), earlier_choices(run.record, rooms)
        wanted = identity.wanted_variants(run.config["tuning"], run.record.machine.name)
        favoured = {}
        for (compiler, isa), roster in rosters.items():
            published, ours = identity.published(isa), wanted.get(isa, {})
            for name in roster.passes:
                if ours.get(name) not in (None, *variants_of(roster, name)):
                    raise HarnessError(f"tuning: {name} has no variant {ours[name]}")
                key = (compiler, isa, name)
                favoured[key] = Favoured(published.get(name, {}), ours.get(name), earlier.get(key, ()))
        return cls(rosters, favoured, run.plan.protocol["tuner"]["finalists"])

    def fields(self, process: int, measured: Sequence[Row]) -> list[Field]:
        """What a process of tuning looks at: the first at all variants, those after it at what the rows of the first
        leave."""
        known = by_pass(measured)
        found: list[Field] = []
        for pair, roster in self.rosters.items():
            chosen = {}
            for name in roster.passes:
                key = (*pair, name)
                if process == FIRST_LOOK:
                    chosen[name] = variants.by_promise(variants_of(roster, name), self.favoured[key])
                else:
                    chosen[name] = variants.finalists(known[key], self.favoured[key], self.most)
            found += fields_of(roster, pair, chosen)
        return found

    def table(self, measured: Sequence[Row]) -> list[Row]:
        """A run's table `tuning`, of the rows of all processes."""
        known = by_pass(measured)
        return [
            row
            for key, favoured in self.favoured.items()
            for row in variants.table(known[key], variants_of(self.rosters[key[:2]], key[2]), favoured)
        ]


def variants_of(roster: Roster, name: str) -> list[str]:
    """The variants of a pass, in the order of the table of kernels."""
    return [kernel.variant for kernel in roster.kernels if kernel.name == name]


def earlier_choices(record: Record, rooms: Iterable[Path]) -> dict[PassKey, list[str]]:
    """What complete runs of the same kernels on the same processor chose by time, the most frequent choice first, of
    equally frequent ones the newest. Smoke runs, which claim nothing, are not asked."""
    runs = sorted((run for room in rooms for run in _complete(room) if _are_alike(run, record)), key=_ended)
    counts: defaultdict[PassKey, Counter[str]] = defaultdict(Counter)
    for run in reversed(runs):
        for row in run.tuning:
            if row["chosen"] and row["elements"] is None and row.get("chosen_by") != "paper":
                counts[row["compiler"], row["isa"], row["pass"]][row["variant"]] += 1
    return {key: [variant for variant, _ in count.most_common()] for key, count in counts.items()}


def _complete(room: Path) -> Iterator[Record]:
    for path in sorted(room.glob(f"*/*/{store.INFO}")):
        # Whoever draws runs says which of them are damaged.
        with suppress(HarnessError):
            run = store.read_record(path.parent)
            if run.is_complete and not run.protocol.is_smoke:
                yield run


def _are_alike(one: Record, other: Record) -> bool:
    """Whether two runs are of the same kernels on the same processor."""
    same = all(
        getattr(one.machine, name) == getattr(other.machine, name) for name in ("brand", "family", "model", "stepping")
    )
    return same and one.kernels_hash == other.kernels_hash is not None and emulator(one) == emulator(other)


def _ended(run: Record) -> str:
    return run.ended or ""
