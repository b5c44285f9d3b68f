"""A plan, and how long something takes, as a person says it."""

from __future__ import annotations

from harness.machine import identity
from harness.machine.detection import facts
from harness.run.groups import GROUP_SECONDS
from harness.run.plan import Plan


def text(plan: Plan) -> str:
    """What a run will do and how long it will take, for a person to read before it starts."""
    protocol, processes, budget = plan.protocol, plan.protocol["processes"], plan.budget_seconds()
    once, least, most = (plan.run_seconds(count) for count in (1, processes["least"], processes["most"]))
    machine = identity.identify(facts(plan.processor), plan.config.get("machine")).name
    times = span(min(least, budget), min(most, budget))
    lines = [
        f"Protocol {plan.config['protocol']} on {plan.processor.brand} ({machine}), {times}:",
        f"  {processes['least']} to {processes['most']} processes one after the other, until every ratio is known "
        f"to ±{protocol['half_width_percent']} %",
        f"  no new process when it would end after {duration(budget)}; what is disturbed is measured again, "
        "which may double the time",
    ]
    if plan.slowness > 1:
        lines.append(
            f"  this machine takes {plan.slowness:.0f} times as long as expected (other programs? an emulator?)"
        )
    if once > budget:
        lines.append(
            f"  one process would take {duration(once)}: what is not done after {duration(budget)} is left out; "
            "fewer --isas and --compilers leave out less"
        )
    for name, elements in dict.fromkeys((item.experiment, item.elements) for item in plan.asked):
        those = [item for item in plan.asked if (item.experiment, item.elements) == (name, elements)]
        who = ", ".join(f"{item.compiler} {item.isa}" for item in those)
        reach = f"{min(elements):,} to {max(elements):,}" if len(elements) > 1 else f"{elements[0]:,}"
        lengths_word = "lengths" if len(elements) > 1 else "length"
        rounds = protocol["rounds"][name]
        lines.append(f"  {name}: {len(elements)} {lengths_word}, {reach} elements, {rounds} rounds ({who})")
    for item in plan.looks:
        loops = " and ".join(contender.pass_name for contender in plan.contenders[item.experiment])
        where = " and ".join(f"{n:,}" for n in item.elements)
        lines.append(f"  {item.experiment}: {loops} at {where} elements, every {GROUP_SECONDS:.0f} s of the others")
    lines += [f"  skipped: {item}" for item in plan.skipped]
    return "\n".join(lines)


def span(least: float, most: float) -> str:
    """Two times in seconds as a person says them."""
    first, last = duration(least), duration(most)
    return f"about {first}" if first == last else f"about {first} to {last}"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def too_slow(plan: Plan) -> str:
    """What would help where the minutes are too few."""
    minutes = duration(60 * plan.protocol["minutes"])
    way_out = "ask for fewer --isas or --compilers, or for a protocol with more"
    return f"this machine is too slow for the {minutes} of {plan.config['protocol']}; {way_out}"
