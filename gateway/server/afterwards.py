"""What happens when a call's stream has ended: Twilio asks (`<Connect action>`), and the way it ended answers. Pure.

A stream that broke, or whose instance goes away, is no reason to end a call: another stream goes on with it. Streams in
a row that break soon are, and so is a model that is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from gateway.call import carry
from gateway.call.carry import Carry
from gateway.call.facts import EndReason
from gateway.store import Kept

Next = Literal["hangup", "stream", "fallback"]
Ending = EndReason | Literal["refused"]

MAX_STREAMS = 20  # of one call, however they end: nothing goes round for ever
MAX_FAILED = 2  # in a row that broke soon: then the line's fallback
WORKED_S = 10.0  # a stream that lasts so long did not break soon
FENCES = 1024  # claims of one attempt that are told apart: retries of a handshake
KEPT_S = 600.0  # Twilio asks at once; its retries take seconds

NEXT: dict[Ending, Next] = {
    "caller-hung-up": "hangup",
    "idle": "hangup",
    "max-duration": "hangup",
    "max-cost": "hangup",
    "agent-hung-up": "hangup",
    "phone-gone": "stream",
    "draining": "stream",
    "stream-limit": "stream",
    "protocol-error": "fallback",
    "model-unavailable": "fallback",
    "model-gone": "fallback",
    "refused": "fallback",
}
FAILED = tuple(str(failed) for failed in range(MAX_FAILED + 1))
ATTEMPTS = tuple(str(attempt) for attempt in range(1, MAX_STREAMS + 1))
PLANNED: tuple[Ending, ...] = ("draining", "stream-limit")  # ends that are no failure


@dataclass(frozen=True, slots=True)
class Tries:
    """Which stream of its call (from 1), and how many before it in a row broke soon. Both ride in the URL that Twilio
    asks, which it signs: they hold where the store knows nothing."""

    attempt: int
    failed: int = 0

    def again(self, *, failed: int) -> Tries | None:
        """The next stream; None where there have been enough."""
        enough = self.attempt >= MAX_STREAMS or failed > MAX_FAILED
        return None if enough else Tries(self.attempt + 1, failed)


def tries_of(attempt: str, failed: str) -> Tries:
    """As a query has them. One that says nothing sensible is the last."""
    nth = int(attempt) if attempt in ATTEMPTS else MAX_STREAMS
    return Tries(nth, int(failed) if failed in FAILED else 0)


@dataclass(frozen=True, slots=True)
class Served:
    """Who talked to the caller: the next stream goes on with the same."""

    flow: str
    line: str
    persona: str


@dataclass(frozen=True, slots=True)
class Step:
    """The answer to Twilio's question. `tries` is the next stream's, and there with "stream" only; `served` is None of
    a call that nothing is known of."""

    next: Next
    tries: Tries | None = None
    served: Served | None = None

    def plain(self) -> dict[str, str | int]:
        """As JSON: what `GET /calls/{sid}/next` says."""
        if self.tries is None:
            return {"next": self.next}
        served = self.served
        named = {"flow": served.flow, "line": served.line, "persona": served.persona} if served else {}
        return {"next": "stream", "attempt": self.tries.attempt, "failed": self.tries.failed, **named}


@dataclass(frozen=True, slots=True)
class Carried:
    """One stream of a call, for the store: whoever is asked how the call goes on reads it there, and who goes on with
    it. Unix milliseconds."""

    served: Served
    began_ms: int
    at_ms: int  # when this was written
    ending: Ending | None = None  # None: in progress
    carry: Carry | None = None
    attempt: int = 0  # which stream of its call it is, as its fence tells

    def ended(self, ending: Ending, at_ms: int) -> Carried:
        """What is known when the stream is over. Where the call doesn't go on, nothing of it is kept."""
        carry = self.carry if NEXT[ending] == "stream" else None
        return replace(self, ending=ending, at_ms=at_ms, carry=carry)

    def state(self) -> bytes:
        served, carry = self.served, None if self.carry is None else self.carry.plain()
        said = {"flow": served.flow, "line": served.line, "persona": served.persona}
        return orjson.dumps({**said, "began": self.began_ms, "at": self.at_ms, "ending": self.ending, "call": carry})


def read(kept: Kept | None) -> Carried | None:
    """What `state` wrote; None of what another release wrote and this one can't read."""
    if kept is None:
        return None
    try:
        said: Any = orjson.loads(kept.state)
        served, ending = Served(*(str(said[name]) for name in ("flow", "line", "persona"))), said["ending"]
        call = None if said["call"] is None else carry.read(said["call"])
        found = Carried(served, int(said["began"]), int(said["at"]), ending, call, kept.fence // FENCES)
    except (ValueError, KeyError, TypeError):
        return None
    return found if ending is None or ending in (*NEXT,) else None


def step(found: Carried | None, tries: Tries, now_ms: int) -> Step:
    """What follows that stream."""
    if found is None:
        return _again(tries, tries.failed + 1, None)
    # Twilio asks before the broken stream was noticed: to the caller it has ended all the same.
    wanted = "stream" if found.ending is None else NEXT[found.ending]
    if wanted != "stream":
        return Step(wanted)
    if found.attempt < tries.attempt:  # the last one that came to an instance is an earlier one
        return _again(tries, tries.failed + 1, found.served)
    if found.ending in PLANNED:
        return _again(tries, tries.failed, found.served)
    worked = now_ms - found.began_ms >= 1000 * WORKED_S
    return _again(tries, 1 if worked else tries.failed + 1, found.served)


def _again(tries: Tries, failed: int, served: Served | None) -> Step:
    again = tries.again(failed=failed)
    return Step("stream", again, served) if again is not None else Step("fallback")
