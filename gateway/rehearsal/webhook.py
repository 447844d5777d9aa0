"""Twilio's webhook for an incoming call: the signed form, and the TwiML that answers it."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from gateway.twilio import signature

TIMEOUT_S = 15.0  # twilio.com/docs/api/errors/11200: Twilio gives up after 15 s
MAX_TWIML = 64 * 1024  # twilio.com/docs/api/errors/11750: Twilio takes 64 kB


@dataclass(frozen=True, slots=True)
class Exchange:
    """Twilio, as one gateway meets it. The gateway listens at `host:port` and believes to be `public_url` (no slash at
    its end): signatures cover that name, and TwiML's stream URL is taken to mean the same machine."""

    host: str
    port: int
    public_url: str
    account_sid: str
    auth_token: str = field(repr=False)
    webhook: str = "/twiml"

    def signed(self, url: str, form: Mapping[str, str] | None = None) -> str:
        """X-Twilio-Signature over `url` and the form's fields."""
        return signature.sign(url, form or {}, self.auth_token)


@dataclass(frozen=True, slots=True)
class Dialled:
    """One call as Twilio's webhook tells it. Numbers are E.164."""

    call_sid: str
    caller: str
    to: str

    def form(self, account_sid: str) -> dict[str, str]:
        """The fields of twilio.com/docs/voice/twiml#request-parameters."""
        return {
            "AccountSid": account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self.call_sid,
            "CallStatus": "ringing",
            "Called": self.to,
            "Caller": self.caller,
            "Direction": "inbound",
            "From": self.caller,
            "To": self.to,
        }


class WebhookFailed(Exception):
    """The webhook gave no TwiML. `status` is the HTTP status, 0 if there was no answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def twiml_for(exchange: Exchange, dialled: Dialled) -> str:
    """The TwiML that answers the call. Raises WebhookFailed."""
    form = dialled.form(exchange.account_sid)
    status, body = await ask(exchange, exchange.public_url + exchange.webhook, form)
    if status != 200:
        raise WebhookFailed(status, f"the webhook answered {status}: {body[:200]}")
    return body


async def ask(exchange: Exchange, url: str, form: Mapping[str, str]) -> tuple[int, str]:
    """Status and body of a webhook. `url` is as Twilio was given it. Raises WebhookFailed where nobody answers."""
    return await asyncio.to_thread(_post, exchange, url, form)


def _post(exchange: Exchange, url: str, form: Mapping[str, str]) -> tuple[int, str]:
    parts = urlsplit(url)
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent": "TwilioProxy/1.1",
        "X-Twilio-Signature": exchange.signed(url, form),
        "Connection": "close",
    }
    connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", parts._replace(scheme="", netloc="").geturl(), urlencode(form), headers)
        answer = connection.getresponse()
        body = answer.read(MAX_TWIML + 1)
    except (OSError, http.client.HTTPException) as error:
        raise WebhookFailed(0, f"no answer to the webhook: {error or type(error).__name__}") from error
    finally:
        connection.close()
    if len(body) > MAX_TWIML:
        raise WebhookFailed(answer.status, "the webhook answered more than 64 kB")
    return answer.status, body.decode(errors="replace")
