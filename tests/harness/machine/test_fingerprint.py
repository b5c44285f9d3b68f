"""Which host this is: one fingerprint, which tells nothing else."""

import re
import socket

import pytest

from harness.machine import fingerprint

ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"


@pytest.fixture
def ids(tmp_path, monkeypatch):
    """ids(machine, dbus, boot) has these be what the system's files hold; None: no such file."""
    files = [tmp_path / name for name in ("machine-id", "dbus", "boot_id")]
    monkeypatch.setattr(fingerprint, "MACHINE_IDS", tuple(files[:2]))
    monkeypatch.setattr(fingerprint, "BOOT_ID", files[2])

    def write(*contents):
        for file, content in zip(files, contents, strict=True):
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_text(content)
        return fingerprint.fingerprint()

    return write


def test_a_host_has_one_fingerprint_that_tells_neither_its_id_nor_its_name(ids):
    first = ids(f"{ID}\n", None, None)
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first == ids(f"{ID}\n", ID[::-1], "bb9dfb95-d712-42b0-9d4a-4dc031b92313\n")
    assert first not in ID and ID not in first
    assert first != ids(ID[::-1], None, None)
    assert socket.gethostname() not in (first, fingerprint.fingerprint())


@pytest.mark.parametrize("content", [None, "", "\n", "uninitialized\n", "0" * 32, "host-7.example", "\xff"])
def test_a_container_without_a_machine_id_is_told_by_the_boot_of_its_host(ids, content):
    boot = "bb9dfb95-d712-42b0-9d4a-4dc031b92313\n"
    found = ids(content, content, boot)
    assert found == ids(None, None, boot) != "unknown"
    assert found != ids(content, content, boot.replace("b", "c"))
    assert ids(content, content, content) == "unknown"
