"""Read run.json: where, with what and how a run was measured. Fast to import, since the Snakefile does it."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from analysis.errors import DamagedRun

SCHEMAS = Path(__file__).resolve().parents[1] / "config" / "schemas"
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


# JSON Schema takes 4.0 for an integer, and Python's JSON and YAML have numbers that are none or not finite.
STRICT = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _fits_pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def fault(content: object, name: str) -> jsonschema.ValidationError | None:
    """What keeps `content` from fitting config/schemas/NAME.schema.json, None where it fits."""
    return best_match(STRICT(schema(name), format_checker=FORMATS).iter_errors(content))


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema config/schemas/NAME.schema.json."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def read_json(folder: Path) -> dict[str, Any]:
    """run.json of a run's folder, not yet checked against its schema.

    Raises DamagedRun where it is missing, unreadable, or not a JSON object.
    """
    path = folder / "run.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedRun(f"{path}: no such file") from None
    except json.JSONDecodeError as error:
        raise DamagedRun(f"{path}, line {error.lineno}: not JSON: {error.msg}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedRun(f"{path}: cannot be read: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise DamagedRun(f"{path}: not a JSON object")
    return content


def read_information(folder: Path) -> dict[str, Any]:
    """run.json of a run's folder, as run.schema.json describes it.

    Raises DamagedRun, naming file, field and reason.
    """
    path = folder / "run.json"
    content = read_json(folder)
    known = schema("run")["properties"]["schema_version"]["const"]
    if "schema_version" in content and content["schema_version"] != known:
        raise DamagedRun(
            f"{path}, schema_version: {one_line(repr(content['schema_version']))} is not known here (known: {known})"
        )
    found = fault(content, "run")
    if found is not None:
        field = one_line(found.json_path.removeprefix("$").removeprefix("."))
        raise DamagedRun(f"{path}, {field or 'top level'}: {one_line(found.message)}")
    return content


def samples_file(folder: Path) -> Path:
    """samples.csv of a run's folder, or samples.csv.gz where only that exists. Raises DamagedRun if neither does."""
    for name in ("samples.csv", "samples.csv.gz"):
        if (folder / name).is_file():
            return folder / name
    raise DamagedRun(f"{folder}: neither samples.csv nor samples.csv.gz is there")


def one_line(message: object) -> str:
    """The message without line breaks and characters that a terminal would obey, shortened to what fits there."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(str(message).split()))
    return text if len(text) <= 200 else f"{text[:200]}..."


def violation(error: jsonschema.ValidationError) -> str:
    """One line for a schema violation: where, what, and what is allowed."""
    where = one_line(".".join(str(part) for part in error.absolute_path))
    prefix = f"{where}: " if where else ""
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


def parts(information: dict[str, Any]) -> set[str]:
    """What a run holds that figures are drawn from: its experiments; "accuracy" where that was looked at; "tuning"
    where a published variant was tuned; and "compilers" where whole algorithms were measured with more than one."""
    held = set(information["experiments"])
    if information.get("accuracy", {}).get("softmax"):
        held.add("accuracy")
    if any(row["published_for"] for row in information["tuning"]):
        held.add("tuning")
    if len({item["compiler"] for item in information["experiments"].get("algorithms", [])}) > 1:
        held.add("compilers")
    return held
