"""X-Twilio-Signature: is a webhook or a stream's handshake from our own Twilio account? The twilio package judges.

The URL is the configured public one, exactly as Twilio was given it (https://… for webhooks, wss://… for streams; no
port, no query): behind a proxy the request's own scheme and host are something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

Params = Mapping[str, str | Sequence[str]]


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


def valid(url: str, params: Params, signature: str | None, tokens: Sequence[str]) -> bool:
    """Whether one of `tokens` (the Auth Token, the previous one) signed this webhook. Never raises: garbage is False.

    `params` are the POST form's fields, blank ones included; a repeated field is a sequence of its values.
    """
    return any(_signed(url, _Form(params), signature, token) for token in tokens if token)


def valid_handshake(url: str, signature: str | None, tokens: Sequence[str]) -> bool:
    """The same for a stream's WebSocket handshake, which has no fields."""
    return valid(url, {}, signature, tokens)


def _signed(url: str, form: _Form, signature: str | None, token: str) -> bool:
    try:
        return bool(RequestValidator(token).validate(url, form, signature))
    except (TypeError, ValueError, AttributeError):  # no signature, lone surrogates, a port that is no number
        return False


def sign(url: str, params: Params, token: str) -> str:
    """The simulated phone's side: the signature that Twilio would send."""
    return str(RequestValidator(token).compute_signature(url, _Form(params)))
