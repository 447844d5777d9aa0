"""A socket to the model that is dialled before it is needed: the connection there is goes away soon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection
from websockets.protocol import State

from gateway.call.facts import ModelGone
from gateway.server.live_socket import hang_up

Found = ClientConnection | ModelGone
Prepared = asyncio.Task[Found]


async def take(prepared: Prepared | None, dial: Callable[[], Awaitable[Found]]) -> Found:
    """The socket that was prepared; another where there is none, or it isn't open."""
    found = await prepared if prepared is not None else None
    return await dial() if found is None or isinstance(found, ModelGone) or found.state is not State.OPEN else found


async def close(prepared: Prepared | None) -> None:
    """Close a socket that was prepared and isn't used."""
    if prepared is None:
        return
    if not prepared.done():
        prepared.cancel()
        return
    found = None if prepared.cancelled() else prepared.result()
    if isinstance(found, ClientConnection):
        await hang_up(found)
