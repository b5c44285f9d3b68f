"""All machines that have a run, side by side: one figure and one table."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from harness.record import names
from harness.record.errors import MissingRows
from harness.record.machines import emulator, is_evidence, load_machines
from harness.record.samples import Run
from harness.statistics import controls, selection
from harness.statistics.ratios import largest_speedups, speedups
from harness.statistics.traffic import BYTES_PER_FLOAT, bandwidths

NAME = "machines"
TRUST = (panels.null_test, panels.audit_line)
TITLE = "Speedup of Two-Pass over the better Three-Pass, by machine"
LOOKS = (
    style.Style(style.GREEN, "o", "-"),
    style.Style(style.BLUE, "s", (0, (5, 1.5))),
    style.Style(style.ORANGE, "^", (0, (1.2, 1.2))),
    *style.OTHERS,
)
"""By machine; filled markers and lines are the widest ISA of a machine, hollow ones the others."""


def draw(runs: list[Run]) -> tuple[Figure, pd.DataFrame]:
    """The figure (speedup against the input's size relative to each machine's last-level cache, one line a machine and
    ISA) and the table of all machines (`table`). Raises MissingRows where no run has the rows."""
    measured = [(run, rows) for run in _by_machine(runs) if len(rows := _speedups(run))]
    if not measured:
        raise MissingRows("no run has both Two-Pass and a Three-Pass algorithm in a round")
    figure, grid = panels.grid(1, 1, 3.0, "none")
    axes, handles = grid[0][0], []
    for place, (run, rows) in enumerate(measured):
        look = LOOKS[place % len(LOOKS)]
        for rank, isa in enumerate(selection.isas(rows)):
            points = rows[rows["isa"] == isa].sort_values("elements")
            fill = style.FILLS[min(rank, len(style.FILLS) - 1)]
            (line,) = axes.plot(
                points["input_over_last_cache"],
                points["speedup_percent_median"],
                color=look.colour,
                linestyle=look.dashes,
                marker=look.marker,
                fillstyle=fill,
                markerfacecoloralt="white",
                label=f"{run.information['machine']['name']} {names.ISAS[isa]}",
            )
            low, high = points["speedup_percent_low"], points["speedup_percent_high"]
            axes.fill_between(points["input_over_last_cache"], low, high, color=look.colour, alpha=0.12, linewidth=0)
            handles.append(Line2D([], [], **_look(line), label=line.get_label()))
    panels.speedup_by_cache_axes(axes)
    everything = pd.concat([rows for _, rows in measured])
    reservation = next(filter(None, (panels.reservation(run) for run, _ in measured)), "")
    panels.surround(
        figure,
        f"{reservation}{TITLE}",
        handles,
        _footer([run for run, _ in measured], everything),
    )
    return figure, table(runs)


def _by_machine(runs: list[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.information["machine"]["name"])


def _look(line: Line2D) -> dict[str, object]:
    return {
        name: getattr(line, f"get_{name}")()
        for name in ("color", "linestyle", "marker", "fillstyle", "markerfacecoloralt")
    }


def _speedups(run: Run) -> pd.DataFrame:
    """`harness.statistics.ratios.speedups` of the primary compiler, with input_over_last_cache (bytes over bytes)."""
    rows = speedups(selection.algorithm_rows(run), selection.TWO_PASS, selection.THREE_PASS)
    if rows.empty:
        return rows
    last = max(cache["bytes"] for cache in run.information["machine"]["caches"])
    rows = rows[rows["compiler"] == selection.compilers(rows)[0]]
    return rows.assign(input_over_last_cache=BYTES_PER_FLOAT * rows["elements"] / last)


def _footer(runs: list[Run], rows: pd.DataFrame) -> list[str]:
    confidence = 100 * rows["confidence"]
    which = [f"{run.information['machine']['name']}: {run.information['run']}" for run in runs]
    lines = ["; ".join(which[start : start + 3]) for start in range(0, len(which), 3)]
    trust = [f"{run.information['machine']['name']}: {told(run)}" for run in runs for told in TRUST]
    return [
        *lines,
        *trust,
        f"bands: median over processes, {names.spread(confidence.min(), confidence.max(), ' %')} confidence",
    ]


def table(runs: list[Run]) -> pd.DataFrame:
    """One row for each machine, ISA: the largest speedup (percent; `largest`), from
    which length on every interval lies above the noise floor (elements, empty: at none), and the bandwidth of the
    passes of Two-Pass at the longest length (GB/s, effective) beside the fastest plain load and copy there."""
    rows = []
    for run in _by_machine(runs):
        found, verdict = _speedups(run), controls.judge(run)
        for isa in selection.isas(found) if len(found) else []:
            of_isa = found[found["isa"] == isa].sort_values("elements")
            best = largest(run, isa)
            rows.append(
                {
                    "machine": run.information["machine"]["name"],
                    "brand": run.information["machine"]["brand"],
                    "run": run.information["run"],
                    "evidence": _evidence(run),
                    "isa": isa,
                    "best_speedup_percent": best["speedup_percent_median"],
                    "best_speedup_percent_low": best["speedup_percent_low"],
                    "best_speedup_percent_high": best["speedup_percent_high"],
                    "confidence": best["confidence"],
                    "best_at_elements": best["elements"],
                    "noise_floor_percent": verdict.floor_percent,
                    "wins_from_elements": None if verdict.doubt(isa) else wins_from(of_isa, verdict.floor),
                    **_bandwidths(run, isa),
                }
            )
    return pd.DataFrame(rows)


def _evidence(run: Run) -> str:
    """What the run says about the machine of its name: a file's own product, another one, or a name that was given."""
    machine = run.information["machine"]
    if machine["overridden"]:
        return "none: name given"
    if told := emulator(run.information):
        return f"none: emulated ({told})"
    known = load_machines()
    if machine["name"] not in known:
        return "own machine"
    return "own machine" if is_evidence(known[machine["name"]], run.information) else "generalization"


