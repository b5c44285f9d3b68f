"""JSON Schemas of what is read, and what does not fit them in one line: config/schemas/."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from harness.record.errors import one_line
from harness.record.files import ROOT

SCHEMAS = ROOT / "config" / "schemas"
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    # jsonschema checks dates only where another package is installed. Without an offset two times cannot be compared.
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


def _fits_pattern(_: object, pattern: str, value: object, __: object) -> Iterator[jsonschema.ValidationError]:
    # In JSON Schema's own language $ is the end of the text; Python's stands before a last line break as well.
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


BOUNDS = {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "description"}
"""What a rule has by which all numbers between two that fit, fit as well."""
OF_A_ROW = {"type", "properties", "required", "additionalProperties", "description"}
"""What a rule has that asks of a row which keys it has, and of each value what its own rule says."""


def _items(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    # Recorded tables have thousands of rows: to look at each takes half a second, at those that stand for all a tenth.
    fits = validator.evolve(schema=rule).is_valid
    if not (isinstance(instance, list) and isinstance(rule, dict) and all(map(fits, _examples(instance, rule)))):
        yield from jsonschema.Draft202012Validator.VALIDATORS["items"](validator, rule, instance, schema)


def _examples(items: list[Any], rule: dict[str, Any]) -> list[Any]:
    """Fewer items, all of which fit a rule where all of these do, and only there: of equal ones one, of numbers the
    least and the largest; of rows with the same keys some that are made up of examples for each key."""
    by_type: dict[type, list[Any]] = {}
    for item in items:
        by_type.setdefault(type(item), []).append(item)
    found: list[Any] = []
    for kind, those in by_type.items():
        if kind is dict and rule.keys() <= OF_A_ROW:
            found += _example_rows(those, rule.get("properties", {}))
        elif kind in (int, float) and rule.keys() <= BOUNDS and (kind is int or math.isfinite(sum(those))):
            found += [min(those), max(those)]
        else:
            found += {repr(item): item for item in those}.values()
    return found


def _example_rows(rows: list[dict[str, Any]], rules: dict[str, Any]) -> Iterator[dict[str, Any]]:
    by_keys: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        by_keys.setdefault(tuple(row), []).append(row)
    for keys, those in by_keys.items():
        # A key without a rule of its own has one that is not known here.
        columns = {key: _examples([row[key] for row in those], rules.get(key, {"$comment": "any"})) for key in keys}
        for place in range(max(map(len, columns.values()), default=1)):
            yield {key: column[place % len(column)] for key, column in columns.items()}


# JSON Schema takes 4.0 for an integer, and Python's JSON and YAML have numbers that are none or not finite.
STRICT = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _fits_pattern, "items": _items},
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
