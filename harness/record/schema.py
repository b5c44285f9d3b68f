"""JSON Schemas of what is read, and what does not fit them in one line: config/schemas/."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from harness.record.errors import one_line
from harness.record.files import ROOT

SCHEMAS = ROOT / "config" / "schemas"
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=(ValueError, OverflowError))
def _is_date_time(value: object) -> bool:
    # jsonschema checks dates only where another package is installed. Without an offset two times cannot be compared;
    # with one a time may leave the years 1 to 9999.
    if not isinstance(value, str):
        return True
    moment = datetime.fromisoformat(value)
    return moment.tzinfo is not None and bool(moment.astimezone(UTC))


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


def _fits_pattern(_: object, pattern: str, value: object, __: object) -> Iterator[jsonschema.ValidationError]:
    # In JSON Schema's own language $ is the end of the text; Python's stands before a last line break as well.
    if isinstance(value, str) and not _compiled(pattern).search(value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


BOUNDS = {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "description"}
"""What a rule has by which all numbers between two that fit, fit as well."""
OF_A_ROW = {"type", "properties", "required", "additionalProperties", "description"}
"""What a rule has that asks of a row which keys it has, and of each value what its own rule says."""
NAMES_KEYS = {"properties", "patternProperties"}
"""What a rule has that does not ask the same of all values of an object."""


def _items(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    # Recorded tables have thousands of rows: to look at each takes half a second, at what stands for all a hundredth.
    if not (isinstance(instance, list) and isinstance(rule, dict) and _all_fit(validator, rule, instance)):
        yield from jsonschema.Draft202012Validator.VALIDATORS["items"](validator, rule, instance, schema)


def _values(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    # Objects by name, as kernels, are a table as well.
    is_table = isinstance(instance, dict) and isinstance(rule, dict) and not schema.keys() & NAMES_KEYS
    if not (is_table and _all_fit(validator, rule, [*instance.values()])):
        yield from jsonschema.Draft202012Validator.VALIDATORS["additionalProperties"](validator, rule, instance, schema)


def _all_fit(validator: Any, rule: dict[str, Any], items: Sequence[Any]) -> bool:
    """Whether all items fit a rule. That is asked of fewer, all of which fit where all items do, and only there: of
    equal ones one, of numbers the least and the largest; of rows the first with these keys, and of each key's values
    what its own rule says."""
    return all(
        _rows_fit(validator, rule, those)
        if kind is dict and rule.keys() <= OF_A_ROW
        else all(map(validator.evolve(schema=rule).is_valid, _examples(kind, those, rule)))
        for kind, those in _groups(type, items)
    )


def _rows_fit(validator: Any, rule: dict[str, Any], rows: Sequence[dict[str, Any]]) -> bool:
    fits, rules, others = validator.evolve(schema=rule).is_valid, rule.get("properties", {}), {}
    if isinstance(rule.get("additionalProperties"), dict):
        others = rule["additionalProperties"]
    return all(
        fits(those[0]) and all(_all_fit(validator, rules.get(key, others), [row[key] for row in those]) for key in keys)
        for keys, those in _groups(tuple, rows)
    )


def _groups(what: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[Any, Sequence[Any]]]:
    """The items by what each is; mostly all are alike."""
    kinds = dict.fromkeys(map(what, items))
    for kind in kinds:
        yield kind, [item for item in items if what(item) == kind] if len(kinds) > 1 else items


def _examples(kind: type, items: Sequence[Any], rule: dict[str, Any]) -> Iterable[Any]:
    """Those items of one type that stand for all."""
    if kind in (int, float) and rule.keys() <= BOUNDS and (kind is int or math.isfinite(sum(items))):
        return min(items), max(items)
    return dict.fromkeys(items) if kind in (str, bool, NoneType) else {repr(item): item for item in items}.values()


# JSON Schema takes 4.0 for an integer, and Python's JSON and YAML have numbers that are none or not finite.
STRICT = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _fits_pattern, "items": _items, "additionalProperties": _values},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def fault(content: object, name: str, unasked: str = "") -> jsonschema.ValidationError | None:
    """What keeps `content` from fitting config/schemas/NAME.schema.json, None where it fits. One keyword of JSON Schema
    may go `unasked`, as what is required of a part."""
    return best_match(error for error in _validator(name).iter_errors(content) if error.validator != unasked)


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema config/schemas/NAME.schema.json, its references written out: to follow each anew takes longer
    than all else that is checked."""
    file = f"{name}.schema.json"
    return _written_out(_read(file), file)


@cache
def _validator(name: str) -> Any:
    return STRICT(schema(name), format_checker=FORMATS)


@cache
def _read(file: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / file).read_text(encoding="utf-8"))


def _written_out(part: Any, file: str) -> Any:
    """A part of a schema file, with what it refers to, there or in another file, in its place."""
    if isinstance(part, list):
        return [_written_out(item, file) for item in part]
    if not isinstance(part, dict):
        return part
    own = {key: _written_out(value, file) for key, value in part.items() if key != "$ref"}
    if "$ref" not in part:
        return own
    other, name = part["$ref"].split("#/$defs/")
    return _written_out(_read(other or file)["$defs"][name], other or file) | own


def violation(error: jsonschema.ValidationError) -> str:
    """One line for a schema violation: where, what, and what is allowed."""
    where = one_line(".".join(str(part) for part in error.absolute_path))
    prefix = f"{where}: " if where else ""
    if error.instance is None and not where:
        return "is empty"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        allowed = error.schema.get("properties", {})
        unknown = sorted(set(error.instance) - set(allowed))
        return f"{prefix}unknown key {one_line(', '.join(map(repr, unknown)))}; allowed: {', '.join(allowed)}"
    if error.validator in ("maxItems", "maxProperties", "maxLength"):
        unit = "characters" if error.validator == "maxLength" else "entries"
        return f"{prefix}has {len(error.instance)} {unit}; at most {error.validator_value} are allowed"
    if error.validator == "enum":
        return f"{prefix}{one_line(repr(error.instance))} is not one of {', '.join(map(str, error.validator_value))}"
    return f"{prefix}{one_line(error.message)}"
