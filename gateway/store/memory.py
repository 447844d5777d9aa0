"""The store of one instance: gone with it. Bounded: beyond CAPACITY the oldest are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from gateway.store import Claim, Kept

T = TypeVar("T")

CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class _Call:
    fence: int
    owner: str
    last: Kept | None


NOBODY = _Call(0, "", None)


class Memory:
    """A Store. `clock` is seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: _Shelf[bool] = _Shelf()
        self._calls: _Shelf[_Call] = _Shelf()
        self._rooms: dict[str, dict[str, float]] = {}  # room -> call -> until when

    async def first_use(self, token_id: str, ttl_s: float) -> bool:
        return self.use(token_id, ttl_s)

    async def claim(self, call_sid: str, owner: str, least: int, ttl_s: float) -> Claim:
        return self.take(call_sid, owner, least, ttl_s)

    async def last(self, call_sid: str) -> Kept | None:
        return self.known(call_sid)

    def put(self, call_sid: str, kept: Kept, ttl_s: float) -> None:
        self.learn(call_sid, kept, ttl_s)

    async def enter(self, room: str, call_sid: str, limit: int | None, ttl_s: float) -> bool:
        return self.come_in(room, call_sid, limit, ttl_s)

    async def leave(self, room: str, call_sid: str) -> None:
        self.go(room, call_sid)

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

    def take(self, call_sid: str, owner: str, least: int, ttl_s: float) -> Claim:
        """`claim`, here. `least` above what is known raises the fence, also of its owner's."""
        now = self._clock()
        known = self._calls.get(call_sid, now) or NOBODY
        fence = max(least, known.fence + (known.owner != owner))
        self._calls.put(call_sid, _Call(fence, owner, known.last), now + ttl_s, now)
        return Claim(fence, known.last)

    def known(self, call_sid: str) -> Kept | None:
        """`last`, here."""
        return (self._calls.get(call_sid, self._clock()) or NOBODY).last

    def learn(self, call_sid: str, kept: Kept, ttl_s: float) -> bool:
        """`put`; says whether it was news."""
        now = self._clock()
        before = self._calls.get(call_sid, now) or NOBODY
        if kept.fence < before.fence or (before.last is not None and before.last.version >= kept.version):
            return False
        self._calls.put(call_sid, replace(before, fence=kept.fence, last=kept), now + ttl_s, now)
        return True

    def come_in(self, room: str, call_sid: str, limit: int | None, ttl_s: float) -> bool:
        """`enter`, here."""
        now = self._clock()
        inside = {sid: until for sid, until in self._rooms.get(room, {}).items() if now < until}
        welcome = limit is None or call_sid in inside or len(inside) < limit
        if welcome:
            inside[call_sid] = now + ttl_s
        self._rooms[room] = inside
        return welcome

    def go(self, room: str, call_sid: str) -> None:
        """`leave`, here."""
        inside = self._rooms.get(room, {})
        inside.pop(call_sid, None)
        if not inside:
            self._rooms.pop(room, None)


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
