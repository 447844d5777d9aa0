"""One HTTP request and its answer, whatever its status, in a few seconds: for commands that look at what is deployed.
Knows no other room."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import cast
from urllib.parse import urlencode

PATIENCE_S = 5.0
MAX_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """`json`: the body where it is a JSON object, else empty."""

    status: int
    date: str
    text: str
    json: Mapping[str, object]


def ask(url: str, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None) -> Answer | str:
    """The answer to a GET, or to the POST of a form; in words why there is none."""
    if not url.startswith(("https://", "http://")):
        return "is no address"
    try:
        body = None if form is None else urlencode(form).encode()
        with _opened(urllib.request.Request(url, body, dict(headers or {}))) as answer:
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
    return Answer(status, date, body.decode("utf-8", "replace"), said if isinstance(said, dict) else {})
