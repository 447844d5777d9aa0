"""X-Twilio-Signature: is a webhook or a stream's handshake from our own Twilio account? The twilio package judges.

The URL is the configured public one, exactly as Twilio was given it (https://… for webhooks, wss://… for streams; no
port; with the query that the webhook was given): behind a proxy the request's own scheme and host are something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from twilio.request_validator import (  # type: ignore[import-untyped]
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
    get_signature_algorithm,
)

HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"  # key=ID,algorithm=HMAC_SHA256 (twilio.com, SharedKeys, beta)

Params = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs: the Auth Token and, during rotation, the previous one (HMAC-SHA1); SharedKeys by their ids
    (HMAC-SHA256 only: the header that names the algorithm is the sender's)."""

    tokens: tuple[str, ...] = field(default=(), repr=False)
    shared: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Form:
    """Form fields as the validator wants to meet them: a name may have several values."""

    def __init__(self, params: Params) -> None:
        self._params = params

    def __len__(self) -> int:
        return len(self._params)

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def getall(self, name: str) -> Sequence[str]:
        value = self._params[name]
        return [value] if isinstance(value, str) else value


def valid(url: str, params: Params, signature: str | None, keys: Keys, settings: str = "") -> bool:
    """Whether one of `keys` signed this webhook. Never raises: garbage is False.

    `params` are the POST form's fields, blank ones included; a repeated field is a sequence of its values.
    `settings` is the header SETTINGS_HEADER, empty where the Auth Token signed.
    """
    form = _Form(params)
    if settings:
        secret = keys.shared.get(_key_id(settings), "")
        right = bool(secret) and get_signature_algorithm(settings).upper() == HMAC_SHA256
        return right and _signed(url, form, signature, secret, HMAC_SHA256)
    return any(_signed(url, form, signature, token, HMAC_SHA1) for token in keys.tokens if token)


def valid_handshake(url: str, signature: str | None, keys: Keys, settings: str = "") -> bool:
    """The same for a stream's WebSocket handshake, which has no fields."""
    return valid(url, {}, signature, keys, settings)


def _key_id(settings: str) -> str:
    parts = (part.partition("=") for part in settings.split(","))
    return next((value.strip() for name, _, value in parts if name.strip() == "key"), "")


def _signed(url: str, form: _Form, signature: str | None, secret: str, algorithm: str) -> bool:
    try:
        return bool(RequestValidator(secret).validate(url, form, signature, algorithm))
    except (TypeError, ValueError, AttributeError):  # no signature, lone surrogates, a port that is no number
        return False


def sign(url: str, params: Params, secret: str, algorithm: str = HMAC_SHA1) -> str:
    """The simulated phone's side: the signature that Twilio would send."""
    return str(RequestValidator(secret).compute_signature(url, _Form(params), algorithm))
