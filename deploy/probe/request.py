"""HTTP/1.1 as far as Twilio and a tunnel speak it: a head, and a form that says how long it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

MAX_FORM = 64 * 1024


class BadRequest(Exception):
    """What is answered with this status."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's head. `target` is as it came, query and all: Twilio signs it so. `raw` holds its bytes."""

    method: str
    target: str
    headers: Message
    raw: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def upgrades(self) -> bool:
        return str(self.headers.get("Upgrade", "")).lower() == "websocket"


async def read_head(reader: asyncio.StreamReader) -> Asked:
    """Raises BadRequest; asyncio.IncompleteReadError where the peer went away."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too long") from None
    first, _, rest = raw.partition(b"\r\n")
    words = first.decode("latin-1").split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "no HTTP/1.1 request line")
    return Asked(words[0], words[1], BytesParser().parsebytes(rest), raw)


async def read_form(asked: Asked, reader: asyncio.StreamReader) -> dict[str, list[str]]:
    """The form of a POST, blank fields too; empty for a GET. Raises BadRequest."""
    if asked.method == "GET":
        return {}
    length = str(asked.headers.get("Content-Length", ""))
    if asked.method != "POST":
        raise BadRequest(HTTPStatus.METHOD_NOT_ALLOWED, f"{asked.method}: Twilio asks with POST or GET")
    if not length.isdecimal():
        raise BadRequest(HTTPStatus.LENGTH_REQUIRED, "a form without Content-Length (a tunnel that sends chunks?)")
    if int(length) > MAX_FORM:
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is too long")
    body = await reader.readexactly(int(length))
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)


def response(status: HTTPStatus, body: str = "") -> bytes:
    """The whole answer; the connection ends with it. A body is TwiML."""
    sent = body.encode()
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close"]
    if status != HTTPStatus.NO_CONTENT:
        lines += ["Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(sent)}"]
    return "\r\n".join([*lines, "", ""]).encode() + sent
