"""How many calls a flow has at a time, over all instances: `limits.concurrent_calls`.

A call counts for LEASE_S and is renewed while it lasts, so that those of an instance that died stop counting by
themselves. A call that goes on in another stream is counted once, and never turned away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.flow.model import Flow
from gateway.store import Store

LEASE_S = 60.0
RENEW_S = 20.0


class Rooms:
    """`store` is asked for each time: it is opened after the exchange."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._inside: dict[str, str] = {}  # the calls of this instance, by CallSid -> flow

    async def enter(self, flow: Flow, call_sid: str, *, first: bool) -> bool:
        """Whether the flow takes the call; `first`: no stream of it came before."""
        limit = flow.limits.concurrent_calls
        if limit is None:
            return True
        welcome = await self._store().enter(flow.name, call_sid, limit if first else None, LEASE_S)
        if welcome:
            self._inside[call_sid] = flow.name
        return welcome

    async def leave(self, call_sid: str, *, goes_on: bool) -> None:
        """The call's stream is over; where another one `goes_on` with it, it keeps its place."""
        room = self._inside.pop(call_sid, None)
        if room is not None and not goes_on:
            await self._store().leave(room, call_sid)

    async def run(self) -> None:
        """Renew what counts, until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            for call_sid, room in list(self._inside.items()):
                if call_sid in self._inside:  # one that has ended meanwhile would count on, with nobody to take it out
                    await self._store().enter(room, call_sid, None, LEASE_S)
