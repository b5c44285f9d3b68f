"""Old versions of run.json and its tables. This is the one place that knows them: what it returns is of the current
version."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from harness.record.run import SCHEMA_VERSION, Row, by_pass

LANES = "_lanes"
NON_TEMPORAL = "_nt"
Content = dict[str, Any]

OLD_TABLES: Mapping[int, tuple[str, ...]] = {1: (), 2: ("tuning", "accuracy", "exp", "domain")}
"""The tables that stand beside the run.json of a complete run, by old version; where there are none, they are in it."""
OLD_VERSIONS = tuple(OLD_TABLES)
LEVELS = ("in_cache", "out_of_cache")
"""Where variants were timed up to version 2: each pass alone, warm, in one process."""
_TEXT = ("compiler", "isa", "pass", "variant")
_TIMES = {
    f"{level}_{what}": kind for level in LEVELS for what, kind in (("elements", "integer"), ("nanoseconds", "number"))
}
OLD_ROWS: Mapping[tuple[int, str], Mapping[str, Any]] = {
    (2, "tuning"): {
        "required": [*_TEXT, "chosen", "finalist", "published_for", *_TIMES],
        "properties": {
            **{name: {"type": "string"} for name in _TEXT},
            **{name: {"type": "boolean"} for name in ("chosen", "finalist")},
            "available": {"type": "integer"},
            "published_for": {"type": "array", "items": {"type": "string"}},
            **{name: {"type": kind} for name, kind in _TIMES.items()},
        },
    }
}
"""What a schema would say of the rows of tables that have other columns today, by version and name."""


def upgrade(content: Content) -> Content:
    """run.json with what its version lacks. What does not fit that version stays as it is, for the schema to refuse."""
    if content.get("schema_version") not in OLD_VERSIONS:
        return content
    upgraded = content | {"schema_version": SCHEMA_VERSION}
    for step in STEPS[content["schema_version"]]:
        with suppress(AttributeError, KeyError, TypeError, ArithmeticError, ValueError):
            upgraded |= step(upgraded)
    return upgraded


def _primary_compiler(content: Content) -> Content:
    return {"primary_compiler": next(iter(content["compilers"].keys()), "none")}


def _processes(content: Content) -> Content:
    """Once their number was fixed, and before that nothing was said of it."""
    protocol = content["protocol"]
    asked = protocol.get("processes", {"least": 1})
    return {"protocol": {**protocol, "processes": {"least": asked, "most": asked} if isinstance(asked, int) else asked}}


def _threads(content: Content) -> Content:
    """Once there was one alone. A run that tells its host tells its threads as well."""
    if "host" in content["machine"] or "threads" in content:
        return {}
    return {"threads": {"cpus": [content["memory"]["cpu"]], "limit": "unknown"}}


def _kernels(content: Content) -> Content:
    """What a pass is was to be seen by its name, and whether it computes, once by who uses it."""
    kernels = content["kernels"]
    used = {name for passes in content["algorithms"].values() for name in passes}
    twins = {name: name.removesuffix(LANES) for name in kernels if name.endswith(LANES)}
    facts = {
        name: {
            "computes": name in used,
            "non_temporal": name.endswith(NON_TEMPORAL),
            "twin_of": twins[name] if twins.get(name) in kernels else "",
        }
        for name in kernels
    }
    known = {name: facts[name] | its for name, its in kernels.items()}
    return {"kernels": {name: {"origin": "paper" if its["computes"] else "ours", **its} for name, its in known.items()}}


def _accuracy(content: Content) -> Content:
    """Its tables stood together. Where it was not asked for, there was nothing."""
    if "accuracy" not in content:
        return {"accuracy": [], "exp": []}
    told = content["accuracy"]
    return {"accuracy_elements": told["elements"], "accuracy": told["softmax"], "exp": told["exp"]}


def _empty(content: Content) -> Content:
    empty: Content = {"sessions": [], "controls": {}, "domain": [], "groups": []}
    return {key: value for key, value in empty.items() if key not in content}


def _tuning(content: Content) -> Content:
    """Once a row had the times at two lengths. Nothing is known of what another process would have found."""
    return {"tuning": [row for rows in by_pass(content["tuning"]).values() for row in _tuning_of_pass(rows)]}


def _tuning_of_pass(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    chosen = next((row for row in rows if row["chosen"]), rows[0])
    for row in rows:
        kept = {name: its for name, its in row.items() if name not in _TIMES}
        kept |= {"chosen_by": "time"} if row["chosen"] else {}
        times = {
            row[f"{level}_elements"]: (row[f"{level}_nanoseconds"], chosen[f"{level}_nanoseconds"]) for level in LEVELS
        }
        whole = {None: tuple(math.prod(its) ** (1 / len(times)) for its in zip(*times.values(), strict=True))}
        for elements, (nanoseconds, base) in (whole | times if row["finalist"] else whole).items():
            relative = 100 * (nanoseconds / base - 1)
            yield {
                **kept,
                "elements": elements,
                "processes": 1,
                **{f"nanoseconds_{bound}": nanoseconds for bound in ("median", "low", "high")},
                **{f"relative_percent_{bound}": relative for bound in ("median", "low", "high")},
            }


STEPS = {1: (_primary_compiler, _processes, _threads, _kernels, _accuracy, _empty, _tuning), 2: (_empty, _tuning)}
"""What brings each old version to the current one."""
