"""A caller who goes wherever TwiML leads: webhooks, streams, a message after the beep, a dialled party, fallback URL.

Sources: twilio.com/docs/voice/twiml and its pages for each verb, /docs/api/errors/11200. Each call ends: after
MAX_REQUESTS documents it is given up as a loop.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element, tostring

from gateway.rehearsal.phone import Person, Phone, Record
from gateway.rehearsal.webhook import Dialled, Exchange, WebhookFailed, ask
from gateway.twilio import twiml

MAX_REQUESTS = 20  # documents of one call; none of ours takes half as many
MESSAGE_S = 3  # of what the caller says after the beep
NOWHERE = ("127.0.0.1", 0)  # nobody listens there
RETRIEVAL = "11200"  # no document came
INVALID = "12100"  # what came was none


@dataclass(frozen=True, slots=True)
class Account:
    """Twilio, as the call's number belongs to it. `hosts`: where each name that its URLs use is served on this machine,
    over plain HTTP."""

    sid: str
    token: str = field(repr=False)
    hosts: Mapping[str, tuple[str, int]]

    def exchange(self, url: str) -> Exchange:
        """Whoever serves this URL; nobody, where its name isn't known."""
        parts = urlsplit(url)
        host, port = self.hosts.get(parts.netloc, NOWHERE)
        return Exchange(host, port, f"{parts.scheme}://{parts.netloc}", self.sid, self.token)


@dataclass(frozen=True, slots=True)
class Owned:
    """A number of the account, and where it points."""

    number: str
    voice_url: str
    fallback_url: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """What else happens. `message`: the caller speaks after the beep. `dial`: the DialCallStatus of a dialled party.
    `asks_action`: whether a stream that could not be opened leads to `action` or to the next verb (no page says)."""

    message: bool = True
    dial: Literal["completed", "no-answer", "busy", "failed", "canceled"] = "no-answer"
    asks_action: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A webhook and what came of it; `status` 0: no answer."""

    url: str
    form: Mapping[str, str]
    status: int
    answer: str


@dataclass(frozen=True, slots=True)
class Journey:
    """A call that is over. `script` tells it line by line; `documents` are the webhooks that led it, `reports` the
    status callbacks, `streams` what was said and heard."""

    call_sid: str
    script: tuple[str, ...]
    documents: tuple[Asked, ...]
    reports: tuple[Asked, ...]
    streams: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Onward:
    """The next document. `followed`: the caller is still there to hear it."""

    url: str
    fields: Mapping[str, str] = field(default_factory=dict)
    followed: bool = True


@dataclass(frozen=True, slots=True)
class Over:
    """The call's last words in the script."""

    words: str


Step = Onward | Over | None  # None: the next verb


