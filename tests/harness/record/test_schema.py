"""What fits a schema, of lists without a look at each item."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.record import schema
from harness.record.run import content_of
from harness.record.schema import fault
from harness.record.store import read_record
from tests.mutations import mutated

ROW = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "count"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$"},
        "count": {"type": ["integer", "null"], "minimum": 1},
        "share": {"type": "number", "exclusiveMaximum": 1},
        "kind": {"enum": [1, 3, "x"]},
        "parts": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
    },
}
SOUND = [
    {"name": "a", "count": 1, "share": 0.5, "kind": 1, "parts": [1, 2]},
    {"name": "b", "count": None, "share": -3, "kind": 3},
    {"name": "a", "count": 9, "share": 0.25, "kind": "x", "parts": []},
    {"name": "c", "count": 5},
]
EVERY = {word: jsonschema.Draft202012Validator.VALIDATORS[word] for word in ("items", "additionalProperties")}
EVERY_ITEM = jsonschema.validators.extend(schema.STRICT, EVERY)


def validators(rule: dict[str, Any]) -> tuple[Any, Any]:
    """What looks at examples, and what looks at every item."""
    whole = {"type": "array", "items": rule}
    return tuple(kind(whole, format_checker=schema.FORMATS) for kind in (schema.STRICT, EVERY_ITEM))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A", "count": 1},
        {"name": "a", "count": 0},
        {"name": "a", "count": 4.0},
        {"name": "a", "count": True},
        {"name": "a", "count": 2, "share": 1.0},
        {"name": "a", "count": 2, "share": float("nan")},
        {"name": "a", "count": 2, "share": float("-inf")},
        {"name": "a", "count": 2, "kind": 2},
        {"name": "a", "count": 2, "kind": 1.5},
        {"name": "a", "count": 2, "parts": [1, 1]},
        {"name": "a", "count": 2, "parts": [1, "1"]},
        {"name": "a"},
        {"name": "a", "count": 2, "more": 1},
        {},
        [],
        None,
        "a",
    ],
)
def test_one_wrong_row_among_sound_ones_is_found_and_named(wrong: Any) -> None:
    for place in range(len(SOUND) + 1):
        rows = [*SOUND[:place], wrong, *SOUND[place:]]
        quick, whole = ([(e.json_path, e.message) for e in one.iter_errors(rows)] for one in validators(ROW))
        assert quick == whole and quick[0][0].startswith(f"$[{place}]")


def test_sound_rows_fit() -> None:
    for one in validators(ROW):
        assert one.is_valid(SOUND) and one.is_valid([]) and one.is_valid(SOUND * 100)


def test_a_rule_that_asks_of_two_keys_at_once_is_asked_of_each_row() -> None:
    rule = {"anyOf": [{"properties": {"a": {"const": 1}, "b": {"const": 1}}}, {"properties": {"a": {"const": 2}}}]}
    rows = [{"a": 1, "b": 1}, {"a": 2, "b": 5}]
    for one in validators(rule):
        assert one.is_valid(rows) and not one.is_valid([*rows, {"a": 1, "b": 5}])


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 1, "more": "A"}, {"more": "a"}, 5, None])
def test_one_wrong_object_among_sound_ones_is_found_and_named(wrong: object) -> None:
    its = {"type": "object", "required": ["count"], "properties": {"count": {"type": "integer", "minimum": 1}}}
    rule = {"additionalProperties": {**its, "additionalProperties": {"pattern": "^[a-z]$"}}}
    sound = {f"{n}": {"count": n, "more": "b"} for n in range(1, 9)}
    for kind in (schema.STRICT, EVERY_ITEM):
        assert kind(rule).is_valid(sound)
        assert [error.path[0] for error in kind(rule).iter_errors(sound | {"5": wrong})] == ["5"]


def test_of_many_rows_few_are_looked_at(make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(isas=("avx2",), lengths=(4096,), processes=1, rounds=1, parts=("algorithms",))
    content, looks = content_of(read_record(folder)), []
    examples = schema._examples
    monkeypatch.setattr(schema, "_examples", lambda *those: [looks.append(one) or one for one in examples(*those)])
    assert fault(content, "run") is None
    few = len(looks)
    looks.clear()
    more = {name: [dict(row) for row in content[name] for _ in range(50)] for name in ("tuning", "accuracy")}
    assert fault(content | more, "run") is None
    assert len(looks) == few


def test_mutated_runs_are_refused_for_the_same_reasons(make_run: Callable[..., Path]) -> None:
    folder = make_run(isas=("avx2",), lengths=(4096,), processes=1, rounds=1, parts=("algorithms",))
    content, whole = content_of(read_record(folder)), EVERY_ITEM(schema.schema("run"), format_checker=schema.FORMATS)
    for seed in range(60):
        words, changed = mutated(content, random.Random(seed))
        assert (fault(changed, "run") is None) == whole.is_valid(changed), words
