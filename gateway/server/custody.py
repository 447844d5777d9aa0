"""One stream's hold on its call: what the store knows of it, from the claim to the stream's end.

The stream that came last has the call. What an earlier one still writes is refused by the store, which tells so; that
one is then over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.call.carry import Carry
from gateway.server.afterwards import FENCES, KEPT_S, NEXT, Carried, Ending, Served, read
from gateway.store import Kept, Store
from gateway.telemetry.families import HandoverReason

CLAIM_S = 7_200.0  # a stream lasts less than Cloud Run's hour
WHY: dict[Ending | None, HandoverReason] = {"draining": "sigterm", "stream-limit": "limit"}

Clock = Callable[[], float]  # Unix time


@dataclass(frozen=True, slots=True)
class Found:
    """What an earlier stream of the call left. `ending`: how it ended, None where it never told so (a crash); `gap_s`:
    since when it has told nothing. Not `sure`: whether there was one is not known, the store is out of reach, or what
    it left can't be read."""

    sure: bool
    ending: Ending | None = None
    gap_s: float | None = None
    carry: Carry | None = None

    @property
    def goes_on(self) -> bool:
        """Whether that stream had the call, which then isn't over: whoever comes now goes on with it."""
        return self.gap_s is not None and (self.ending is None or NEXT[self.ending] == "stream")

    @property
    def nothing(self) -> bool:
        """Whether it is sure that no stream of the call was at any core."""
        return self.sure and self.gap_s is None

    @property
    def why(self) -> HandoverReason:
        """Why the call changes its stream, for operators."""
        return WHY.get(self.ending, "crash")


class Custody:
    """`claim` first; `remember` and `ended` never wait."""

    def __init__(self, store: Store, call_sid: str, clock: Clock) -> None:
        self._store = store
        self._call_sid = call_sid
        self._clock = clock
        self._carried: Carried | None = None
        self._seq = 0
        self.fence = 0

    async def claim(self, attempt: int) -> Found:
        """Take the call over; what an earlier stream of it left, if anything is known. The attempt is an order of the
        streams that holds where the store lost its data."""
        claim = await self._store.claim(self._call_sid, secrets.token_hex(8), attempt * FENCES, CLAIM_S)
        self.fence = claim.fence
        found = read(claim.last)
        if found is None:
            return Found(claim.sure and claim.last is None)
        gap_s = max(0.0, self._clock() - found.at_ms / 1000)
        carry = None if found.carry is None else found.carry.aged(gap_s)
        return Found(True, found.ending, gap_s, carry)

    def began(self, served: Served, carry: Carry | None) -> None:
        """Who serves the call from now on, and what is known of it so far."""
        now_ms = self._now_ms()
        self._carried = Carried(served, now_ms, now_ms, carry=carry)
        self._put(self._carried)

    def remember(self, carry: Carry) -> None:
        """The newest of the call."""
        if self._carried is not None:
            self._carried = replace(self._carried, at_ms=self._now_ms(), carry=carry)
            self._put(self._carried)

    def ended(self, ending: Ending) -> None:
        """The stream is over. Told again, the first counts."""
        if self._carried is not None and self._carried.ending is None:
            self._carried = self._carried.ended(ending, self._now_ms())
            self._put(self._carried)

    async def settled(self) -> None:
        """Wait until other instances know: 1 s at most."""
        await self._store.flush()

    def _put(self, carried: Carried) -> None:
        self._seq += 1
        ttl_s = CLAIM_S if carried.ending is None else KEPT_S
        self._store.put(self._call_sid, Kept(self.fence, self._seq, carried.state()), ttl_s)

    def _now_ms(self) -> int:
        return int(1000 * self._clock())
