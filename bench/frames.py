"""WebSocket frames made by hand (RFC 6455), so that the generator costs less than what it measures. Pure.

Frames of a client are masked with a key of zeros: valid, and the text stays as it is.
"""

from __future__ import annotations

import base64
import hashlib

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A  # with FIN: nobody here sends fragments
UPGRADED = b"HTTP/1.1 101"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = base64.b64encode(bytes(16)).decode()


def client_frame(payload: bytes, kind: int = TEXT) -> bytes:
    return _head(kind, len(payload), 0x80) + b"\0\0\0\0" + payload


def server_frame(payload: bytes, kind: int = BINARY) -> bytes:
    return _head(kind, len(payload), 0) + payload


def _head(kind: int, size: int, mask_bit: int) -> bytes:
    if size < 126:
        return bytes((kind, mask_bit | size))
    if size < 65_536:
        return bytes((kind, mask_bit | 126)) + size.to_bytes(2, "big")
    return bytes((kind, mask_bit | 127)) + size.to_bytes(8, "big")


def upgrade(host: str, path: str, *headers: str) -> bytes:
    """A client's handshake, with further `headers`; no extensions are offered."""
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", *headers)
    return "\r\n".join([*lines, f"Sec-WebSocket-Key: {_KEY}", "Sec-WebSocket-Version: 13", "", ""]).encode()


def accept(request: bytes) -> bytes:
    """A server's answer to a client's handshake. Raises ValueError where there is no key."""
    for line in request.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"sec-websocket-key":
            proof = base64.b64encode(hashlib.sha1(value.strip() + _GUID).digest())
            return (
                UPGRADED
                + b" Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                + proof
                + b"\r\n\r\n"
            )
    raise ValueError("not a WebSocket handshake")


class Reader:
    """Bytes in any pieces -> whole frames, unmasked."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(first byte, payload) of each frame that `data` completes."""
        if self._rest:
            data = self._rest + data
        found = []
        at = 0
        while (span := _span(data, at)) is not None:
            begin, end = span
            payload = data[begin:end]
            found.append((data[at], _unmask(payload, data[begin - 4 : begin]) if data[at + 1] & 0x80 else payload))
            at = end
        self._rest = data[at:]
        return found


def _span(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` begins and ends; None while it isn't all there."""
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1] & 0x7F, at + 2
    if size >= 126:
        begin += 2 if size == 126 else 8
        size = int.from_bytes(data[at + 2 : begin], "big")
    if data[at + 1] & 0x80:
        begin += 4
    return (begin, begin + size) if len(data) >= begin + size else None


def _unmask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
