"""Streams that break WebSocket, JSON or Media Streams, as the bytes a peer would send. Pure, and the same each time."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from bench.frames import BINARY, CLOSE, Reader, client_frame, upgrade

CONNECTED = b'{"event":"connected","protocol":"Call","version":"1.0.0"}'
MEDIA = {"track": "inbound", "chunk": "1", "timestamp": "100", "payload": "f39/fw=="}
FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
OVERSIZED = 200_000
Rubbish = tuple[str, tuple[bytes, ...]]

# The peer's next move: the gateway may wait for it as for any silent phone, and has to let go when the peer does.
STALLS = frozenset({"half a frame, then nothing", "frames before the handshake's answer"})


def rubbish(host: str, path: str, sid: str) -> Iterator[Rubbish]:
    """(what it is, the pieces to write one after another) for a stream of that sid."""
    noise = random.Random(7).randbytes
    hello, shake = client_frame(CONNECTED), upgrade(host, path)
    begun = (shake, hello, client_frame(_start(sid)))
    yield "noise for frames", (shake, noise(4000))
    yield "noise in the call", (*begun, noise(4000))
    yield "media first", (shake, client_frame(_media(sid, MEDIA)))
    yield "start first", (shake, client_frame(_start(sid)))
    yield "start twice", (*begun, client_frame(_start(sid)))
    yield "no such line", (shake, hello, client_frame(_start(sid, "nobody")))
    yield "oversized message", (*begun, client_frame(b'{"event":"' + b"x" * OVERSIZED + b'"}'))
    yield "half a frame, then nothing", (*begun, b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(64))
    yield "frames before the handshake's answer", (shake + hello,)
    yield "binary message", (*begun, client_frame(noise(300), BINARY))
    yield "not JSON", (*begun, client_frame(b"hello"))
    yield "deep JSON", (*begun, client_frame(b"[" * 20_000))
    yield "not base64", (*begun, client_frame(_media(sid, {**MEDIA, "payload": "%%%"})))
    yield "not UTF-8", (*begun, client_frame(b'{"event":"\xff\xfe"}'))
    yield "unmasked frame", (*begun, b"\x81\x02{}")
    yield "continuation of nothing", (*begun, client_frame(b"x", 0x80))
    yield "silence after the handshake", (shake,)
    yield "noise instead of HTTP", (noise(4000),)


def outcome(answer: bytes) -> str:
    """How the server ended it: the close code, the HTTP status, or neither."""
    head, _, frames = answer.partition(b"\r\n\r\n")
    status = head[9:12].decode("latin1") if head.startswith(b"HTTP/1.1") else "no answer"
    if status != "101":
        return status
    for kind, payload in Reader().feed(frames):
        if kind == CLOSE:
            return f"closed with {int.from_bytes(payload[:2], 'big')}"
    return "closed without a code"


def _media(sid: str, media: dict[str, str]) -> bytes:
    return json.dumps({"event": "media", "sequenceNumber": "2", "media": media, "streamSid": sid}).encode()


def _start(sid: str, line: str = "line") -> bytes:
    start = {
        "accountSid": "AC1",
        "callSid": "CA1",
        "streamSid": sid,
        "tracks": ["inbound"],
        "mediaFormat": FORMAT,
        "customParameters": {"flow": "bench", "line": line, "from": "+14155550199"},
    }
    return json.dumps({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": sid}).encode()
