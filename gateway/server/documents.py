"""What Twilio is told to do with a call: TwiML of a route, and of how a call goes on. Pure; Twilio Functions write the
same (`twilio-functions/assets/twiml.private.js`), and `tests/contract/twiml.json` holds the two together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never
from urllib.parse import urlencode

from gateway.flow.countries import withheld
from gateway.flow.model import Announcement
from gateway.flow.route import Route
from gateway.twilio import twiml

STREAM_PATH = "/ws/twilio"
MAX_NUMBER = 64  # of a caller: E.164 has 16 characters, a SIP address may have more
RECORD_S = 120
RING_S = 20
SORRY = "Sorry, we can't take your call right now. Please try again later."  # a line without a fallback of its own
SORRY_LANGUAGE = "en-US"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a document must know of the call. `doors` is the base URL of /after, /done, /stream-status and /voicemail;
    `core` that of the core; `language` the locale in which Twilio reads (empty: its own); `search` the `flow/label` of
    a line whose number was bought for it, else empty."""

    doors: str
    core: str
    flow: str
    line: str
    language: str
    caller: str
    dialled: str
    fallback: Announcement | None = None
    search: str = ""
    hash: str = ""

    @property
    def caller_id(self) -> str:
        """What a number that is dialled is shown of a caller without one: the line's. Else empty."""
        return self.dialled if withheld(self.caller) and not withheld(self.dialled) else ""

    def door(self, path: str, **query: str | int) -> str:
        given = urlencode({**query, **({"line": self.search} if self.search else {})}, safe="/")
        return f"{self.doors}{path}{'?' if given else ''}{given}"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who answers, in which of the call's streams, and the token that opens it; `failed`: how many streams before it in
    a row broke soon."""

    persona: str
    attempt: int
    token: str
    failed: int = 0


def stream(scene: Scene, ticket: Ticket) -> str:
    """Opens the stream. Raises ValueError for what Twilio doesn't take (a Host that is none, a token too long)."""
    parameters = {
        "token": ticket.token,
        "flow": scene.flow,
        "line": scene.line,
        "persona": ticket.persona,
        "hash": scene.hash,
        "attempt": str(ticket.attempt),
        "from": _number(scene.caller),
        "to": _number(scene.dialled),
    }
    failed = {"failed": ticket.failed} if ticket.failed else {}
    after = scene.door("/after", attempt=ticket.attempt, **failed)
    opening = twiml.Stream(stream_url(scene.core), f"gw-{ticket.attempt}", scene.doors + "/stream-status")
    return twiml.connect(opening, parameters, after)


def turned_away(route: Route, scene: Scene) -> str:
    """The document of a route on which no persona answers."""
    if route.announcement is not None:
        return announce(route.announcement, scene)
    return twiml.reject("busy" if route.reason == "busy" else "rejected")


def announce(said: Announcement, scene: Scene) -> str:
    """Says the words, then hangs up, records a message or dials."""
    match said.then:
        case "hangup":
            return twiml.hang_up(said.say, scene.language)
        case "voicemail":
            return record(said.say, RECORD_S, scene)
        case "dial":
            called = twiml.Called(said.to, RING_S, scene.caller_id)
            return twiml.dial(said.say, scene.language, called, scene.door("/done"))
        case _:
            assert_never(said.then)


def record(text: str, max_length_s: int, scene: Scene) -> str:
    return twiml.record(text, scene.language, max_length_s, scene.door("/done"), scene.doors + "/voicemail")


def fall_back(scene: Scene) -> str:
    """What the line says when no agent can answer."""
    return announce(scene.fallback, scene) if scene.fallback else sorry()


def sorry() -> str:
    """The last words of a line that has none of its own."""
    return twiml.hang_up(SORRY, SORRY_LANGUAGE)


def stream_url(public_url: str) -> str:
    """The WebSocket form of the public URL: what TwiML names and Twilio signs."""
    return "ws" + public_url.removeprefix("http") + STREAM_PATH


def _number(caller: str) -> str:
    """A number as a parameter: printable, and short enough for one."""
    return "".join(char for char in caller if char.isprintable())[:MAX_NUMBER]
