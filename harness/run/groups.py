"""Questions are asked in groups of some seconds, with a look at the conditions before and after each."""

from __future__ import annotations

import statistics
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from harness.experiments.base import Question
from harness.machine.processes import tell
from harness.record.journal import Journal, rows_in
from harness.record.run import Record, Row, question_key
from harness.sampling.conditions import Conditions, flagged, reaches
from harness.sampling.pacing import Pacer
from harness.sampling.sampler import Sample, Sampler, Sampling, enough_rounds

# A group ends with the question after which it has taken so long: a kill loses no more, and a drop of memory is told
# from the calm beside it. On a loud Zen 3 0.18 s lay between two groups (looks, of which the loops took 0.03 s, and
# what it takes to keep a group), 3 % of the time.
GROUP_SECONDS = 3.0
# How often a question is asked in one process at most.
MOST_ASKED = 2
CANARIES = ("clock_nanoseconds", "throughput_nanoseconds")


def rows_of(question: Question, process: int, round_: int, taken: Iterable[tuple[int, Sample]]) -> list[Row]:
    """The rows of one round: of each sample one, or one for each pass of a contender that is split."""
    return [
        {
            "experiment": question.experiment,
            "compiler": question.compiler,
            "isa": question.isa,
            "algorithm": question.contenders[index].algorithm,
            "pass": name,
            "variant": variant,
            "elements": question.elements,
            "threads": question.threads,
            "cache_state": question.cache_state,
            "process": process,
            "round": round_,
            "position": position,
            "calls": sample.calls,
            "nanoseconds": nanoseconds,
            "clock_nanoseconds": sample.clock_nanoseconds,
            "throughput_nanoseconds": sample.throughput_nanoseconds,
            "flags": ";".join(sorted(sample.flags)),
        }
        for position, (index, sample) in enumerate(taken)
        for (name, variant), nanoseconds in zip(question.contenders[index].rows, sample.nanoseconds, strict=True)
    ]


def measure_question(sampler: Sampler, question: Question, process: int, how: Sampling, first: int = 0) -> list[Row]:
    """The rows of one question in one process, the `first` round under this number. Disturbed samples are kept, with
    flags."""
    taken = enumerate(enough_rounds(sampler, question, how), start=first)
    return [row for round_, samples in taken for row in rows_of(question, process, round_, samples)]


