"""Old versions of run.json. This is the one place that knows them: what it returns is of the current version."""

from contextlib import suppress
from typing import Any

from harness.record.run import SCHEMA_VERSION

LANES = "_lanes"
NON_TEMPORAL = "_nt"
OLD_VERSIONS = (1,)
Content = dict[str, Any]


def upgrade(content: Content) -> Content:
    """run.json with what its version lacks. What does not fit that version stays as it is, for the schema to refuse."""
    if content.get("schema_version") not in OLD_VERSIONS:
        return content
    upgraded = content | {"schema_version": SCHEMA_VERSION}
    for step in (_primary_compiler, _processes, _threads, _kernels, _accuracy, _empty):
        with suppress(AttributeError, KeyError, TypeError):
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
