"""Files of the system: what they say, and nothing where they cannot be read."""

import pytest

from harness.machine.system import read


@pytest.mark.parametrize(
    ("content", "told"), [(b"", ""), (b"\n", ""), (b" tsc\n", "tsc"), (b"\xff", "\ufffd"), (None, "")]
)
def test_an_empty_file_is_as_good_as_none(tmp_path, content, told):
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    assert read(tmp_path / "file") == told


def test_what_is_no_file_says_nothing(tmp_path):
    assert read(tmp_path) == read(tmp_path / "zero\0byte") == ""
