"""What memory and the last-level cache give at present, seen by the best plain loops between groups of questions."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.experiments.base import Question
from harness.experiments.conditions import LARGEST_DROP, LOOPS, MEMORY
from harness.record.caches import FLOAT_BYTES, HasCaches
from harness.record.exactness import TOO_FAST
from harness.record.run import Row
from harness.sampling.sampler import CLOCK_ERROR, PreparedContender, Repetition, Sample, Sampler

# A drop is one that so many looks at once show: what is over within some ms is no condition of a group of seconds.
TRIES = 3
# A sample with one of these flags says little of memory: it did not run all the time, or was timed wrongly.
UNTRUE = frozenset({"cpu-time", "stolen", CLOCK_ERROR, TOO_FAST})
# So many elements are moved in each look, by as many calls as that takes: some ms.
LOOK_ELEMENTS = 16 << 20

Key = tuple[int, str]
"""Elements, and what is done to them: one of LOOPS."""
Turns = list[tuple[int, Sample]]
"""A round: each contender's index, with its sample."""


def calls_of(elements: int) -> int:
    """The calls of a look. Not measured, so that all looks of a run are alike, whichever process makes them."""
    return max(1, LOOK_ELEMENTS // elements)


def reaches(question: Question, level: int, machine: HasCaches) -> bool:
    """Whether the operands of one call come from where those of a look at so many elements (`level`) come from, or from
    beyond: from memory where they do not fit the last-level cache, from there where they do not fit L2."""
    vectors = 1 if question.joint else question.threads
    holds = machine.last_cache_bytes if machine.is_out_of_cache(level) else machine.cache_bytes(2)
    return 2 * FLOAT_BYTES * question.elements * vectors > holds


@dataclass
class Conditions:
    """Looks at the conditions with one sampler, by questions of the same loops (LOOPS, in this order) at one length
    each; none where a run does not ask for them."""

    sampler: Sampler
    questions: Sequence[Question]
    times: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Nanoseconds per call of all looks of the run so far that are true."""
    lacking: frozenset[int] = frozenset()
    """The elements at which the last look found too little."""

    def learn(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes up what earlier looks of the run found, by their rows."""
        for row in (row for row in rows if not UNTRUE & {*row["flags"].split(";")}):
            self.times[int(row["elements"]), row["pass"]].append(int(row["nanoseconds"]) / int(row["calls"]))

    def look(self) -> list[Turns]:
        """One round of each question. Of each loop it is the best of several tries where the first shows a drop, or is
        not true."""
        taken = [self._taken(question) for question in self.questions]
        rounds = list(zip(self.questions, taken, strict=True))
        low = [q.elements for q, turns in rounds if any(self._is_low(q, index, its) for index, its in turns)]
        self.lacking = frozenset(low)
        for question, turns in rounds:
            for index, sample in turns:
                if not sample.flags & UNTRUE:
                    self.times[question.elements, LOOPS[index]].append(_per_call(sample))
        return taken

    def are_calm(self) -> bool:
        """Whether nothing lacks now. What is seen is not kept."""
        return not any(
            self._is_low(question, index, sample)
            for question in self.questions
            for index, sample in self._taken(question)
        )

    def _taken(self, question: Question) -> Turns:
        calls = calls_of(question.elements)
        with self.sampler.prepared(question) as prepared:
            return [
                (index, self._fastest(contender, question, index, Repetition(calls, calls)))
                for index, contender in enumerate(prepared)
            ]

    def _fastest(self, contender: PreparedContender, question: Question, index: int, how: Repetition) -> Sample:
        samples: list[Sample] = []
        while len(samples) < TRIES:
            samples.append(self.sampler.sample(contender, question, how))
            if not samples[-1].flags & UNTRUE and not self._is_low(question, index, samples[-1]):
                return samples[-1]
        return min(samples, key=lambda sample: (bool(sample.flags & UNTRUE), _per_call(sample)))

    def _is_low(self, question: Question, index: int, sample: Sample) -> bool:
        known = self.times[question.elements, LOOPS[index]]
        return (
            bool(known)
            and not sample.flags & UNTRUE
            and _per_call(sample) * (1 - LARGEST_DROP) > statistics.median(known)
        )


def _per_call(sample: Sample) -> float:
    return sample.nanoseconds[0] / sample.calls


def of_loops(question: Question, variants: Mapping[str, str]) -> Question:
    """The question of these variants alone, by the names of LOOPS, in their order."""
    by_name = {its.pass_name: its for its in question.contenders if variants.get(its.pass_name) == its.variant}
    return replace(question, contenders=tuple(by_name[name] for name in LOOPS))


def flagged(rows: Sequence[Row]) -> list[Row]:
    """The rows with the flag MEMORY beside those that they have."""
    return [{**row, "flags": ";".join(sorted({*filter(None, row["flags"].split(";")), MEMORY}))} for row in rows]


def best_loops(sampler: Sampler, questions: Sequence[Question]) -> dict[str, str]:
    """The variant of each loop, by its name, that has the smallest product of its best times over the `questions`, in
    which every variant takes part."""
    product: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for question in questions:
        calls = calls_of(question.elements)
        with sampler.prepared(question) as prepared:
            for contender, ready in zip(question.contenders, prepared, strict=True):
                tries = (sampler.sample(ready, question, Repetition(calls, calls)) for _ in range(TRIES))
                product[contender.pass_name, contender.variant] *= min(map(_per_call, tries))
    best: dict[str, str] = {}
    for name, variant in sorted(product, key=lambda its: product[its]):
        best.setdefault(name, variant)
    return best
