"""Clients that misbehave: the stand-in goes on serving, keeps its memory, and ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import time
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.live import cues
from gateway.live.messages import (
    MAX_MESSAGE_BYTES,
    Ready,
    SendActivityEnd,
    SendActivityStart,
    SendAudio,
    SendAudioStreamEnd,
    SendText,
    TurnComplete,
    build,
)
from gateway.rehearsal.process import Standin, standin
from tests.rehearsal.standin.house import DEVELOPER, KEY, SETUP, Client, recorded, said

STATUS = "/proc/{}/status"  # Linux alone tells how much memory another process has
GROWTH_KB = 80_000  # the rest of one large frame in the allocator; a leak of what was sent here is several times that

GARBAGE: tuple[str | bytes, ...] = (
    "", "{", "[" * 100_000, "null", "\0", b"\xff\xfe", b"\x00" * 70_000, '{"setup": 1}', '{"setup": {"model": 5}}',
    '{"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=0", "data": "AAAA"}}}',
    '{"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=999950", "data": "AAAA"}}}',
    '{"realtimeInput": {"audio": {"mimeType": "audio/pcm", "data": "\u00e9"}}}',
    '{"toolResponse": {"functionResponses": [{"id": "x", "response": {}}]}}',
    '{"setup": {"model": "models/gemini-3.8-live", "generationConfig": {"responseModalities": 5}}}',
)  # fmt: skip


async def opened(house: Standin) -> ClientConnection:
    found = await connect(
        house.url + DEVELOPER, additional_headers=KEY, compression=None, proxy=None, max_size=None, close_timeout=0.1
    )
    await found.send(json.dumps({"setup": SETUP}))
    return found


async def dropped(house: Standin, dice: random.Random) -> None:
    """A connection that does something and is gone at any moment, without a word."""
    link = await opened(house)
    doings = (
        build(SendText(cues.say("A sentence that nobody stays for. And another one."))),
        build(SendText("é" * dice.randrange(1, 5_000))),
        build(SendText("1" * 200)),
        build(SendAudio(recorded(), 16_000)),
        build(SendAudioStreamEnd()),
        *GARBAGE,
    )
    with contextlib.suppress(ConnectionClosed):
        for _ in range(dice.randrange(4)):
            await link.send(dice.choice(doings))
        await asyncio.sleep(dice.random() * 0.05)
    link.transport.abort()


async def half_open(house: Standin, dice: random.Random) -> None:
    """Bytes that are no handshake, or part of one."""
    parts = urlsplit(house.url)
    _reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    key = b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    double = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-goog-api-key: a\r\nx-goog-api-key: b\r\n\r\n"
    lines = (b"", b"\0" * 10_000, b"GET ///[ HTTP/1.1\r\n" + key + double, b"GET / HT", b"G" * 100_000)
    writer.write(dice.choice(lines))
    await asyncio.sleep(dice.random() * 0.05)
    writer.transport.abort()


async def oversized(house: Standin) -> int:
    link = await opened(house)
    with contextlib.suppress(ConnectionClosed):
        await link.send(build(SendText("x" * MAX_MESSAGE_BYTES)))
    await link.wait_closed()
    return link.close_code or 0


async def too_many_turns(house: Standin) -> tuple[int, str]:
    """Turns by the hundred, faster than anybody could recognise them."""
    async with connect(house.url + DEVELOPER, additional_headers=KEY, compression=None, proxy=None) as link:
        manual = {"automaticActivityDetection": {"disabled": True}}
        await link.send(json.dumps({"setup": {**SETUP, "realtimeInputConfig": manual}}))
        with contextlib.suppress(ConnectionClosed):
            for message in (SendActivityStart(), SendAudio(recorded(), 16_000), SendActivityEnd()) * 100:
                await link.send(build(message))
        return await Client(link).closed()


def deaf(house: Standin) -> socket.socket:
    """A client that asks for a lot and never reads: its small buffer is soon full, and so is the stand-in's."""
    parts = urlsplit(house.url)
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.connect((parts.hostname, parts.port))
    request = (
        f"GET {DEVELOPER}?key=any HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    link.sendall(request.encode() + masked(json.dumps({"setup": SETUP})))
    link.sendall(masked(build(SendText(cues.say("Many words that nobody reads. " * 100)))))
    return link


def masked(text: str) -> bytes:
    """A client's text frame (RFC 6455), masked with zeros."""
    body = text.encode()
    return b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body


async def served(house: Standin) -> str:
    """What a well-behaved client is answered now."""
    async with connect(house.url + DEVELOPER, additional_headers=KEY, compression=None, proxy=None) as link:
        client = Client(link)
        await link.send(json.dumps({"setup": SETUP}))
        await client.until(Ready)
        await client.send(SendText(cues.say("Here.")))
        return said(await client.until(TurnComplete))


def memory_kb(pid: int) -> int:
    status = Path(STATUS.format(pid))
    if not status.exists():
        return 0
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


async def storm(house: Standin, count: int, seed: int) -> None:
    """`count` connections that are dropped, twenty at a time, and a quarter as many half-open ones."""
    dice = random.Random(seed)  # the moments differ from run to run all the same: the machine's load is part of it
    for _ in range(0, count, 20):
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(dropped(house, dice))
            for _ in range(5):
                group.create_task(half_open(house, dice))


async def attack(count: int) -> tuple[float, int]:
    """How long the stand-in took to end, and by how much its memory grew by a second storm like the first."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(standin())
        await storm(house, count, 1)
        assert await oversized(house) == 1009
        code, reason = await too_many_turns(house)
        assert (code, reason.partition(":")[0]) == (1011, "RESOURCE_EXHAUSTED")
        with deaf(house), deaf(house):
            before = memory_kb(house.pid)
            await storm(house, count, 2)
            assert await oversized(house) == 1009
            assert await served(house) == "Here."
            grown = memory_kb(house.pid) - before
            assert str(house.errors) == ""
            end = time.monotonic()
            await stack.aclose()  # its stdin ends, while the deaf ones are still there
    return time.monotonic() - end, grown


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_the_stand_in_survives_its_clients(count: int) -> None:
    took, grown = asyncio.run(attack(count))
    assert took < 3
    assert grown < GROWTH_KB
