"""Who knocks and isn't Twilio: all are refused and counted, but not each is a line of the log, or a flood fills it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics

BURST = 20  # lines at once: whoever sets a gateway up wrong sees each of his own mistakes
EVERY_S = 1.0  # then one
WHY = "the signature does not match"


class Strangers:
    """The log's lines of refused signatures. `clock`: seconds, monotonic."""

    def __init__(self, log: Log, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._left = float(BURST)
        self._at = clock()
        self._untold = 0

    def refused(self, name: Literal["stream-refused", "webhook-refused"], url: str) -> None:
        """One more. A line says in `untold` how many before it had none; `gateway_calls_refused_total` has them all."""
        self._metrics.add("gateway_calls_refused_total", why="signature")
        now = self._clock()
        self._left, self._at = min(BURST, self._left + (now - self._at) / EVERY_S), now
        if self._left < 1:
            self._untold += 1
            return
        self._left -= 1
        untold, self._untold = self._untold, 0
        self._log.write(name, {"why": WHY, "url": url, **({"untold": untold} if untold else {})}, {}, "warning")
