"""Which request a log line belongs to: read from the headers that Google's front end, or any other, adds to it.

    traceparent             00-<32 hex: trace>-<16 hex: span>-<2 hex: flags>       w3.org/TR/trace-context
    X-Cloud-Trace-Context   <32 hex: trace>/<decimal: span>;o=<1: sampled>         cloud.google.com/trace/docs

Anybody may send them, so nothing of another form is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

TRACEPARENT, CLOUD = "traceparent", "X-Cloud-Trace-Context"
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[ -~]*)?")
_CLOUD = re.compile(r"([0-9a-f]{32})(?:/([0-9]{1,20}))?(?:;o=([0-9]))?")
_SPANS = 2**64


@dataclass(frozen=True, slots=True)
class Trace:
    """`id` in 32 and `span` in 16 hex digits, `span` empty where none was told."""

    id: str
    span: str = ""
    sampled: bool = False


CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)  # of the request that is being answered


def read(header: Callable[[str], str]) -> Trace | None:
    """The trace of a request, whose headers `header` gives (empty for one that is missing)."""
    return _w3c(header(TRACEPARENT)) or _cloud(header(CLOUD))


def _w3c(text: str) -> Trace | None:
    found = _TRACEPARENT.fullmatch(text)
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return Trace(found[1], found[2], bool(int(found[3], 16) & 1))


def _cloud(text: str) -> Trace | None:
    found = _CLOUD.fullmatch(text.lower())
    if found is None or not int(found[1], 16):
        return None
    span = int(found[2] or 0)
    return Trace(found[1], f"{span:016x}" if 0 < span < _SPANS else "", found[3] == "1")
