"""The stream token: rides in a TwiML <Parameter>, bound to one call, short-lived, used once.

Whoever answers the call's webhook mints it; the gateway verifies it before it spends anything on the call.
Format: base64url(JSON) "." base64url(HMAC-SHA256(secret, the first part)), both without padding. The JSON holds
sid (CallSid), acc (AccountSid), flow, line, per (persona), try (attempt, from 1), exp (Unix seconds), n (nonce).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

MAX_TOKEN = 500  # no <Parameter> is longer
LIFE_S = 60
MAX_LEFT_S = 120  # of a token whose minter's clock is a minute ahead; used tokens are remembered as long

Reason = Literal["malformed", "bad signature", "expired", "valid too long", "other call"]


class TokenError(Exception):
    """A stream token that opens nothing."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"stream token: {reason}")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class StreamClaims:
    """What a token says: the call it is for, and who answers. `token_id` is for single use; `verify` fills it."""

    call_sid: str
    account_sid: str
    flow: str
    line: str
    persona: str = ""
    attempt: int = 1
    token_id: str = field(default="", compare=False)


def mint(secret: str, claims: StreamClaims, now: float, nonce: str, ttl_s: int = LIFE_S) -> str:
    """A token, valid for `ttl_s` seconds from `now` (Unix time). `nonce` is unique, from the caller's random source."""
    if not secret or not nonce:
        raise ValueError("a stream token needs a secret and a nonce")
    said = {
        "sid": claims.call_sid,
        "acc": claims.account_sid,
        "flow": claims.flow,
        "line": claims.line,
        "per": claims.persona,
        "try": claims.attempt,
        "exp": int(now) + ttl_s,
        "n": nonce,
    }
    body = _encode(orjson.dumps(said))
    return f"{body}.{_mac(secret, body)}"


def verify(token: str, secrets: Sequence[str], call_sid: str, account_sid: str, now: float) -> StreamClaims:
    """The claims of a token made for this call. Raises TokenError. `secrets`: the current one, the previous one."""
    if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != 1:
        raise TokenError("malformed")
    body, _, mac = token.partition(".")
    matches = [hmac.compare_digest(_mac(secret, body), mac) for secret in secrets if secret]
    if not any(matches):
        raise TokenError("bad signature")
    claims, expires = _claims(body)
    if now >= expires:
        raise TokenError("expired")
    if expires - now > MAX_LEFT_S:
        raise TokenError("valid too long")
    if (claims.call_sid, claims.account_sid) != (call_sid, account_sid):
        raise TokenError("other call")
    return claims


def _claims(body: str) -> tuple[StreamClaims, int]:
    try:
        said: Mapping[str, Any] = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        texts = [said[name] for name in ("sid", "acc", "flow", "line", "per", "n")]
        attempt, expires = said["try"], said["exp"]
    except (ValueError, KeyError, TypeError):
        raise TokenError("malformed") from None
    if any(type(text) is not str for text in texts) or type(attempt) is not int or type(expires) is not int:
        raise TokenError("malformed")
    sid, account, flow, line, persona, nonce = texts
    return StreamClaims(sid, account, flow, line, persona, attempt, nonce), expires


def _mac(secret: str, body: str) -> str:
    return _encode(hmac.digest(secret.encode(), body.encode(), "sha256"))


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
