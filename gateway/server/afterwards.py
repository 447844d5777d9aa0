"""What happens when a call's stream has ended: Twilio asks (`<Connect action>`), and the way it ended answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from gateway.call.facts import EndReason
from gateway.store import Kept

Next = Literal["hangup", "stream", "fallback"]
Ending = EndReason | Literal["refused"]

MAX_ATTEMPTS = 3  # streams of one call: a line that keeps breaking is given to the fallback
KEPT_S = 600.0  # Twilio asks at once; its retries take seconds

# A stream that broke, or an instance that goes away, is no reason to end a call; a model that is gone is.
NEXT: dict[Ending, Next] = {
    "caller-hung-up": "hangup",
    "idle": "hangup",
    "max-duration": "hangup",
    "max-cost": "hangup",
    "agent-hung-up": "hangup",
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


@dataclass(frozen=True, slots=True)
class Carried:
    """One stream of a call, for the store: whoever is asked how the call goes on reads it there."""

    served: Served
    attempt: int
    at_ms: int  # when it began, Unix time
    ending: Ending | None = None  # None: in progress

    def ended(self, ending: Ending) -> Carried:
        return replace(self, ending=ending)

    def kept(self) -> Kept:
        """Of two streams the later counts, whichever instance writes last; of one, its ending."""
        version = (self.attempt << 44) + 2 * self.at_ms + (self.ending is not None)
        served = self.served
        said = {"flow": served.flow, "line": served.line, "persona": served.persona, "ending": self.ending}
        return Kept(version, orjson.dumps(said))


def step(kept: Kept | None, attempt: int) -> Step | None:
    """What follows the stream of that attempt; None where nothing is known of the call."""
    found = _read(kept.state) if kept is not None else None
    if found is None:
        return None
    served, ending = found
    # Twilio asks before the broken stream was noticed: to the caller it has ended all the same.
    wanted = "stream" if ending is None else NEXT[ending]
    if wanted == "stream" and attempt >= MAX_ATTEMPTS:
        wanted = "fallback"
    return Step(wanted, attempt + 1, served)


def _read(state: bytes) -> tuple[Served, Ending | None] | None:
    """What `kept` wrote; None of what another release wrote and this one can't read."""
    try:
        said: Any = orjson.loads(state)
        served, ending = Served(*(str(said[name]) for name in ("flow", "line", "persona"))), said["ending"]
        return (served, ending) if ending is None or ending in NEXT else None
    except (ValueError, KeyError, TypeError):
        return None
