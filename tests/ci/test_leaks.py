"""Secrets that were left in the tree are found, and those of the tests are known."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.ci import script

pytestmark = pytest.mark.slow

# In two parts, for this file is looked at as well.
LEFT = {
    "google.txt": "key: AI" + "zaSyA1234567890abcdefghijklmnopqrstuv",
    "twilio.py": 'SID = "AC' + '0123456789abcdef0123456789abcdef"',
    "key.pem": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "url.yaml": "redis: redis://user:" + "hunter2secret@host:6379",
    "token.json": '{"token": "gh' + 'p_0123456789abcdefghijABCDEFGHIJ012345"}',
}


@pytest.fixture(scope="module")
def leaks() -> ModuleType:
    pytest.importorskip("detect_secrets", reason="it comes with uv sync --group supply")
    return script("leaks")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for name, line in LEFT.items():
        (tmp_path / name).write_text(f"first: line\n{line}\n")
    (tmp_path / "clean.yaml").write_bytes(b"date: 2026-02-30\nname: caf\xe9\n")  # neither a date nor UTF-8
    (tmp_path / "uv.lock").write_text(LEFT["twilio.py"])
    return tmp_path


def test_every_kind_is_found_with_its_line(leaks: ModuleType, tree: Path) -> None:
    found = leaks.scan_all(tree)
    assert {file for file, _, _ in found} == set(LEFT)
    assert set(found.values()) == {2}
    faults = leaks.judge(found, set())
    assert [fault.split(":")[:2] for fault in faults] == sorted([name, "2"] for name in LEFT)
    assert not [line for line in LEFT.values() if line in "\n".join(faults)]


def test_what_is_known_is_known_wherever_it_stands(leaks: ModuleType, tree: Path) -> None:
    known = leaks.read(leaks.write(leaks.scan_all(tree)))
    (tree / "url.yaml").write_text(f"one\ntwo\nthree\n{LEFT['url.yaml']}\n")
    assert leaks.judge(leaks.scan_all(tree), known) == []
    (tree / "url.yaml").write_text("nothing\n")
    assert leaks.judge(leaks.scan_all(tree), known) == [
        "leaks.json: url.yaml: this Basic Auth Credentials is no longer there"
    ]


def test_the_list_holds_no_secret(leaks: ModuleType, tree: Path) -> None:
    text = leaks.write(leaks.scan_all(tree))
    assert "hunter2secret" not in text
    assert "SyA123" not in text


def test_this_tree_holds_none(leaks: ModuleType) -> None:
    assert leaks.main([]) == 0
