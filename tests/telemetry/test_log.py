"""Log lines: one form for programs, one for people; private fields apart, or out."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from gateway.telemetry.log import LABELS, configure


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("gateway")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


def test_json_lines_keep_private_fields_apart() -> None:
    out = io.StringIO()
    log = configure("json", "info", out)
    log.write("turn", {"call_sid": "CA1", "heard_ms": 20}, {"text": "my words"})
    line = json.loads(out.getvalue())
    assert line["severity"] == "INFO"
    assert line["message"] == "turn"
    assert line["heard_ms"] == 20
    assert line["private"] == {"text": "my words"}
    assert line[LABELS] == {"call_sid": "CA1"}
    assert line["time"].endswith("+00:00")


def test_text_lines_leave_private_fields_out() -> None:
    out = io.StringIO()
    configure("text", "info", out).write("turn", {"heard_ms": 20}, {"text": "my words"}, "warning")
    assert out.getvalue().endswith(" warning turn heard_ms=20\n")
    assert "words" not in out.getvalue()


def test_the_level_is_kept() -> None:
    out = io.StringIO()
    configure("json", "warning", out).write("turn", {}, {})
    assert out.getvalue() == ""


def test_libraries_speak_from_warnings_on() -> None:
    out = io.StringIO()
    configure("json", "debug", out)
    logging.getLogger("httpx").info("GET https://example.com/secret")
    logging.getLogger("hypercorn.error").warning("odd")
    assert [json.loads(line)["message"] for line in out.getvalue().splitlines()] == ["odd"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_bug_comes_with_its_traceback(form: str) -> None:
    out = io.StringIO()
    log = configure(form, "info", out)  # type: ignore[arg-type]
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        log.bug("stream")
    assert "RuntimeError: boom" in out.getvalue()
    assert out.getvalue().count("\n") >= 1


def test_a_field_of_any_kind_is_written() -> None:
    out = io.StringIO()
    configure("json", "info", out).write("odd", {"value": {1, 2}}, {})
    assert json.loads(out.getvalue())["value"] == "{1, 2}"
