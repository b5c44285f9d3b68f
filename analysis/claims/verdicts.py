"""The paper's claims, judged by the runs that are on disk: never built, never measured."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.claims.quantities import QUANTITIES, Measured
from harness.record import exactness, names
from harness.record.claims import Claim
from harness.record.errors import MissingRows, one_line
from harness.record.machines import Machine, emulator, is_evidence, load_machines, mistaken
from harness.record.samples import Run
from harness.statistics import controls
from harness.statistics.ratios import TARGET_CONFIDENCE

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


def judge_all(
    claims: Iterable[Claim], runs: Mapping[str, Sequence[Run]], expects: Callable[[Claim], str] = lambda _: ""
) -> list[Judgement]:
    """Every claim, on its own machine first and then on every other that has runs. `runs` by machine, those first that
    are preferred: of one machine the first that can be asked answers, one with a null test before one without.
    `expects` tells what the model says of a claim whose machine has no run."""
    known = load_machines()
    judged = {
        machine: [(run, controls.judge(run)) for run in sorted(those, key=lambda run: not controls.are_in(run))]
        for machine, those in runs.items()
    }
    judgements = []
    for claim in claims:
        own = [
            run for run in runs.get(claim.machine or "", []) if is_evidence(known[claim.machine or ""], run.information)
        ]
        if claim.machine is not None and not own:
            needed, expected = _needed(known[claim.machine], runs), expects(claim)
            judgements.append(Judgement(claim, claim.machine, True, NOT_RUN, needed, model=expected))
        if claim.machine is None and not runs:
            judgements.append(Judgement(claim, "any", True, NOT_RUN, "there is no run of any machine"))
        for machine, those in judged.items():
            native = claim.machine is None or (machine == claim.machine and bool(own))
            asked = [(run, doubts) for run, doubts in those if not native or claim.machine is None or run in own]
            asked = [(run, doubts) for run, doubts in asked if _has_isa(claim, run) or native]
            answers = [judge(claim, machine, run, doubts, native) for run, doubts in asked]
            judgements += sorted(answers, key=lambda answer: answer.verdict == NOT_RUN)[:1]
    return judgements


def _has_isa(claim: Claim, run: Run) -> bool:
    return claim.isa in (None, *run.information["machine"]["isas"])


def _needed(machine: Machine, runs: Mapping[str, Sequence[Run]]) -> str:
    told = f"needs a run on {machine.product}, where `make reproduce-all` makes one, and `python -m harness adopt` here"
    for run in (run for those in runs.values() for run in those):
        if reason := mistaken(machine, run.information):
            return f"{told}; {run.information['run']} is none: {reason}"
    return told


def judge(claim: Claim, machine: str, run: Run, doubts: controls.Verdict, is_native: bool) -> Judgement:
    """What a run says about a claim."""
    name, information = run.information["run"], run.information
    if claim.isa is not None and claim.isa not in information["machine"]["isas"]:
        return Judgement(claim, machine, is_native, NOT_RUN, f"the processor lacks {names.ISAS[claim.isa]}", name)
    try:
        measured = QUANTITIES[claim.quantity](run, claim.isa, claim.algorithm)
    except MissingRows as error:
        return Judgement(claim, machine, is_native, NOT_RUN, one_line(error), name)
    verdict, reason = compare(claim, measured, doubts)
    if information["protocol"]["name"] == "smoke" and not measured.is_counted:
        verdict, reason = INCONCLUSIVE, "a smoke run claims nothing"
    if wrong := exactness.faults(information):
        verdict, reason = INCONCLUSIVE, "; ".join(wrong)
    if told := emulator(information):
        verdict, reason = INCONCLUSIVE, f"an emulator measured this ({told})"
    if information["machine"]["overridden"]:
        verdict, reason = INCONCLUSIVE, "the machine's name was given, not detected"
    return Judgement(claim, machine, is_native, verdict if is_native else ELSEWHERE[verdict], reason, name, measured)


def compare(claim: Claim, measured: Measured, doubts: controls.Verdict) -> tuple[str, str]:
    """Verdict and reason: reproduced where the whole interval, widened by the noise floor, lies where the claim agrees;
    not reproduced where none of it does."""
    if not measured.is_counted:
        if doubt := doubts.doubt(claim.isa or ""):
            return INCONCLUSIVE, f"{doubt}; {measured.detail}"
        if measured.confidence < TARGET_CONFIDENCE:
            return INCONCLUSIVE, (
                f"too few processes: the interval holds with {100 * measured.confidence:.1f} % only; {measured.detail}"
            )
    floor = 0.0 if measured.is_counted else doubts.floor
    low, high = claim.region
    told = measured.detail if measured.is_counted else f"noise floor {floor:.2g}{claim.unit}; {measured.detail}"
    if low + floor <= measured.low and measured.high <= high - floor:
        # What must be above something is not there yet at it.
        return (INCONCLUSIVE if claim.agrees == "above" and measured.low == low else REPRODUCED), told
    if measured.high < low - floor or measured.low > high + floor:
        return NOT_REPRODUCED, told
    return INCONCLUSIVE, f"interval and noise floor reach both sides of the limit; {told}"


def table(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row for each judgement; value, low and high in the unit of the claim, empty where nothing was measured."""
    return pd.DataFrame(
        [
            {
                "id": judgement.claim.id,
                "machine": judgement.machine,
                "about": judgement.claim.machine or "any",
                "isa": judgement.claim.isa or "any",
                "verdict": judgement.verdict,
                "value": judgement.measured.value if judgement.measured else math.nan,
                "low": judgement.measured.low if judgement.measured else math.nan,
                "high": judgement.measured.high if judgement.measured else math.nan,
                "confidence": judgement.measured.confidence if judgement.measured else math.nan,
                "unit": judgement.claim.unit.strip(),
                "claimed": judgement.claim.claimed,
                "run": judgement.run,
                "model_says": judgement.model,
                "reason": judgement.reason,
            }
            for judgement in judgements
        ]
    )


