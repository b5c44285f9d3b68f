"""YAML that people write: read with one meaning, whoever reads it, and checked. A fault is one line with file and line.

Of YAML it is the part that JSON has as well: text, numbers, true, false, null, lists and keys with values. Nothing is a
date, nothing is said twice, and nothing stands for something else (`&`, `*`, `!`), so that a short file stays short.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

import yaml

from harness.record.errors import BadConfiguration, one_line
from harness.record.schema import fault, violation

MOST_BYTES = 1 << 18
MOST_LEVELS = 20
MOST_ENTRIES = 1000  # of one list, or under one key; checks of lists compare each entry with each
# libyaml where PyYAML was built with it: ten times as fast, and every start of the harness reads these files.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What text without quotes stands for; the first that fits. The longest integers are read as floats: none is that large.
PLAIN = (
    (re.compile(r"(?:null|~|)"), lambda _: None),
    (re.compile(r"true|false"), "true".__eq__),
    (re.compile(r"-?(?:0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"), float),
)


class _Refused(yaml.MarkedYAMLError):
    """What is YAML, but is not read here."""


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises BadConfiguration with file, line and reason."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise BadConfiguration(f"{path}: larger than {MOST_BYTES >> 10} KiB, which no such file is")
        return _document(content.decode())
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise BadConfiguration(f"{path}, line {number}: not UTF-8; save the file in that encoding") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        kind = "" if isinstance(error, _Refused) else "not valid YAML: "
        raise BadConfiguration(f"{path}{line}: {kind}{one_line(getattr(error, 'problem', None) or error)}") from error


def read_checked(path: Path, name: str) -> Any:
    """The content of a YAML file that fits config/schemas/NAME.schema.json. Raises BadConfiguration."""
    content = read_yaml(path)
    found = fault(content, name)
    if found:
        raise BadConfiguration(f"{path}: {violation(found)}")
    return content


def _document(text: str) -> Any:
    events = (event for event in yaml.parse(text, LOADER) if not isinstance(event, yaml.StreamStartEvent))
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    content = _value(next(events), events)
    following = [event for event in events if isinstance(event, yaml.DocumentStartEvent)]
    if following:
        _refuse(following[0], "a second document begins; one file has one")
    return content


def _value(event: yaml.Event, events: Iterator[yaml.Event], level: int = 0) -> Any:
    """What begins with `event` and goes on in `events`."""
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        _refuse(event, "& and * are not read here; write the value itself, or quote the text")
    if event.tag:
        _refuse(event, "! is not read here; quote the text")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if level == MOST_LEVELS:
        _refuse(event, f"more than {MOST_LEVELS} levels of lists and keys")
    read = _list if isinstance(event, yaml.SequenceStartEvent) else _mapping
    content = read(takewhile(lambda item: not isinstance(item, yaml.CollectionEndEvent), events), events, level)
    if len(content) > MOST_ENTRIES:
        _refuse(event, f"more than {MOST_ENTRIES} entries")
    return content


def _list(inside: Iterator[yaml.Event], events: Iterator[yaml.Event], level: int) -> list[Any]:
    return [_value(item, events, level + 1) for item in inside]


def _mapping(inside: Iterator[yaml.Event], events: Iterator[yaml.Event], level: int) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for item in inside:
        key = _value(item, events, level + 1)
        if not isinstance(key, str):
            _refuse(item, "a key is not text; quote it")
        if key in content:
            _refuse(item, f"the key {key!r} is there twice")
        content[key] = _value(next(events), events, level + 1)
    return content


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = event.value
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text):
        _refuse(event, "a text has a line break or a character that cannot be seen")
    if event.implicit[0]:
        return next((read(text) for pattern, read in PLAIN if pattern.fullmatch(text)), text)
    return text


def _refuse(event: yaml.Event, problem: str) -> NoReturn:
    raise _Refused(problem=problem, problem_mark=event.start_mark)
