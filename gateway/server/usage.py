"""How much each flow is used: its calls in progress, and when each caller called. Counted by this core for itself, and
each call once, however many streams it has: one that breaks and another that takes its place may be here at a time."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping

from gateway.flow.countries import withheld
from gateway.flow.model import Flow
from gateway.flow.route import Usage

MAX_CALLERS = 100_000  # beyond it the callers heard least recently are forgotten: some 40 MB
WITHHELD = "withheld"  # callers without a number count as one


class Uses:
    """`now` is seconds, monotonic."""

    def __init__(self) -> None:
        self._calls: dict[str, Counter[str]] = defaultdict(Counter)  # flow -> CallSid -> streams
        self._callers: OrderedDict[tuple[str, str], tuple[tuple[float, str], ...]] = OrderedDict()  # oldest use first

    def of(self, flow: Flow, caller: str, call_sid: str, now: float) -> Usage:
        """What `route` wants to know of the calls but this one."""
        rate = flow.limits.per_caller
        inside: Mapping[str, int] = self._calls.get(flow.name, {})
        came = self._callers.get((flow.name, _key(caller)), ()) if rate else ()
        recent = sum(1 for at, sid in came if rate and now - at < rate.per_s and sid != call_sid)
        return Usage(calls=len(inside) - (call_sid in inside), from_caller=recent)

    def began(self, flow: Flow, call_sid: str, caller: str | None, now: float) -> None:
        """A stream of a call has begun; of one that goes on after a break the caller is None."""
        self._calls[flow.name][call_sid] += 1
        if caller is not None and (rate := flow.limits.per_caller):
            key = (flow.name, _key(caller))
            recent = tuple(
                (at, sid) for at, sid in self._callers.pop(key, ()) if now - at < rate.per_s and sid != call_sid
            )
            self._callers[key] = (*recent[-rate.count :], (now, call_sid))
            if len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)

    def ended(self, flow: Flow, call_sid: str) -> None:
        """A stream of this flow is over."""
        inside = self._calls[flow.name]
        inside[call_sid] -= 1
        if not inside[call_sid]:
            del inside[call_sid]
        if not inside:
            del self._calls[flow.name]


def _key(caller: str) -> str:
    return WITHHELD if withheld(caller) else caller
