"""How much each flow is used: its calls in progress, and when each caller called. Counted by this core for itself."""

from __future__ import annotations

from collections import defaultdict, deque

from gateway.flow.model import Flow
from gateway.flow.route import Usage

MAX_CALLERS = 100_000  # beyond it the callers heard least recently are forgotten: some 30 MB
WITHHELD = "withheld"  # callers without a number count as one


class Uses:
    """`now` is seconds, monotonic."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = defaultdict(int)
        self._callers: dict[tuple[str, str], deque[float]] = {}  # oldest use first

    def of(self, flow: Flow, caller: str, now: float) -> Usage:
        """What `route` wants to know before this caller's call begins."""
        rate = flow.limits.per_caller
        times = self._callers.get((flow.name, _key(caller)), deque()) if rate else deque()
        recent = sum(1 for at in times if rate and now - at < rate.per_s)
        return Usage(calls=self._calls.get(flow.name, 0), from_caller=recent)

    def began(self, flow: Flow, caller: str | None, now: float) -> None:
        """A call has begun; of one that goes on after a break the caller is None, and counts once."""
        self._calls[flow.name] += 1
        if caller is not None and (rate := flow.limits.per_caller):
            key = (flow.name, _key(caller))
            times = self._callers.pop(key, deque[float]())
            while times and (now - times[0] >= rate.per_s or len(times) > rate.count):
                times.popleft()
            times.append(now)
            self._callers[key] = times
            if len(self._callers) > MAX_CALLERS:
                del self._callers[next(iter(self._callers))]

    def ended(self, flow: Flow) -> None:
        """A call of this flow is over."""
        self._calls[flow.name] -= 1
        if not self._calls[flow.name]:
            del self._calls[flow.name]


def _key(caller: str) -> str:
    return caller if caller.startswith("+") and caller[1:].isdigit() else WITHHELD
