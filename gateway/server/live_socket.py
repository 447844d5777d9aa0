"""The model's WebSocket: our own lean client over `websockets` (docs/design.md, 2026-11-23: the SDK's send and receive
cost 5 to 10 times as much). It opens a session, reads facts and writes messages; every end of it is a `ModelGone`."""

from __future__ import annotations

import asyncio
import os
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # the C one, where it was built
from websockets.protocol import State

from gateway.call.facts import ModelGone
from gateway.live import messages
from gateway.live.endpoint import Endpoint
from gateway.live.messages import ClientMessage, LiveProtocolError, ServerMessage
from gateway.server.outbox import Outbox

OPEN_TIMEOUT_S = 6.0  # the handshake; setupComplete has the call's own time-out (call/turn.py)
CLOSE_TIMEOUT_S = 1.0
MASKS = 1024  # bytes of random taken at a time
MAX_REASON = 300  # bytes of what a refused handshake says

_SHORT, _LONG = struct.Struct("!BBH"), struct.Struct("!BBQ")


class LiveConnection(ClientConnection):
    """A connection that writes without a task's help where it can, and makes its frames itself: `send` costs three
    times as much (bench.leg)."""

    _masks = b""  # strong random bytes that no frame has used (RFC 6455, 10.3): asking the kernel each time is dear

    def post(self, text: str) -> bool:
        """Write a message now. False where it has to wait, and nothing was written: the peer reads too slowly, or the
        connection isn't open."""
        if self.paused or self.protocol.state is not State.OPEN or self.transport.is_closing():
            return False
        data = text.encode()
        self.transport.write(b"".join((_head(len(data)), mask := self._mask(), apply_mask(data, mask))))
        return True

    def _mask(self) -> bytes:
        masks = self._masks or os.urandom(MASKS)
        self._masks = masks[4:]
        return masks[:4]


def _head(size: int) -> bytes:
    """The beginning of a whole, masked text frame (RFC 6455, 5.2)."""
    if size < 126:
        return bytes((0x81, 0x80 | size))
    return _SHORT.pack(0x81, 0xFE, size) if size < 65_536 else _LONG.pack(0x81, 0xFF, size)


async def dial(endpoint: Endpoint) -> ClientConnection | ModelGone:
    """An open socket to the model, nothing sent yet; or why there is none."""
    try:
        return await _open(endpoint)
    except InvalidStatus as refused:
        body = refused.response.body or b""
        return ModelGone(refused.response.status_code, body[:MAX_REASON].decode("utf-8", "replace"))
    except (OSError, TimeoutError, WebSocketException, ValueError) as failed:  # ValueError: a proxy's bad URL
        return ModelGone(0, f"cannot connect: {type(failed).__name__}: {failed}")


async def reach(endpoint: Callable[[], Awaitable[Endpoint]]) -> ClientConnection | ModelGone:
    """`dial` where the model is now."""
    try:
        return await dial(await endpoint())
    except OSError as failed:
        return ModelGone(0, f"no credentials: {failed}")


async def converse(
    socket: ClientConnection,
    first: messages.Setup | Sequence[ServerMessage],
    outbox: Outbox[ClientMessage],
    tell: Callable[[ServerMessage], None],
) -> ModelGone:
    """Hold one session: `tell` gets every message, `outbox` is written as it fills. `first` is its setup; or where that
    was sent before, what came since. Returns how it ended; the socket is closed, also when this is cancelled."""
    setup, came = (first, ()) if isinstance(first, messages.Setup) else (None, first)
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(_write(socket, setup, outbox), name="live-writer")
            for message in came:
                tell(message)
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


async def hang_up(socket: ClientConnection) -> None:
    """Close a socket that was dialled and not used."""
    await _close(socket)


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


async def _write(socket: ClientConnection, setup: messages.Setup | None, outbox: Outbox[ClientMessage]) -> None:
    """Write until the socket is closed; its reader tells why."""
    try:
        if setup is not None:
            await socket.send(messages.build(setup))
        if isinstance(socket, LiveConnection):
            outbox.through = partial(_post, socket)
        while True:
            await socket.send(messages.build(await outbox.get()))
    except ConnectionClosed:
        return
    finally:
        outbox.through = None


def _post(socket: LiveConnection, message: ClientMessage) -> bool:
    return socket.post(messages.build(message))


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
        create_connection=LiveConnection,
    )


@cache
def _tls() -> ssl.SSLContext:
    """One context for all calls: reading the certificates costs 20 ms and more."""
    return ssl.create_default_context()
