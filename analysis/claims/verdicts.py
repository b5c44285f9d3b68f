"""The paper's claims and our own findings, judged by the runs that are on disk: never built, never measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from analysis.claims.claims import Claim
from analysis.claims.measured import Measured
from analysis.claims.quantities import QUANTITIES
from harness.reading import names
from harness.reading.evidence import Evidence, bodies, doubts
from harness.reading.trust import Verdict, verdict
from harness.record import exactness
from harness.record.errors import MissingRows, one_line
from harness.record.machines import Machine, emulator, is_evidence, load_machines, mistaken
from harness.record.samples import Run
from harness.statistics import controls
from harness.statistics.intervals import TARGET_CONFIDENCE

REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_RUN = "reproduced", "not reproduced", "inconclusive", "not run"
ELSEWHERE = {REPRODUCED: "generalizes", NOT_REPRODUCED: "does not generalize", INCONCLUSIVE: INCONCLUSIVE}
"""What the same finding is called on a machine that the claim is not about."""


@dataclass(frozen=True)
class Judgement:
    """A claim and what one machine says about it."""

    claim: Claim
    machine: str
    """The claim's machine, or the one that it was tried on."""
    is_native: bool
    """Whether the claim is about this machine; otherwise what it shows is generalization."""
    verdict: str
    reason: str
    run: str = ""
    measured: Measured | None = None
    model: str = ""
    """What the model expects of a machine that has no run: a prediction, which decides nothing."""


@dataclass(frozen=True)
class Said:
    """What the runs of one machine say of all claims: all that is needed of them for the verdicts."""

    judgements: Mapping[str, Sequence[Judgement]]
    """By the claim's id: one, or none where the machine cannot be asked."""
    own: frozenset[str]
    """Claims that are about this machine, and of which these runs are evidence."""
    no_evidence: Mapping[str, str]
    """By known machines that these runs are taken for: which run, and why it is none of that machine."""
    trust: Sequence[str]
    """Of each run, in a line."""


def of_machine(claims: Sequence[Claim], machine: str, runs: Sequence[Run]) -> Said:
    """What the runs of a machine say, those first that are preferred: the first body of evidence that can be asked
    answers, one with a null test before one without."""
    known, own, judgements = load_machines(), set(), {}
    asked_first = sorted(bodies(runs), key=lambda body: not controls.are_in(body.newest))
    for claim in claims:
        asked, native = asked_first, claim.machine is None
        if machine == claim.machine:
            its = [body for body in asked_first if is_evidence(known[machine], body.newest)]
            asked, native = (its, True) if its else (asked_first, False)
        own |= {claim.id} if native and claim.machine else set()
        asked = [body for body in asked if native or _has_isa(claim, body.newest)]
        judgements[claim.id] = _first_answer(judge(claim, machine, body, native) for body in asked)
    found = ((name, run, mistaken(its, run)) for name, its in known.items() for run in reversed(runs))
    no_evidence = {name: f"{run.name} is none: {reason}" for name, run, reason in found if reason}
    return Said(judgements, frozenset(own), no_evidence, [_trust(machine, run) for run in runs])


def look(claims: Iterable[Claim], run: Run) -> None:
    """Makes of a run what its body is judged by, which is kept with it (`made_once`): so one process can do so for each
    run."""
    verdict(run)
    for claim in claims:
        of_run = QUANTITIES[claim.quantity].of_run
        if of_run and _has_isa(claim, run):
            with suppress(MissingRows):
                of_run(run, claim.isa, *claim.asked)


def together(
    claims: Sequence[Claim], said: Mapping[str, Said], expects: Callable[[Claim], str] = lambda _: ""
) -> list[Judgement]:
    """Every claim, on its own machine first and then on every other, by what each machine's runs say; `expects` tells
    what the model says of a claim whose machine has no run."""
    known, judgements = load_machines(), []
    for claim in claims:
        if claim.machine is not None and not any(claim.id in its.own for its in said.values()):
            needed, expected = _needed(known[claim.machine], said.values()), expects(claim)
            judgements.append(Judgement(claim, claim.machine, True, NOT_RUN, needed, model=expected))
        if claim.machine is None and not said:
            judgements.append(Judgement(claim, "any", True, NOT_RUN, "there is no run of any machine"))
        judgements += [judgement for its in said.values() for judgement in its.judgements[claim.id]]
    return judgements


def _first_answer(answers: Iterable[Judgement]) -> list[Judgement]:
    """The first that could be asked, or the first where none could: no more are judged than that takes."""
    first: list[Judgement] = []
    for answer in answers:
        if answer.verdict != NOT_RUN:
            return [answer]
        first = first or [answer]
    return first