def strict_status(judgements: Sequence[Judgement]) -> int:
    """1 where a claim that could be tested is not reproduced, 2 where none could be tested, 0 otherwise. What another
    machine than the claim's shows tests nothing, nor does what kernels declare of themselves."""
    tested = [
        j.verdict
        for j in judgements
        if j.is_native and j.verdict in (REPRODUCED, NOT_REPRODUCED) and not (j.measured and j.measured.is_declared)
    ]
    if not tested:
        return 2
    return int(NOT_REPRODUCED in tested)


def report(judgements: Sequence[Judgement], runs: Mapping[str, Sequence[Run]]) -> str:
    """The verdicts as a page of Markdown."""
    lines = [
        "# What the paper claims, and what these runs say",
        "",
        "Verdicts on a claim's own machine: *reproduced* (the whole interval agrees), *not reproduced* (none of it",
        "does), *inconclusive*, *not run*. On any other machine: *generalizes*, *does not generalize*, *inconclusive*.",
        "Intervals are of the median over processes; that of a largest value holds for all lengths or passes at once.",
        "What the model says of a machine without a run is a prediction (10 to 90 %): it decides nothing.",
        "",
        "| claim | machine | verdict | measured | claimed | model says | why |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for judgement in judgements:
        verdict = f"**{judgement.verdict}**" if judgement.is_native else judgement.verdict
        claim = judgement.claim
        told_of = (verdict, _measured(judgement), claim.claimed, judgement.model, judgement.reason)
        cells = (claim.id, judgement.machine, *told_of)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    lines += ["", "## The runs", ""]
    for machine, run in ((machine, run) for machine, those in runs.items() for run in those):
        brand, name = run.information["machine"]["brand"], run.information["run"]
        lines.append(f"- {machine} ({brand}), run {name}: {_trust(run)}")
    lines += ["", "## The claims", ""]
    for claim in dict.fromkeys(judgement.claim for judgement in judgements):
        lines.append(
            f"- **{claim.id}** [{claim.origin}]: {claim.says}. Agrees: {claim.claimed}; tolerance: "
            f"{claim.tolerance_reason.strip()}."
        )
    return "\n".join(lines) + "\n"


def _measured(judgement: Judgement) -> str:
    measured, unit = judgement.measured, judgement.claim.unit
    if measured is None:
        return ""
    if measured.is_counted:
        return f"{measured.value:g}{unit}"
    return f"{measured.value:+.1f}{unit} [{measured.low:+.1f}, {measured.high:+.1f}]"


def _trust(run: Run) -> str:
    verdict = controls.judge(run)
    if verdict.faults:
        return "; ".join(verdict.faults)
    blind = "".join(f"; {names.ISAS[isa]}: {text}" for isa, text in verdict.unresolved.items())
    return f"noise floor {verdict.floor_percent:.2g} % ({verdict.floor_is_of}); {verdict.told}{blind}"


def terminal(judgements: Sequence[Judgement]) -> str:
    """The verdicts as lines for a terminal."""
    rows = [(j.claim.id, j.machine, j.verdict, _measured(j), f"claimed {j.claim.claimed}") for j in judgements]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )
