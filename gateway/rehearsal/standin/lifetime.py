"""How long a connection lasts: goAway ahead of the end, then the end. Pure."""

from __future__ import annotations

from enum import Enum, auto

from gateway.live.messages import GoingAway

LEAD_S = 60.0  # goAway comes about a minute ahead (Firebase's page on Live); at half time where life is short


class End(Enum):
    """The connection is over."""

    NOW = auto()


class Lifetime:
    """One connection's. `connection_s` None: for ever, unless `leave` is called."""

    def __init__(self, now: float, connection_s: float | None) -> None:
        self._over = None if connection_s is None else now + connection_s
        self._announce = None if connection_s is None else now + connection_s - min(LEAD_S, connection_s / 2)

    def leave(self, seconds: float, now: float) -> None:
        """Announce the end at once; it comes in `seconds`, or earlier where that was planned."""
        over = now + seconds
        self._over = over if self._over is None else min(self._over, over)
        self._announce = now

    def deadline(self) -> float | None:
        return self._over if self._announce is None else self._announce

    def tick(self, now: float) -> GoingAway | End | None:
        """What is due now. The end never comes without its announcement, however late the tick is."""
        if self._over is None:
            return None
        if self._announce is None:
            return End.NOW if now >= self._over else None
        if now < self._announce:
            return None
        self._announce = None
        return GoingAway(round(max(0.0, self._over - now), 3))
