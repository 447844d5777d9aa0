"""One question to somebody else's HTTP server, and the answer or why there is none. Standard library: `gateway doctor`
asks a few times, and needs no pool."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import cast

PATIENCE_S = 5.0
MAX_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """`date` is the header, empty where there is none; `json` is empty where the body is no JSON object."""

    status: int
    date: str
    json: Mapping[str, object]


def ask(url: str, headers: Mapping[str, str] | None = None) -> Answer | str:
    """The answer, or in words why there is none."""
    if not url.startswith(("https://", "http://")):
        return "is no address"
    try:
        with _opened(urllib.request.Request(url, headers=dict(headers or {}))) as answer:
            return _answer(answer.status or 0, answer.headers.get("Date", ""), answer.read(MAX_BODY))
    except (OSError, ValueError, HTTPException) as failed:
        return f"doesn't answer: {getattr(failed, 'reason', '') or type(failed).__name__}"


def _opened(request: urllib.request.Request) -> HTTPResponse | urllib.error.HTTPError:
    """An answer of any status."""
    try:
        return cast(HTTPResponse, urllib.request.urlopen(request, timeout=PATIENCE_S))
    except urllib.error.HTTPError as refused:
        return refused


def _answer(status: int, date: str, body: bytes) -> Answer:
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    return Answer(status, date, said if isinstance(said, dict) else {})
