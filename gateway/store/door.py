"""Which store there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from gateway.store import Store
from gateway.store.memory import Memory

Event = Literal["store-down", "store-back"]
Tell = Callable[[Event, Mapping[str, str | float]], None]  # once per outage each: {"why"}, then {"after_s"}
Fenced = Callable[[str, int], None]  # a call (its CallSid) that another stream has claimed, and the fence that was void
Token = Callable[[], Awaitable[str]]  # an access token that serves as the password, asked for each connection (IAM)


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears of what the store finds out."""

    tell: Tell
    fenced: Fenced


@asynccontextmanager
async def opened(url: str, ears: Ears, token: Token | None = None) -> AsyncIterator[Store]:
    """The store at `url` (redis:// or rediss://), or this instance's memory where it is empty. Never fails: of a store
    that isn't there `ears` are told, and it is asked again."""
    memory = Memory(asyncio.get_running_loop().time)
    if not url:
        yield memory
        return
    from gateway.store.redis import connected  # redis-py takes its time to import: only who uses it waits

    async with connected(url, memory, ears, token) as store:
        yield store
