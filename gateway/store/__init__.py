"""What outlives an instance: which stream tokens were used, who has each call and what was said in it, how many calls a
flow has. Knows no other room.

`memory` serves one instance, `redis` several; `door.opened` chooses. No store raises or drops a call: while one is out
of reach, this instance's memory stands in for it. A call's state is the caller's: it holds what was said, in no key and
no log, and every key ends by time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a call. Of two the larger `version` counts; one version has one `state`, which no store reads.
    `fence` and `seq` are 0 to 2**53 - 1, so that Lua's numbers hold them."""

    fence: int
    seq: int
    state: bytes

    @property
    def version(self) -> tuple[int, int]:
        return self.fence, self.seq


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claimed a call last has it: what is put with a smaller `fence` is refused from then on. `last`: what was put
    before; not `sure`: no other instance could be asked for it."""

    fence: int
    last: Kept | None
    sure: bool = True


class Store(Protocol):
    async def first_use(self, token_id: str, ttl_s: float) -> bool:
        """Whether no instance has seen this token in the last `ttl_s`. Waits 0.5 s at most."""
        ...

    async def claim(self, call_sid: str, owner: str, least: int, ttl_s: float) -> Claim:
        """Take the call over for `owner` (unique to each stream), with a fence above every earlier one and not below
        `least`: whoever knows an order of the streams says it so, for a store that lost its data. Waits 0.5 s at
        most."""
        ...

    def put(self, call_sid: str, kept: Kept, ttl_s: float) -> None:
        """Keep this of the call for `ttl_s`, unless something newer is known. Never waits."""
        ...

    async def last(self, call_sid: str) -> Kept | None:
        """The newest that any instance put. Waits 0.5 s at most."""
        ...

    async def enter(self, room: str, call_sid: str, limit: int | None, ttl_s: float) -> bool:
        """Whether the call may be in the room, which takes `limit`; then it is, for `ttl_s` from now. One that is in
        it stays. Waits 0.5 s at most."""
        ...

    async def leave(self, room: str, call_sid: str) -> None:
        """The call is in the room no more. Waits 0.5 s at most."""
        ...

    async def flush(self) -> None:
        """Wait until other instances can see what was put: 1 s at most."""
        ...