def is_disturbed(question: Question, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether statistics have nothing else than disturbed samples for a point: no round without a flag or, where
    samples are judged on their own, none of most contenders."""
    by_round: dict[Any, list[bool]] = {}
    by_contender: dict[Any, list[bool]] = {}
    for row in rows:
        calm = not row["flags"]
        by_round.setdefault(int(row["round"]), []).append(calm)
        by_contender.setdefault((row["algorithm"], row["pass"], row["variant"]), []).append(calm)
    if question.paired:
        return not any(map(all, by_round.values()))
    return 2 * sum(map(any, by_contender.values())) < len(by_contender)


@dataclass(frozen=True)
class Where:
    """What groups are of: a process of a run, and the journal that keeps them."""

    record: Record
    process: int
    journal: Journal

    def seconds(self) -> float:
        """Since the run's start, by the system's clock, so that it goes on in a run that is resumed."""
        return max(0.0, time.time() - datetime.fromisoformat(self.record.started).timestamp())


@dataclass
class Group:
    """A group in progress: when it began, in seconds since the run's start, how long was waited before that, the round
    of the look before, and the elements at which that found too little."""

    started: float
    waited: float
    before: int | None
    lacking: frozenset[int]
    full: float
    """When it ends, by time.monotonic, with the question that is asked then."""
    points: dict[str, list[Row]] = field(default_factory=dict)


class Groups:
    """Asks `questions`, by their keys, in groups, and keeps each group with its conditions when it is complete."""

    def __init__(self, where: Where, questions: Mapping[str, Question], conditions: Conditions, pacer: Pacer) -> None:
        self.where, self.questions, self.conditions, self.pacer = where, questions, conditions, pacer
        kept = where.journal.groups()
        self.count = len(kept)
        self.asked = Counter(key for group in kept for key in group.points)
        self.rows: dict[str, list[Mapping[str, Any]]] = {}
        for group in kept:
            for key, lines in group.points.items():
                self.rows.setdefault(key, []).extend(rows_in(lines))
        self.round = max((next_round(self.rows.get(_key(its), ())) for its in conditions.questions), default=0)
        self.looks: dict[str, list[Row]] = {}
        self.last_look: int | None = None
        self.group: Group | None = None
        self.beside = 0.0
        """Seconds that went into looks and waits."""

    def ask(self, key: str) -> None:
        """Measures a question, in the group in progress or a new one."""
        group = self.group = self.group or self._begun()
        question, known, record = self.questions[key], self.rows.get(key, []), self.where.record
        first = next_round(known)
        how = Sampling(
            record.protocol.rounds[question.experiment],
            record.protocol.sample_milliseconds * 1e6,
            record.seed + zlib.crc32(f"{self.where.process} {key} {first}".encode()),
            record.protocol.half_width_percent / 100,
            int(known[0]["calls"]) if known else None,
        )
        group.points[key] = measure_question(self.conditions.sampler, question, self.where.process, how, first)
        if time.monotonic() >= group.full:
            self.end()

    def end(self) -> None:
        """Ends the group in progress, if there is one: looks at the conditions, flags what they spoiled, and keeps all
        of it."""
        if not self.group:
            return
        group, self.group = self.group, None
        seconds = self.where.seconds() - group.started
        self._look()
        lacking = group.lacking | self.conditions.lacking
        points = {key: self._flagged(self.questions[key], rows, lacking) for key, rows in group.points.items()}
        kept = {**self.looks, **points}
        self.looks = {}
        self.where.journal.append(kept, self._told(group, seconds, kept))
        self.count += 1
        for key, rows in points.items():
            self.rows.setdefault(key, []).extend(rows)
            self.asked[key] += 1
            tell(**{"done" if self.asked[key] == 1 else "again": key})
            self.pacer.note(bool(row["flags"]) for row in rows)

    def disturbed(self) -> list[str]:
        """What may be asked once more, since statistics have nothing but disturbed samples of it."""
        return [
            key
            for key, question in self.questions.items()
            if 0 < self.asked[key] < MOST_ASKED and is_disturbed(question, self.rows[key])
        ]

    def _begun(self) -> Group:
        """A new group. The look that ended the last one begins this one too, unless there was a wait between them."""
        waited = self.pacer.wait()
        self.beside += waited
        if waited or self.last_look is None:
            self._look()
        full = time.monotonic() + GROUP_SECONDS
        return Group(self.where.seconds(), waited, self.last_look, self.conditions.lacking, full)

    def _look(self) -> None:
        began = time.monotonic()
        for question, turns in zip(self.conditions.questions, self.conditions.look(), strict=True):
            rows = rows_of(question, self.where.process, self.round, turns)
            self.looks.setdefault(_key(question), []).extend(rows)
            self.last_look = self.round
        self.round += 1
        self.beside += time.monotonic() - began

    def _flagged(self, question: Question, rows: list[Row], lacking: Iterable[int]) -> list[Row]:
        machine = self.where.record.machine
        return flagged(rows) if any(reaches(question, level, machine) for level in lacking) else rows

    def _told(self, group: Group, seconds: float, kept: Mapping[str, Sequence[Row]]) -> Row:
        """The row of `groups`."""
        rows = [row for rows in kept.values() for row in rows]
        flags = Counter(flag for row in rows for flag in row["flags"].split(";") if flag)
        return {
            "process": self.where.process,
            "group": self.count,
            "session": max(0, len(self.where.record.sessions) - 1),
            "started": round(group.started, 2),
            "seconds": round(max(0.0, seconds), 2),
            "waited": round(group.waited, 2),
            "questions": len(group.points),
            "samples": len(rows),
            "disturbed": sum(row["flags"] != "" for row in rows),
            "flags": [f"{flag} {count}" for flag, count in sorted(flags.items())],
            **{name: statistics.median(row[name] for row in rows) for name in CANARIES},
            "before": group.before,
            "after": self.last_look,
        }


def next_round(rows: Iterable[Mapping[str, Any]]) -> int:
    """The number of the round that follows these rows of a question."""
    return 1 + max((int(row["round"]) for row in rows), default=-1)


def _key(question: Question) -> str:
    return question_key(question.experiment, question.compiler, question.isa, question.elements, question.threads)
