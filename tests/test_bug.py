"""A bug becomes a report, whatever is in it, and no secret is."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.cli import main
from gateway.flow.environment import SECRETS

MARK = "marker-7/+ü'\\x"


def test_a_bug_becomes_a_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("gateway.catalog.load", broken)
    assert main(["validate"]) == 3
    words = capsys.readouterr().err
    assert "a bug of ours: RuntimeError: boom" in words
    report = Path(words.rsplit("the report is in ", 1)[1].strip())
    assert "Traceback" in report.read_text(encoding="utf-8")
    report.unlink()


def test_a_report_of_a_bug_takes_any_character(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("🦷 \udcff")

    monkeypatch.setattr("gateway.catalog.load", broken)
    monkeypatch.setattr("sys.stdout", io.StringIO())  # in its place somebody put one that can't be reconfigured
    assert main(["validate"]) == 3
    report = Path(capsys.readouterr().err.rsplit("the report is in ", 1)[1].strip())
    assert "🦷 \\udcff" in report.read_text(encoding="utf-8")
    report.unlink()


def test_the_report_of_a_bug_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, f"{name} {MARK}")

    def broken(*_: object) -> None:
        key = os.environ["GOOGLE_API_KEY"]
        raise RuntimeError(
            f"{key}; {key!r}; {json.dumps(key)}; https://host/?key={quote(key, safe='')}"
        ) from ValueError(key)

    monkeypatch.setattr("gateway.catalog.load", broken)
    assert main(["validate"]) == 3
    words = capsys.readouterr().err
    file = Path(words.rsplit("the report is in ", 1)[1].strip())
    report = file.read_text(encoding="utf-8")
    file.unlink()
    name = "<GOOGLE_API_KEY>"
    assert f'RuntimeError: {name}; "{name}"; "{name}"; https://host/?key={name}' in report
    assert "marker-7" not in (words + report).lower()
