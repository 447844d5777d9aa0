"""What waits to be written to one socket: bounded, in order, with one writer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Full(Exception):
    """The peer doesn't take what we send: the outbox reached its bound."""

    def __init__(self, outbox: object) -> None:
        super().__init__("the socket takes nothing any more")
        self.outbox = outbox


class Outbox(Generic[T]):
    """`put` from anywhere on the loop, `get` from one writer task.

    `through`, where it is set, is offered what comes while nothing waits, and says whether it took it: a writer's task
    need not wake for what the socket takes at once."""

    __slots__ = ("_items", "_limit", "_waiter", "through")

    def __init__(self, limit: int) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._waiter: asyncio.Future[None] | None = None
        self.through: Callable[[T], bool] | None = None

    def put(self, item: T) -> None:
        """Queue one item, or let it through. Raises Full."""
        if self.through is not None and not self._items and self.through(item):
            return
        if len(self._items) >= self._limit:
            raise Full(self)
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        """Forget what waits and is unwanted."""
        self._items = deque(item for item in self._items if not unwanted(item))

    async def get(self) -> T:
        """The oldest item, when there is one."""
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._items.popleft()

    def __len__(self) -> int:
        return len(self._items)
