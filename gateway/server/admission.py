"""How a stream gets in: its first messages, and the token that binds it to a call that we answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from gateway.server.afterwards import tries_of
from gateway.server.bridge import parse_text
from gateway.server.phone_socket import PhoneSocket
from gateway.settings import Settings
from gateway.store import Store
from gateway.twilio import media, token

START_S = 5.0  # from the handshake to `start`: Twilio sends both at once
NORMAL = 1000
GOING_AWAY = 1001
POLICY = 1008
TRY_LATER = 1013

Clock = Callable[[], float]  # Unix time


class Refused(Exception):
    """A stream that may not go on. `code` is the WebSocket close code, `counted` the metric's `why`."""

    def __init__(self, code: int, reason: str, counted: str = "stream") -> None:
        super().__init__(reason)
        self.code = code
        self.counted = counted


async def opening(phone: PhoneSocket) -> tuple[media.Sequencer, media.Started]:
    """The first two messages: connected, start."""
    sequencer = media.Sequencer()
    while True:
        message = parse_text(await phone.receive())
        sequencer.check(message)
        if isinstance(message, media.Started):
            return sequencer, message


async def admit(started: media.Started, settings: Settings, store: Store) -> token.StreamClaims:
    """What the stream may talk to. Raises Refused. Without AUTH its parameters are believed."""
    given = started.parameters
    if not settings.auth:
        flow, line, persona = (given.get(name, "") for name in ("flow", "line", "persona"))
        attempt = tries_of(given.get("attempt") or "1", "").attempt
        return token.StreamClaims(started.call_sid, started.account_sid, flow, line, persona, attempt)
    sids = started.call_sid, started.account_sid
    try:
        claims = token.verify(given.get("token", ""), settings.stream_secrets, *sids, unix_now())
    except token.TokenError as bad:
        raise Refused(POLICY, str(bad)) from None
    if not await store.first_use(claims.token_id, token.MAX_LEFT_S):
        raise Refused(POLICY, "stream token: used before")
    return claims


def unix_now() -> float:
    return datetime.now(UTC).timestamp()
