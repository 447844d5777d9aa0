"""Log lines: one form for programs, one for people; private fields apart, or out."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest

from gateway.telemetry.log import ERROR_EVENT, LABELS, SAMPLED, SPAN, TRACE, Origin, configure
from gateway.telemetry.trace import CURRENT, Trace


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
    log.write("turn", {"call_sid": "CA1", "stream_sid": "MZ1", "heard_ms": 20}, {"text": "my words"})
    line = json.loads(out.getvalue())
    assert line["severity"] == "INFO"
    assert line["message"] == "turn"
    assert line["heard_ms"] == 20
    assert line["private"] == {"text": "my words"}
    assert line[LABELS] == {"call_sid": "CA1", "stream_sid": "MZ1"}
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


def test_what_a_library_says_below_its_first_line_is_private() -> None:
    """asyncio's handler writes the repr of a task and its exception there."""
    out = io.StringIO()
    configure("json", "info", out)
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: KeyError('+14155550199')")
    line = json.loads(out.getvalue())
    assert (line["severity"], line["logger"]) == ("ERROR", "asyncio")
    assert line["message"] == "Task exception was never retrieved"
    assert line["private"] == {"detail": "future: KeyError('+14155550199')"}


BOOM = "boom"


def bug(**settings: Any) -> str:
    """What is written of one."""
    out = io.StringIO()
    log = configure(settings.pop("form", "json"), "info", out, **settings)
    try:
        raise RuntimeError(BOOM)  # a traceback quotes this line
    except RuntimeError:
        log.bug("stream")
    return out.getvalue()


def test_a_bug_has_the_shape_that_error_reporting_reads() -> None:
    line = json.loads(bug(origin=Origin("p", "gateway-eu", "gateway-eu-00007")))
    assert (line["severity"], line["message"], line["where"]) == ("ERROR", "bug", "stream")
    assert line["@type"] == ERROR_EVENT
    assert line["serviceContext"] == {"service": "gateway-eu", "version": "gateway-eu-00007"}
    assert line["stack_trace"].startswith("Traceback (most recent call last):\n")
    assert line["stack_trace"].endswith("\nRuntimeError")
    assert line["private"] == {"error": "RuntimeError: boom"}
    assert json.loads(bug())["serviceContext"] == {"service": "gateway"}


def test_a_warning_with_an_exception_is_no_error_report() -> None:
    out = io.StringIO()
    configure("json", "info", out)
    logging.getLogger("lib").warning("odd", exc_info=KeyError("a"))
    line = json.loads(out.getvalue())
    assert line["stack_trace"].endswith("KeyError")
    assert "@type" not in line


def test_a_terminal_is_told_what_went_wrong() -> None:
    assert bug(form="text").endswith("\nRuntimeError\nRuntimeError: boom\n")
    assert bug(form="text", private=False).endswith("\nRuntimeError\n")


def test_private_fields_can_be_dropped_altogether() -> None:
    out = io.StringIO()
    log = configure("json", "info", out, private=False)
    log.write("turn", {"heard_ms": 20}, {"text": "my words"})
    logging.getLogger("asyncio").error("first\nsecond my words")
    assert "my words" not in out.getvalue()
    assert [set(json.loads(line)) & {"private"} for line in out.getvalue().splitlines()] == [set(), set()]
    assert "boom" not in bug(private=False)


def test_no_field_takes_the_place_of_the_lines_own() -> None:
    out = io.StringIO()
    configure("json", "info", out).write("turn", {"message": "a", "severity": "b", "time": "c"}, {})
    line = json.loads(out.getvalue())
    assert (line["message"], line["severity"]) == ("turn", "INFO")
    assert line["time"] != "c"


def test_a_line_belongs_to_its_requests_trace() -> None:
    out = io.StringIO()
    log = configure("json", "info", out, origin=Origin("my-project"))
    context = copy_context()
    context.run(CURRENT.set, Trace("0af7651916cd43dd8448eb211c80319c", "00000000000000ff", True))
    context.run(log.write, "in the request", {}, {})
    of_request = context.run(log.here)
    of_request.write("later, and elsewhere", {}, {})
    log.write("of no request", {}, {})
    first, second, third = (json.loads(line) for line in out.getvalue().splitlines())
    assert first[TRACE] == second[TRACE] == "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c"
    assert first[SPAN] == second[SPAN] == "00000000000000ff"
    assert first[SAMPLED] is True
    assert not {TRACE, SPAN, SAMPLED} & set(third)


def test_without_a_project_the_trace_stands_apart() -> None:
    out = io.StringIO()
    log = configure("json", "info", out)
    context = copy_context()
    context.run(CURRENT.set, Trace("0af7651916cd43dd8448eb211c80319c"))
    context.run(log.write, "turn", {}, {})
    line = json.loads(out.getvalue())
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert TRACE not in line


def test_a_field_of_any_kind_is_written() -> None:
    out = io.StringIO()
    configure("json", "info", out).write("odd", {"value": {1, 2}}, {})
    assert json.loads(out.getvalue())["value"] == "{1, 2}"
