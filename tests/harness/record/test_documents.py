"""YAML that people write: what is read, and what is refused in which words."""

import pytest
import yaml

from harness.record.documents import MOST_BYTES, MOST_LEVELS, read_checked, read_yaml
from harness.record.errors import BadConfiguration
from harness.record.machines import CONFIG

BOMB = b"a: &a [x, x, x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 120))
DEEPEST = "[" * MOST_LEVELS + "]" * MOST_LEVELS


@pytest.fixture
def read(tmp_path):
    def read(content):
        file = tmp_path / "x.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_yaml(file)

    return read


@pytest.mark.parametrize("file", sorted(CONFIG.rglob("*.yaml")), ids=lambda file: file.stem)
def test_the_shipped_files_say_the_same_to_any_reader_of_yaml(file):
    assert read_yaml(file) == yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, -2, 0, 4.0, .5, 1e3, 1.5E-2]", [1, -2, 0, 4.0, 0.5, 1000.0, 0.015]),
        ("[true, false, null, ~]", [True, False, None, None]),
        ("['1', \"true\", 'null']", ["1", "true", "null"]),
        # What is no number in JSON is text, and refused by the key that wants a number.
        ("[2020-01-01, 2020-01-01T00:00:00Z]", ["2020-01-01", "2020-01-01T00:00:00Z"]),
        ("[.nan, .inf, -.inf, NaN]", [".nan", ".inf", "-.inf", "NaN"]),
        ("[1:30, 0x10, 010, 1_000]", ["1:30", "0x10", "010", "1_000"]),
        ("[yes, no, on, =, <<]", ["yes", "no", "on", "=", "<<"]),
        ("\ufeffa: µs ± 1 %\n", {"a": "µs ± 1 %"}),
        (DEEPEST, yaml.safe_load(DEEPEST)),
        ("", None),
        ("# nothing\n", None),
    ],
)  # fmt: skip
def test_text_has_one_meaning(read, text, value):
    assert repr(read(text)) == repr(value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: 1\nb: \xff\n", "x.yaml, line 2: not UTF-8"),
        ("a: 1".encode("utf-16"), "x.yaml, line 1: not UTF-8"),
        (b"a: 1\nb: 2\na: 3\n", "x.yaml, line 3: the key 'a' is there twice"),
        (b"x:\n  - {b: 2, c: 3, b: 2}\n", "x.yaml, line 2: the key 'b' is there twice"),
        (BOMB, "x.yaml, line 1: & and [*] are not read here"),
        (b"a: &a [*a]", "x.yaml, line 1: & and [*] are not read here"),
        (b"a: *b", "x.yaml, line 1: & and [*] are not read here"),
        (b"a: !!timestamp 2020-01-01", "x.yaml, line 1: ! is not read here"),
        (b"a: !!python/object/apply:os.system [ls]", "x.yaml, line 1: ! is not read here"),
        (b"\n1: x", "x.yaml, line 2: a key is not text; quote it"),
        (b"? [a]\n: x", "x.yaml, line 1: a key is not text; quote it"),
        (b"[" * 100_000, "x.yaml, line 1: .*(levels|nesting)"),
        (b"{a: " * 10_000, f"x.yaml, line 1: more than {MOST_LEVELS} levels"),
        (b"- " * 50_000, f"x.yaml, line 1: more than {MOST_LEVELS} levels"),
        (b"x: [" + b"1, a, " * 20_000 + b"]", "x.yaml, line 1: more than 1000 entries"),
        (b"#" * (MOST_BYTES + 1), "x.yaml: larger than 256 KiB"),
        (b"a: 1\n---\na: 2\n", "x.yaml, line 2: a second document begins"),
        (b'a: "\\x1b[31m"', "x.yaml, line 1: a text has a line break or a character that cannot be seen"),
        (b'a: "x\\n"', "x.yaml, line 1: a text has a line break"),
        ("a: \u202eb".encode(), "x.yaml, line 1: a text has a line break or a character that cannot be seen"),
        (b'a: "\\u2028"', "x.yaml, line 1: a text has a line break"),
        (b"a: \x1b[31m", "x.yaml: not valid YAML: "),
        (b'a: "\\ud800"', "x.yaml"),
        (b"a: [1\nb: 2", "x.yaml, line 2: not valid YAML: "),
        (b"a:\tb: c\n\td", "x.yaml, line"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
def test_what_has_no_single_short_meaning_is_refused_in_one_line(read, content, words):
    with pytest.raises(BadConfiguration, match=words) as refused:
        read(content)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(BadConfiguration, match="Is a directory"):
        read_yaml(tmp_path)
    with pytest.raises(BadConfiguration, match="larger than 256 KiB"):
        read_yaml(type(tmp_path)("/dev/zero"))


@pytest.mark.parametrize("content", ("", "# nothing\n"))
def test_an_empty_file_is_told_as_empty(tmp_path, content):
    file = tmp_path / "x.yaml"
    file.write_text(content)
    with pytest.raises(BadConfiguration, match=r"x.yaml: is empty$"):
        read_checked(file, "machine")
