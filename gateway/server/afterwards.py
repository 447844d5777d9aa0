"""What happens when a call's stream has ended: Twilio asks (`<Connect action>`), and the way it ended answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.call.facts import EndReason

Next = Literal["hangup", "stream", "fallback"]
Ending = EndReason | Literal["refused"]

MAX_ATTEMPTS = 3  # streams of one call: a line that keeps breaking is given to the fallback
KEPT_S = 600.0  # Twilio asks at once; its retries take seconds
CAPACITY = 10_000

# A stream that broke, or an instance that goes away, is no reason to end a call; a model that is gone is.
NEXT: dict[Ending, Next] = {
    "caller-hung-up": "hangup",
    "idle": "hangup",
    "max-duration": "hangup",
    "phone-gone": "stream",
    "draining": "stream",
    "protocol-error": "fallback",
    "model-unavailable": "fallback",
    "model-gone": "fallback",
    "refused": "fallback",
}


@dataclass(frozen=True, slots=True)
class Served:
    """Who talked to the caller: the next stream goes on with the same."""

    flow: str
    line: str
    persona: str


@dataclass(frozen=True, slots=True)
class Step:
    """The answer to Twilio's question. `attempt` is the next stream's, with "stream" only."""

    next: Next
    attempt: int
    served: Served

    def plain(self) -> dict[str, str | int]:
        """As JSON: what `GET /calls/{sid}/next` says."""
        if self.next != "stream":
            return {"next": self.next}
        served = self.served
        named = {"flow": served.flow, "line": served.line, "persona": served.persona}
        return {"next": "stream", "attempt": self.attempt, **named}


class Afterwards:
    """The calls that this core has had lately, by CallSid. `now` is seconds, monotonic."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[Served, Ending | None, float]] = {}  # oldest first; None: in progress

    def began(self, call_sid: str, served: Served, now: float) -> None:
        self._put(call_sid, (served, None, now))

    def ended(self, call_sid: str, ending: Ending, now: float) -> None:
        if found := self._calls.get(call_sid):
            self._put(call_sid, (found[0], ending, now))

    def step(self, call_sid: str, attempt: int, now: float) -> Step | None:
        """What follows the stream of that attempt; None where this core knows nothing of the call."""
        self._forget(now)
        if (found := self._calls.get(call_sid)) is None:
            return None
        served, ending, _ = found
        # Twilio asks before the broken stream was noticed here: to the caller it has ended all the same.
        wanted = "stream" if ending is None else NEXT[ending]
        if wanted == "stream" and attempt >= MAX_ATTEMPTS:
            wanted = "fallback"
        return Step(wanted, attempt + 1, served)

    def _put(self, call_sid: str, entry: tuple[Served, Ending | None, float]) -> None:
        self._calls.pop(call_sid, None)
        self._calls[call_sid] = entry
        if len(self._calls) > CAPACITY:
            del self._calls[next(iter(self._calls))]

    def _forget(self, now: float) -> None:
        while self._calls:
            oldest = next(iter(self._calls))
            _, ending, at = self._calls[oldest]
            if ending is None or now - at < KEPT_S:
                return
            del self._calls[oldest]
