"""What the calls of this instance share: flows, settings, the doors' checks, and the list of calls in progress."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from gateway.call.call import Call
from gateway.call.facts import Draining, Note
from gateway.flow.load import Flows
from gateway.live.endpoint import Endpoint
from gateway.live.models import Backend
from gateway.server.bridge import Bridge, parse_text
from gateway.server.phone_socket import PhoneLeft, PhoneSocket
from gateway.server.plans import Caller, NoSuchLine, backend_for, find, plan
from gateway.settings import Settings
from gateway.telemetry.log import Log
from gateway.twilio import media, signature, token, twiml

START_S = 5.0  # from the handshake to `start`: Twilio sends both at once
POLICY = 1008
MAX_NUMBER = 64  # of a caller: E.164 has 16 characters, a SIP address may have more
GOING_AWAY = 1001
STREAM_PATH = "/ws/twilio"
WEBHOOK_PATH = "/twiml"


Endpoints = Callable[[Backend], Awaitable[Endpoint]]  # where the model is, asked for each call


class Refused(Exception):
    """A stream that may not go on. `code` is the WebSocket close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Exchange:
    """The instance: answers webhooks, carries streams, knows its calls."""

    def __init__(self, settings: Settings, flows: Flows, endpoint: Endpoints, log: Log) -> None:
        self.settings = settings
        self.draining = False
        self._flows = flows
        self._endpoint = endpoint
        self._log = log
        self._calls: dict[str, Bridge] = {}
        self._opening: set[asyncio.Timeout] = set()  # streams that have not started yet
        self._empty = asyncio.Event()
        self._empty.set()
        self._used = token.UsedTokens(capacity=10_000, ttl_s=120)

    @property
    def calls(self) -> int:
        """Calls in progress."""
        return len(self._calls)

    @property
    def full(self) -> bool:
        return self.calls + len(self._opening) >= self.settings.max_calls

    # the webhook

    def signed(self, url: str, form: Mapping[str, Sequence[str]], given: str) -> bool:
        """Whether Twilio signed this webhook, or nobody has to."""
        return not self.settings.auth or signature.valid(url, form, given, self.settings.twilio.auth_tokens)

    def answer(self, form: Mapping[str, str], public_url: str) -> str:
        """TwiML for a call: connect it to the stream, or turn it away."""
        dialled, caller = form.get("To", ""), form.get("From", "")
        if self.draining or self.full:
            self._log.write("call-refused", {"why": "draining" if self.draining else "full"}, {}, "warning")
            return twiml.reject("busy")
        found = self._flows.line(dialled)
        if found is None:
            self._log.write(
                "call-refused", {"why": "no line has the number that was dialled"}, {"to": dialled}, "warning"
            )
            return twiml.reject("rejected")
        flow, line = found
        claims = token.StreamClaims(form.get("CallSid", ""), form.get("AccountSid", ""), flow.name, line.label, 1)
        pass_ = token.mint(self.settings.stream_secrets[0], claims, _now(), secrets.token_urlsafe(9))
        parameters = {"token": pass_, "flow": flow.name, "line": line.label, "from": _number(caller), "to": dialled}
        try:
            return twiml.connect(_stream_url(public_url), parameters)
        except ValueError as wrong:  # a Host or CallSid that no Twilio sends; PUBLIC_URL itself was checked at start
            self._log.write("call-refused", {"why": "this can't become TwiML"}, {"reason": str(wrong)}, "warning")
            return twiml.reject("rejected")

    # the stream

    async def stream(self, phone: PhoneSocket, public_url: str) -> None:
        """One stream from its handshake to its end."""
        given = phone.header("x-twilio-signature")
        url, tokens = _stream_url(public_url), self.settings.twilio.auth_tokens
        if self.settings.auth and not signature.valid_handshake(url, given, tokens):
            self._log.write("stream-refused", {"why": "the signature does not match", "url": url}, {}, "warning")
            return await phone.refuse(403, "the signature does not match")
        if self.draining or self.full:
            return await phone.refuse(503, "draining" if self.draining else "full")
        await phone.accept()
        try:
            async with asyncio.timeout(START_S) as patience:
                self._opening.add(patience)
                try:
                    sequencer, started = await _opening(phone)
                finally:
                    self._opening.discard(patience)
            await self._carry(phone, sequencer, started)
        except PhoneLeft as left:
            self._log.write("stream-left", {"code": left.code}, {})
        except TimeoutError:
            late = Refused(POLICY, f"no start within {START_S:.0f} s")
            await self._turn_away(phone, Refused(GOING_AWAY, "draining") if self.draining else late)
        except media.TwilioProtocolError as broken:
            await self._turn_away(phone, Refused(broken.close_code, str(broken)))
        except Refused as refused:
            await self._turn_away(phone, refused)

    async def _carry(self, phone: PhoneSocket, sequencer: media.Sequencer, started: media.Started) -> None:
        now = asyncio.get_running_loop().time()
        flow_name, label = self._admit(started)
        given = started.parameters
        try:
            flow, line = find(self._flows, flow_name, label)
        except NoSuchLine as missing:
            raise Refused(POLICY, str(missing)) from None
        caller = Caller(given.get("from", ""), given.get("to", ""))
        call = Call(plan(flow, line, caller, self.settings, datetime.now(UTC)), now)
        backend = backend_for(flow.personas[line.persona], self.settings)
        bridge = Bridge(phone, sequencer, call, partial(self._endpoint, backend), self._noter(started))
        self._calls[started.stream_sid] = bridge
        self._empty.clear()
        try:
            await bridge.run(started)
        finally:
            del self._calls[started.stream_sid]
            if not self._calls:
                self._empty.set()

    def _admit(self, started: media.Started) -> tuple[str, str]:
        """The flow and line that the stream may talk to. Raises Refused."""
        if started.stream_sid in self._calls:
            raise Refused(POLICY, "this stream is already here")
        given = started.parameters
        if not self.settings.auth:
            return given.get("flow", ""), given.get("line", "")
        try:
            claims = token.verify(
                given.get("token", ""), self.settings.stream_secrets, started.call_sid, started.account_sid, _now()
            )
        except token.TokenError as bad:
            raise Refused(POLICY, str(bad)) from None
        if not self._used.use(claims.token_id, _now()):
            raise Refused(POLICY, "stream token: used before")
        return claims.flow, claims.line

    async def _turn_away(self, phone: PhoneSocket, refused: Refused) -> None:
        self._log.write("stream-refused", {"why": str(refused), "code": refused.code}, {}, "warning")
        await phone.close(refused.code, str(refused)[:120])

    def _noter(self, started: media.Started) -> Callable[[Note], None]:
        labels = {"call_sid": started.call_sid, "stream_sid": started.stream_sid}

        def write(note: Note) -> None:
            fields = {"at_ms": note.at_ms, **labels, **note.fields}
            self._log.write(note.name, fields, note.private, note.severity)

        return write

    # the end

    def drain(self) -> None:
        """Take no more calls, and let those in progress go."""
        self.draining = True
        for patience in self._opening:
            if not patience.expired():
                patience.reschedule(0)
        for bridge in list(self._calls.values()):
            try:
                bridge.tell(Draining())
            except Exception:  # noqa: BLE001  a bug in one call may not keep the others from ending
                self._log.bug("drain")

    async def empty(self) -> None:
        """Wait until no call is left."""
        await self._empty.wait()


async def _opening(phone: PhoneSocket) -> tuple[media.Sequencer, media.Started]:
    """The first two messages: connected, start."""
    sequencer = media.Sequencer()
    while True:
        message = parse_text(await phone.receive())
        sequencer.check(message)
        if isinstance(message, media.Started):
            return sequencer, message


def _stream_url(public_url: str) -> str:
    """The WebSocket form of the public URL: what TwiML names and Twilio signs."""
    return "ws" + public_url.removeprefix("http") + STREAM_PATH


def _number(caller: str) -> str:
    """The caller's number as a parameter: printable, and short enough for one."""
    return "".join(char for char in caller if char.isprintable())[:MAX_NUMBER]


def _now() -> float:
    return datetime.now(UTC).timestamp()
