"""When a call leaves its stream, so that another one goes on with it: the instance goes away, or the stream is too old.
And what that one has to know, told whenever there is news: a stream may end without a word from us.

It leaves when nobody speaks, not before `from_s` (balancers must have heard that no more calls are taken here), at the
latest after `wait_s`.
"""

from __future__ import annotations

from collections.abc import Hashable

from gateway.call import carrying
from gateway.call.carrying import Cut, Whole
from gateway.call.facts import Draining, EndReason, Remember
from gateway.call.turn import State

# Ends after which the caller is to go on talking to the same agent.
GOES_ON: tuple[EndReason, ...] = ("phone-gone", "draining", "stream-limit")


class Handover:
    """`whole`: the call's machines. Seconds, monotonic."""

    __slots__ = ("_from", "_seen", "_until", "_whole", "reason")

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self.reason: EndReason = "draining"
        self._from: float | None = None
        self._until = 0.0
        self._seen: Hashable = None

    def asked(self, fact: Draining, now: float) -> None:
        """The stream is to be left. Asked again, the earlier moment counts."""
        begins, ends = now + fact.from_s, now + fact.wait_s
        if self._from is None or ends < self._until:
            self.reason = fact.reason
            self._from, self._until = begins, max(begins, ends)

    def due(self, now: float) -> bool:
        """Whether this is the moment."""
        when = self.deadline()
        return when is not None and now >= when

    def deadline(self) -> float | None:
        """When to look again."""
        if self._from is None:
            return None
        return self._from if self._quiet else self._until

    def news(self, prompts: int, now: float) -> list[Remember]:
        """What another stream would have to know, where that has changed."""
        parts, recovery = self._whole.parts, self._whole.recovery
        errands = parts.errands
        seen = (parts.turn.state, parts.ledger.turns, recovery.handle[0], errands.due, errands.closing)
        if parts.turn.state is State.OPENING or seen == self._seen:
            return []
        self._seen = seen
        return [Remember(carrying.carry(self._whole, carrying.glance(self._whole), prompts, now, ended=False))]

    def cut(self, reason: EndReason, now: float) -> Cut | None:
        """The stream ends: what is under way where the call goes on, before its turns are closed. No more of the
        caller's sound is taken afterwards."""
        return carrying.cut(self._whole, now) if reason in GOES_ON else None

    def left(self, under_way: Cut | None, prompts: int, now: float) -> list[Remember]:
        """What the next stream has to know, after the turns were closed."""
        if under_way is None:
            return []
        return [Remember(carrying.carry(self._whole, under_way, prompts, now, ended=True))]

    @property
    def _quiet(self) -> bool:
        """Whether nobody speaks and nobody is due to, or the model isn't there anyway."""
        recovery = self._whole.recovery
        return (recovery.quiet and not self._whole.parts.errands.closing) or not recovery.live
