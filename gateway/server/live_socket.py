"""The model's WebSocket: our own lean client over `websockets` (docs/design.md, 2026-11-23: the SDK's send and receive
cost 5 to 10 times as much). It opens a session, reads facts and writes messages; every end of it is a `ModelGone`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from gateway.call.facts import ModelGone
from gateway.live import messages
from gateway.live.endpoint import Endpoint
from gateway.live.messages import ClientMessage, LiveProtocolError, ServerMessage
from gateway.server.outbox import Outbox

OPEN_TIMEOUT_S = 6.0  # the handshake; setupComplete has the call's own time-out (call/turn.py)
CLOSE_TIMEOUT_S = 1.0


async def converse(
    endpoint: Endpoint,
    setup: messages.Setup,
    outbox: Outbox[ClientMessage],
    tell: Callable[[ServerMessage], None],
) -> ModelGone:
    """Hold one session: `tell` gets every message, `outbox` is written as it fills. Returns how it ended."""
    try:
        socket = await _open(endpoint)
    except InvalidStatus as refused:
        return ModelGone(refused.response.status_code, "the handshake was refused")
    except (OSError, TimeoutError, WebSocketException, ValueError) as failed:  # ValueError: a proxy's bad URL
        return ModelGone(0, f"cannot connect: {type(failed).__name__}: {failed}")
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(_write(socket, setup, outbox), name="live-writer")
            gone = await _read(socket, tell)
            writer.cancel()
    finally:
        await _close(socket)
    return gone


async def _close(socket: ClientConnection) -> None:
    """websockets' close waits without end for room in the send buffer: a peer that reads nothing is cut off."""
    try:
        async with asyncio.timeout(2 * CLOSE_TIMEOUT_S):
            await socket.close()
    except TimeoutError:
        socket.transport.abort()


async def _read(socket: ClientConnection, tell: Callable[[ServerMessage], None]) -> ModelGone:
    try:
        while True:
            for message in messages.parse(await socket.recv(decode=False)):
                tell(message)
    except ConnectionClosed as closed:
        frame = closed.rcvd
        return ModelGone(frame.code, frame.reason) if frame else ModelGone(1006, "the connection broke")
    except LiveProtocolError as broken:
        return ModelGone(broken.close_code, str(broken))


async def _write(socket: ClientConnection, setup: messages.Setup, outbox: Outbox[ClientMessage]) -> None:
    """Write until the socket is closed; its reader tells why."""
    try:
        await socket.send(messages.build(setup))
        while True:
            await socket.send(messages.build(await outbox.get()))
    except ConnectionClosed:
        return


async def _open(endpoint: Endpoint) -> ClientConnection:
    plain = urlsplit(endpoint.url).scheme == "ws"
    return await connect(
        endpoint.url,
        additional_headers=dict(endpoint.headers),
        compression=None,  # sound doesn't shrink in base64, and deflate costs more than the rest of the path
        ping_interval=None,  # pongs of the Live API take up to 30 s: a ping time-out would end a living call
        max_size=messages.MAX_MESSAGE_BYTES,
        max_queue=64,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        ssl=None if plain else _tls(),
        proxy=None if plain else True,
    )


@cache
def _tls() -> ssl.SSLContext:
    """One context for all calls: reading the certificates costs 20 ms and more."""
    return ssl.create_default_context()
