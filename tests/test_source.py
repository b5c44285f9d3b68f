"""What holds for all of the project's Python."""

import ast

from harness.record.files import ROOT

FILES = sorted(path for package in ("harness", "analysis") for path in (ROOT / package).rglob("*.py"))
READS_OR_WRITES = {"read_text", "write_text", "open", "fdopen", "NamedTemporaryFile"}
IN_BYTES = {"os.open", "tarfile.open"}


def without_encoding(source):
    """The calls that read or write text in whatever encoding the locale has. (Ruff's PLW1514 sees a third of them.)"""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        name = ast.unparse(call.func)
        modes = [
            ast.literal_eval(value) for value in (*call.args, *options.values()) if isinstance(value, ast.Constant)
        ]
        opens = name.split(".")[-1] in READS_OR_WRITES and name not in IN_BYTES
        binary = any(isinstance(mode, str) and len(mode) <= 3 and "b" in mode for mode in modes)
        if "encoding" not in options and ("text" in options or (opens and not binary)):
            yield ast.unparse(call)


def test_text_is_read_and_written_in_an_encoding_that_is_named():
    found = [(file.name, call) for file in FILES for call in without_encoding(file.read_text(encoding="utf-8"))]
    assert found == []
