"""Which store there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from gateway.store import Store
from gateway.store.memory import Memory

Event = Literal["store-down", "store-back"]
Tell = Callable[[Event, Mapping[str, str | float]], None]  # once per outage each: {"why"}, then {"after_s"}


@asynccontextmanager
async def opened(url: str, tell: Tell) -> AsyncIterator[Store]:
    """The store at `url` (redis:// or rediss://), or this instance's memory where it is empty. Never fails: of a store
    that isn't there `tell` hears, and it is asked again."""
    memory = Memory(asyncio.get_running_loop().time)
    if not url:
        yield memory
        return
    from gateway.store.redis import connected  # redis-py takes its time to import: only who uses it waits

    async with connected(url, memory, tell) as store:
        yield store