def _has_isa(claim: Claim, run: Run) -> bool:
    return claim.isa in (None, *run.machine.isas)


def _needed(machine: Machine, said: Iterable[Said]) -> str:
    told = f"needs a run on {machine.product_told}: `make reproduce-all` there, `python -m harness adopt` here"
    others = [its.no_evidence[machine.name] for its in said if machine.name in its.no_evidence]
    return "; ".join([told, *others[:1]])


def judge(claim: Claim, machine: str, evidence: Evidence, is_native: bool) -> Judgement:
    """What a body of evidence says about a claim."""
    run, named = evidence.newest, " ".join(each.name for each in evidence.runs)
    if not _has_isa(claim, run):
        lacks = f"the processor lacks {names.ISAS[claim.isa or '']}"
        return Judgement(claim, machine, is_native, NOT_RUN, lacks, named)
    try:
        measured = QUANTITIES[claim.quantity].find(evidence, claim.isa, *claim.asked)
    except MissingRows as error:
        return Judgement(claim, machine, is_native, NOT_RUN, one_line(error), named)
    said, reason = compare(claim, measured, doubts(evidence))
    if run.protocol.is_smoke and not measured.is_counted:
        said, reason = INCONCLUSIVE, "a smoke run claims nothing"
    if wrong := exactness.faults(run):
        said, reason = INCONCLUSIVE, "; ".join(wrong)
    if told := emulator(run):
        said, reason = INCONCLUSIVE, f"an emulator measured this ({told})"
    if run.machine.overridden:
        said, reason = INCONCLUSIVE, "the machine's name was given, not detected"
    if not measured.is_counted:
        reason = f"{reason}; {evidence.told}"
    return Judgement(claim, machine, is_native, said if is_native else ELSEWHERE[said], reason, named, measured)


def compare(claim: Claim, measured: Measured, doubts: Verdict) -> tuple[str, str]:
    """Verdict and reason: reproduced where the whole interval, widened by the noise floor, lies where the claim agrees;
    not reproduced where none of it does. One more run must not turn it: the prediction interval of the next run, where
    it is known, has to say the same."""
    if not measured.is_counted:
        if doubt := doubts.doubt(claim.isa or ""):
            return INCONCLUSIVE, f"{doubt}; {measured.detail}"
        if measured.confidence < TARGET_CONFIDENCE:
            return INCONCLUSIVE, (
                f"too few processes: the interval holds with {100 * measured.confidence:.1f} % only; {measured.detail}"
            )
    floor = 0.0 if measured.is_counted else doubts.floor_in(measured.region)
    told = measured.detail if measured.is_counted else f"noise floor {floor:.2g}{claim.unit}; {measured.detail}"
    said = _agreement(claim, measured.low, measured.high, floor)
    if said == INCONCLUSIVE:
        return said, f"interval and noise floor reach both sides of the limit; {told}"
    if measured.next_run and _agreement(claim, *measured.next_run, floor) != said:
        low, high = measured.next_run
        return (
            INCONCLUSIVE,
            f"one more run could turn this: it would find {low:+.1f} to {high:+.1f}{claim.unit}; {told}",
        )
    return said, told


def _agreement(claim: Claim, low: float, high: float, floor: float) -> str:
    """What an interval says of a claim."""
    least, most = claim.region
    if least + floor <= low and high <= most - floor:
        # What must be above something is not there yet at it.
        return INCONCLUSIVE if claim.agrees == "above" and low == least else REPRODUCED
    return NOT_REPRODUCED if high < least - floor or low > most + floor else INCONCLUSIVE


def strict_status(judgements: Sequence[Judgement]) -> int:
    """1 where a claim of the paper that could be tested is not reproduced, 2 where none could be tested, 0 otherwise.
    What another machine than the claim's shows tests nothing, nor does what kernels declare of themselves."""
    tested = [
        j.verdict
        for j in judgements
        if j.claim.whose == "paper"
        and j.is_native
        and j.verdict in (REPRODUCED, NOT_REPRODUCED)
        and not (j.measured and j.measured.is_declared)
    ]
    if not tested:
        return 2
    return int(NOT_REPRODUCED in tested)


def _trust(machine: str, run: Run) -> str:
    found, which = verdict(run), f"{machine} ({run.machine.brand}), run {run.name}"
    if found.faults:
        return f"{which}: {'; '.join(found.faults)}"
    blind = "".join(f"; {names.ISAS[isa]}: {text}" for isa, text in found.unresolved.items())
    return f"{which}: noise floor {found.floor_percent:.2g} % ({found.floor_is_of}); {found.told}{blind}"
