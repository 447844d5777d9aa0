"""The phone's WebSocket, straight on ASGI.

Quart's own websocket queue is unbounded and ends a handler by cancelling it, so a call would have neither back-pressure
nor an end it can tell. `Quart.asgi_websocket_class` is the door for another: measured, it also saves a third of the
server's cost per frame (docs/design.md, 2026-11-23).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import cast
from urllib.parse import unquote

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, WebsocketScope

CLOSE_S = 1.0  # a deaf peer may not hold a call open


class PhoneLeft(Exception):
    """The peer closed the socket, or the connection broke. `code` is the close code, 1006 where there was none."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class PhoneSocket:
    """One connection. Until `accept` or `refuse` nothing has been answered."""

    __slots__ = ("_closed", "_left", "_receive", "_scope", "_send")

    def __init__(self, scope: WebsocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._closed = False
        self._left = False

    @property
    def path(self) -> str:
        return unquote(self._scope["path"])

    def header(self, name: str) -> str:
        """The first header of that name, empty where it is missing."""
        wanted = name.lower().encode()
        for key, value in self._scope["headers"]:
            if key.lower() == wanted:
                return value.decode("latin1")
        return ""

    async def accept(self) -> None:
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept", "subprotocol": None, "headers": []})

    async def refuse(self, status: int, reason: str) -> None:
        """Answer the handshake with an HTTP status instead (Twilio: error 31920)."""
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await self._send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        body = (reason + "\n").encode()
        await self._send({"type": "websocket.http.response.body", "body": body, "more_body": False})

    async def receive(self) -> str | bytes:
        """The next message: str for a text frame. Raises PhoneLeft."""
        event = await self._receive()
        if event["type"] != "websocket.receive":
            self._closed = self._left = True
            raise PhoneLeft(int(event.get("code") or 1006) if event["type"] == "websocket.disconnect" else 1006)
        text = event.get("text")
        return cast(bytes, event["bytes"]) if text is None else text

    async def send(self, text: str) -> None:
        """One text frame; returns when the transport has taken it (back-pressure)."""
        await self._send({"type": "websocket.send", "bytes": None, "text": text})

    async def discard(self) -> None:
        """Read until the connection has ended. Hypercorn's reader waits for room in its queue of ten, and so does its
        own news that the stream is over: left unread, connection and tasks stay for good."""
        with suppress(PhoneLeft):
            while not self._left:  # its end is told once; asked again, Hypercorn's queue would never answer
                await self.receive()

    async def close(self, code: int, reason: str = "") -> None:
        """Close once; later calls do nothing. Never waits longer than CLOSE_S for a peer that reads nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except TimeoutError:
            return