class Caller:
    """One call to a number. `person(n)` holds the phone during the call's n-th stream, from 1."""

    def __init__(
        self,
        account: Account,
        owned: Owned,
        person: Callable[[int], Person],
        number: str = "+14155550199",
        manner: Manner | None = None,
    ) -> None:
        self.dialled = Dialled("CA" + secrets.token_hex(16), number, owned.number)
        self._account = account
        self._owned = owned
        self._person = person
        self._manner = manner or Manner()
        self._script: list[str] = []
        self._documents: list[Asked] = []
        self._reports: list[Asked] = []
        self._streams: list[Record] = []
        self._base = owned.voice_url  # of relative URLs: the document's own
        self._answered = False

    async def call(self) -> Journey:
        """The whole call; whatever happens is in the journey."""
        step: Onward | Over = Onward(self._owned.voice_url)
        while isinstance(step, Onward):
            step = await self._follow(step)
        self._script.append(step.words)
        told = tuple(self._script), tuple(self._documents), tuple(self._reports), tuple(self._streams)
        return Journey(self.dialled.call_sid, *told)

    async def _follow(self, onward: Onward) -> Onward | Over:
        """Gets the document and does what it says, until it leads to another."""
        if len(self._documents) == MAX_REQUESTS:
            return Over("a loop")
        self._base = urljoin(self._base, onward.url)
        asked = await self._ask(self._base, onward.fields)
        self._documents.append(asked)
        self._script.append(f"POST {_tail(asked.url)} {asked.status or 'no answer'}")
        if not onward.followed:
            return Over("the caller has gone")
        try:
            verbs = twiml.verbs(asked.answer) if asked.status == 200 else ()
        except twiml.TwimlError:
            return self._failed(asked, INVALID)
        return await self._obey(verbs) if asked.status == 200 else self._failed(asked, RETRIEVAL)

    def _failed(self, asked: Asked, code: str) -> Onward | Over:
        """No document: the number's fallback URL has one. Nothing catches a failure of that one."""
        if "ErrorCode" in asked.form or not self._owned.fallback_url:
            return Over("an application error has occurred")
        return Onward(self._owned.fallback_url, {"ErrorCode": code, "ErrorUrl": asked.url})

    async def _obey(self, verbs: tuple[Element, ...]) -> Onward | Over:
        for verb in verbs:
            act = VERBS.get(verb.tag)
            if act is None:
                return Over(f"<{verb.tag}> is no verb that this phone knows")
            step = await act(self, verb)
            self._answered = self._answered or verb.tag not in ("Redirect", "Reject")
            if step is not None:
                return step
        return Over("the document ends")

    async def _say(self, verb: Element) -> Step:
        self._script.append(f"say {verb.get('language', 'en-US')}: {verb.text or ''}")
        return None

    async def _connect(self, verb: Element) -> Step:
        stream = verb.find("Stream")
        if stream is None:
            return Over("<Connect> without <Stream>")
        record = await self._stream(verb, stream)
        action = verb.get("action", "")
        if record.ending.who == "caller":
            gone = {"CallStatus": "completed"}
            return Onward(action, gone, followed=False) if action else Over("the caller has gone")
        opened = record.started_at is not None
        return Onward(action) if action and (opened or self._manner.asks_action) else None

    async def _stream(self, verb: Element, stream: Element) -> Record:
        """One stream, and what Twilio reports of it (told when it is over, its beginning too)."""
        exchange = self._account.exchange(stream.get("url", ""))
        phone = Phone(exchange, self._person(len(self._streams) + 1), self.dialled.caller, self.dialled.to)
        phone.dialled = self.dialled
        record = await phone.follow(f"<Response>{tostring(verb, encoding='unicode')}</Response>")
        name = stream.get("name", "")
        self._streams.append(record)
        self._script.append(f"stream {name}: {record.ending}")
        sid = phone.line.started.stream_sid if phone.line else ""
        told: list[dict[str, str]] = [{"StreamEvent": "stream-started"}, {"StreamEvent": "stream-stopped"}]
        if record.started_at is None:
            told = [{"StreamEvent": "stream-error", "StreamError": record.ending.reason}]
        for event in told:
            fields = {"StreamSid": sid, "StreamName": name, **event}
            await self._report(stream.get("statusCallback", ""), fields)
        return record

    async def _redirect(self, verb: Element) -> Step:
        return Onward((verb.text or "").strip())

    async def _record(self, verb: Element) -> Step:
        seconds = min(MESSAGE_S, int(verb.get("maxLength", "3600"))) if self._manner.message else 0
        self._script.append(f"record {seconds} s")
        if not seconds:
            return None
        recording = {"RecordingSid": "RE" + secrets.token_hex(16), "RecordingDuration": str(seconds)}
        await self._report(verb.get("recordingStatusCallback", ""), {**recording, "RecordingStatus": "completed"})
        return Onward(verb.get("action", ""), {**recording, "Digits": "#"})

    async def _dial(self, verb: Element) -> Step:
        self._script.append(f"dial {verb.text or ''}: {self._manner.dial}")
        action = verb.get("action", "")
        return Onward(action, {"DialCallStatus": self._manner.dial}) if action else None

    async def _reject(self, verb: Element) -> Step:
        reason = verb.get("reason", "rejected")
        return Over(f"a call that was answered can't be rejected ({reason})" if self._answered else f"reject: {reason}")

    async def _hangup(self, verb: Element) -> Step:
        return Over("hang up")

    async def _report(self, url: str, fields: Mapping[str, str]) -> None:
        if url:
            self._reports.append(await self._ask(urljoin(self._base, url), fields))

    async def _ask(self, url: str, fields: Mapping[str, str]) -> Asked:
        status = {"CallStatus": "in-progress" if self._answered else "ringing"}
        form = {**self.dialled.form(self._account.sid), **status, **fields}
        try:
            return Asked(url, form, *await ask(self._account.exchange(url), url, form))
        except WebhookFailed as failed:
            return Asked(url, form, failed.status, "")


VERBS: dict[str, Callable[[Caller, Element], Awaitable[Step]]] = {
    "Say": Caller._say,
    "Connect": Caller._connect,
    "Redirect": Caller._redirect,
    "Record": Caller._record,
    "Dial": Caller._dial,
    "Reject": Caller._reject,
    "Hangup": Caller._hangup,
}


def _tail(url: str) -> str:
    """A URL without scheme and host."""
    return urlsplit(url)._replace(scheme="", netloc="").geturl()
