"""The store of one instance: gone with it. Bounded: beyond CAPACITY the oldest are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.store import Kept

T = TypeVar("T")

CAPACITY = 10_000


class Memory:
    """A Store. `clock` is seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: _Shelf[bool] = _Shelf()
        self._calls: _Shelf[Kept] = _Shelf()

    async def first_use(self, token_id: str, ttl_s: float) -> bool:
        return self.use(token_id, ttl_s)

    async def last(self, call_sid: str) -> Kept | None:
        return self.known(call_sid)

    def put(self, call_sid: str, kept: Kept, ttl_s: float) -> None:
        self.learn(call_sid, kept, ttl_s)

    async def flush(self) -> None:
        return

    # the same without a wait, for a store that stands on this one

    def use(self, token_id: str, ttl_s: float) -> bool:
        """`first_use`, here."""
        now = self._clock()
        if self._used.get(token_id, now):
            return False
        self._used.put(token_id, True, now + ttl_s, now)
        return True

    def known(self, call_sid: str) -> Kept | None:
        """`last`, here."""
        return self._calls.get(call_sid, self._clock())

    def learn(self, call_sid: str, kept: Kept, ttl_s: float) -> bool:
        """`put`; says whether it was news."""
        now = self._clock()
        before = self._calls.get(call_sid, now)
        if before is not None and before.version >= kept.version:
            return False
        self._calls.put(call_sid, kept, now + ttl_s, now)
        return True


class _Shelf(Generic[T]):
    """Values that count until a moment, the oldest first."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[T, float]] = {}

    def get(self, key: str, now: float) -> T | None:
        found = self._values.get(key)
        return found[0] if found is not None and now < found[1] else None

    def put(self, key: str, value: T, until: float, now: float) -> None:
        self._values.pop(key, None)
        self._values[key] = value, until
        while len(self._values) > CAPACITY or self._oldest_until() <= now:
            del self._values[next(iter(self._values))]

    def _oldest_until(self) -> float:
        return next(iter(self._values.values()))[1]
