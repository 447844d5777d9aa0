"""How long a call may last, and when it is told so: by time, by cost, and by a phone that sends nothing any more."""

from __future__ import annotations

from typing import Literal

from gateway.call.carry import Left
from gateway.call.plan import Plan

COST_S = 20.0  # from the cost's limit to the end: time for a sentence and a goodbye

Reason = Literal["max-duration", "max-cost"]


class Span:
    """Seconds, monotonic."""

    __slots__ = ("_end", "_line_at", "_phone_s", "_warn_at", "reason")

    def __init__(self, plan: Plan, now: float) -> None:
        self.reason: Reason = "max-duration"
        self._end = now + plan.max_duration_s
        self._warn_at = None if plan.warn_at_s is None else now + plan.warn_at_s
        self._phone_s = plan.patience.phone
        self._line_at = now

    def left(self, now: float) -> Left:
        """For the stream that goes on with the call."""
        return Left(self.reason, self._end - now, None if self._warn_at is None else self._warn_at - now)

    def goes_on(self, left: Left, now: float) -> None:
        """From what was left when an earlier stream of the call ended."""
        self.reason = "max-cost" if left.reason == "max-cost" else "max-duration"
        self._end = now + left.end_s
        self._warn_at = None if left.warn_s is None else now + left.warn_s

    def line(self, now: float) -> None:
        """The phone sent sound, as it does all the time."""
        self._line_at = now

    def spent(self, now: float) -> bool:
        """The call has cost what it may: it ends soon, and is told so. Whether that is new."""
        if self.reason == "max-cost":
            return False
        self.reason = "max-cost"
        self._end = min(self._end, now + COST_S)
        self._warn_at = now
        return True

    def warn(self, now: float) -> int | None:
        """Seconds that are left, once, when it is time to tell."""
        if self._warn_at is None or now < self._warn_at:
            return None
        self._warn_at = None
        return max(round(self._end - now), 1)

    def over(self, now: float) -> bool:
        return now >= self._end

    def silent(self, now: float) -> bool:
        """Whether the phone has gone without a word."""
        return now >= self._line_at + self._phone_s

    def deadline(self, *, may_warn: bool) -> float:
        """When to look again; `may_warn`: whether this is a moment to tell that the end is near."""
        times = (self._end, self._line_at + self._phone_s, self._warn_at if may_warn else None)
        return min(time for time in times if time is not None)
