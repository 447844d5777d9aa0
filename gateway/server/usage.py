"""How much each flow is used: its calls in progress, and when each caller called. Counted by this core for itself."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

from gateway.flow.countries import withheld
from gateway.flow.model import Flow
from gateway.flow.route import Usage

MAX_CALLERS = 100_000  # beyond it the callers heard least recently are forgotten: some 40 MB
WITHHELD = "withheld"  # callers without a number count as one


class Uses:
    """`now` is seconds, monotonic."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = defaultdict(int)
        self._callers: OrderedDict[tuple[str, str], tuple[float, ...]] = OrderedDict()  # oldest use first

    def of(self, flow: Flow, caller: str, now: float) -> Usage:
        """What `route` wants to know before this caller's call begins."""
        rate = flow.limits.per_caller
        times = self._callers.get((flow.name, _key(caller)), ()) if rate else ()
        recent = sum(1 for at in times if rate and now - at < rate.per_s)
        return Usage(calls=self._calls.get(flow.name, 0), from_caller=recent)

    def began(self, flow: Flow, caller: str | None, now: float) -> None:
        """A call has begun; of one that goes on after a break the caller is None, and counts once."""
        self._calls[flow.name] += 1
        if caller is not None and (rate := flow.limits.per_caller):
            key = (flow.name, _key(caller))
            recent = tuple(at for at in self._callers.pop(key, ()) if now - at < rate.per_s)
            self._callers[key] = (*recent[-rate.count :], now)
            if len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)

    def ended(self, flow: Flow) -> None:
        """A call of this flow is over."""
        self._calls[flow.name] -= 1
        if not self._calls[flow.name]:
            del self._calls[flow.name]


def _key(caller: str) -> str:
    return WITHHELD if withheld(caller) else caller
