"""What Twilio does with one call: it follows TwiML from document to document, and opens the streams that stand in it.

Documented: signed webhooks, a retry of a connection that fails, the number's fallback URL after a failed fetch
(docs/usage/webhooks/webhooks-connection-overrides, docs/api/errors/11200), `<Connect action>` once the server closed
the stream (docs/api/errors/31921). Not documented is what follows a stream that broke, or a handshake that was
refused: `after_loss` is that switch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode, urljoin, urlsplit
from xml.etree import ElementTree

from gateway.rehearsal.failure.caller import Caller
from gateway.rehearsal.failure.requests import ask
from gateway.rehearsal.phone import Ending, Phone
from gateway.rehearsal.webhook import TIMEOUT_S, Dialled, Exchange
from gateway.twilio import twiml

AfterLoss = Literal["continue", "hang-up"]
ORDERLY = ("gateway", "caller")  # ends of a stream that Twilio's pages speak of
MAX_DOCUMENTS = 20  # of one call: a loop of redirects is a fault
STEPS = {"Reject": "rejected", "Hangup": "hung up by the gateway", "Dial": "dialled", "Record": "voicemail"}


class FetchFailed(Exception):
    """A webhook that gave no TwiML. `code` is Twilio's error."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Streamed:
    """One stream of the call: `agent` is what the caller heard, mu-law since `began`. Times are time.monotonic()."""

    began: float | None
    ended: float
    ending: Ending
    agent: bytes
    complaints: int

    @property
    def orderly(self) -> bool:
        return self.ending.who in ORDERLY


@dataclass(frozen=True, slots=True)
class Account:
    """Twilio's side of the numbers: where webhooks go, what follows the loss of a stream."""

    exchange: Exchange
    after_loss: AfterLoss = "continue"


@dataclass
class Call:
    """One call. `end` is why it ended, "caller" where its caller hung up; `faults`: what Twilio's debugger shows."""

    account: Account
    caller: Caller
    dialled: Dialled
    streams: list[Streamed] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    end: str = ""

    async def run(self) -> None:
        """Rings, and returns when the call is over."""
        url = self.account.exchange.public_url + self.account.exchange.webhook
        try:
            for _ in range(MAX_DOCUMENTS):
                document = await self._document(url)
                following = await self._follow(document, url)
                if following is None:
                    return
                url = following
            self.end = f"{MAX_DOCUMENTS} documents"
        except FetchFailed as failed:
            self.end = f"{failed.code}: {failed}"
        except twiml.TwimlError as wrong:
            self.end = f"12100: {wrong}"

    async def _follow(self, document: str, url: str) -> str | None:
        """The verbs in their order. The URL that the call goes on with, or None: it is over and `end` says why."""
        said = ""
        for verb in twiml.verbs(document):
            match verb.tag:
                case "Connect":
                    following = await self._connect(verb)
                    if self.end or following:
                        return urljoin(url, following) if following else None
                case "Redirect":
                    return urljoin(url, (verb.text or "").strip())
                case "Reject" | "Hangup" | "Dial" | "Record":
                    self.end = STEPS[verb.tag] + (f", which said: {said}" if said else "")
                    return None
                case "Say":
                    said = (verb.text or "").strip()
                case _:
                    continue  # <Pause>, <Play>: they take time in which nothing of ours is tried
        self.end = "the document ended"
        return None

    async def _connect(self, verb: ElementTree.Element) -> str:
        """One stream to its end. Where the call goes on: `action`, or empty for the next verb."""
        streamed = await self._stream(verb)
        self.streams.append(streamed)
        if streamed.ending.who == "caller":
            self.end = "caller"
            return ""
        self.faults.append(str(streamed.ending))
        if not streamed.orderly and self.account.after_loss == "hang-up":
            self.end = "lost with its stream"
            return ""
        return verb.get("action", "")

    async def _stream(self, verb: ElementTree.Element) -> Streamed:
        document = ElementTree.Element("Response")
        document.append(verb)
        phone = Phone(self.account.exchange, self.caller, self.dialled.caller, self.dialled.to)
        phone.dialled = self.dialled
        self.caller.moved()
        record = await phone.follow(ElementTree.tostring(document, encoding="unicode"))
        complaints = len(record.complaints)
        return Streamed(record.started_at, time.monotonic(), record.ending, record.agent, complaints)

    # webhooks

    async def _document(self, url: str) -> str:
        """The TwiML at `url`; else at the number's fallback URL. Raises FetchFailed."""
        try:
            return await self._fetch(url, {})
        except FetchFailed as failed:
            self.faults.append(f"{failed.code}: {failed}")
            told = {"ErrorCode": str(failed.code), "ErrorUrl": url}
            return await self._fetch(self.account.exchange.public_url + self.account.exchange.webhook, told)

    async def _fetch(self, url: str, told: Mapping[str, str]) -> str:
        """A connection that fails is tried once more (connection overrides: rc=1, rp=ct)."""
        try:
            status, body = await self._post(url, told)
        except (OSError, ValueError):
            try:
                status, body = await self._post(url, told)
            except (OSError, ValueError) as failed:
                raise FetchFailed(11205, f"no answer from {urlsplit(url).path} ({type(failed).__name__})") from failed
        if status != 200:
            raise FetchFailed(11200, f"{urlsplit(url).path} answered {status}")
        return body

    async def _post(self, url: str, told: Mapping[str, str]) -> tuple[int, str]:
        exchange, parts = self.account.exchange, urlsplit(url)
        status = "in-progress" if self.streams else "ringing"
        form = {**self.dialled.form(exchange.account_sid), "CallStatus": status, **told}
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": exchange.signed(url, form),
        }
        path = parts._replace(scheme="", netloc="").geturl()
        request = f"POST {path} HTTP/1.1"
        return await ask((exchange.host, exchange.port), request, headers, urlencode(form).encode(), within_s=TIMEOUT_S)
