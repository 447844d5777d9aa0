"""What outlives an instance: which stream tokens were used, and what became of each call. Knows no other room.

`memory` serves one instance, `redis` several; `door.opened` chooses. No store raises or drops a call: while one is out
of reach, this instance's memory stands in for it. No key and no value holds a caller's number or words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a call. Of two the larger `version` counts (0 to 2**53 - 1, so that Lua's numbers hold it); one
    version has one `state`, which no store reads."""

    version: int
    state: bytes


class Store(Protocol):
    async def first_use(self, token_id: str, ttl_s: float) -> bool:
        """Whether no instance has seen this token in the last `ttl_s`. Waits 0.5 s at most."""
        ...

    def put(self, call_sid: str, kept: Kept, ttl_s: float) -> None:
        """Keep this of the call for `ttl_s`, unless something newer is known. Never waits."""
        ...

    async def last(self, call_sid: str) -> Kept | None:
        """The newest that any instance put. Waits 0.5 s at most."""
        ...

    async def flush(self) -> None:
        """Wait until other instances can see what was put: 1 s at most."""
        ...