def largest(run: Run, isa: str) -> pd.Series:
    """The largest speedup over all out-of-cache lengths of the primary compiler, or over all lengths where none is out
    of cache: a row of `statistics.largest_speedups`, and `of` (over which lengths, in words)."""
    rows = selection.algorithm_rows(run)
    rows = rows[rows["isa"] == isa]
    rows = rows[rows["compiler"] == selection.compilers(rows)[0]]
    beyond = rows[selection.is_out_of_cache(rows["elements"], run)]
    found = largest_speedups(beyond if len(beyond) else rows, selection.TWO_PASS, selection.THREE_PASS).iloc[0]
    count = (beyond if len(beyond) else rows)["elements"].nunique()
    found["of"] = f"{count} out-of-cache lengths" if len(beyond) else f"{count} lengths"
    return found


def wins_from(rows: pd.DataFrame, floor: float) -> int | None:
    """The length from which on every interval lies above the noise `floor` (percent), None where the longest does not.
    `rows` are of one ISA."""
    fails = rows[(rows["speedup_percent_low"] <= floor) | (rows["processes"] < 2)]
    wins = rows[rows["elements"] > fails["elements"].max()] if len(fails) else rows
    return int(wins["elements"].min()) if len(wins) else None


def _bandwidths(run: Run, isa: str) -> dict[str, float]:
    """Effective GB/s at the longest length of the passes of Two-Pass, and of load and copy; empty without passes."""
    wanted = [*run.information["algorithms"][selection.TWO_PASS], "load", "copy"]
    try:
        found = bandwidths(run)
    except MissingRows:
        return {}
    found = found[(found["isa"] == isa) & found["pass"].isin(wanted)]
    found = found[found["compiler"] == selection.compilers(found)[0]] if len(found) else found
    found = found[found["elements"] == found["elements"].max()].set_index("pass")
    speed = found["effective_gigabytes_per_second_median"]
    return {f"{name}_gigabytes_per_second": speed[name] for name in wanted if name in speed}
