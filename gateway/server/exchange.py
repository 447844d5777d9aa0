"""What the calls of this instance share: flows, settings, the doors' checks, and the list of calls in progress."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from gateway.call.call import Call
from gateway.call.facts import Draining, Note, PhoneGone
from gateway.flow.load import Flows
from gateway.flow.model import Flow, Number, Persona
from gateway.flow.route import Usage, route
from gateway.live.endpoint import Endpoint
from gateway.live.models import Backend
from gateway.server.afterwards import KEPT_S, Carried, Ending, Served, Step, step
from gateway.server.breaker import Breaker, project_key
from gateway.server.bridge import Bridge, parse_text
from gateway.server.generations import Generation, Generations
from gateway.server.phone_socket import PhoneLeft, PhoneSocket
from gateway.server.plans import Caller, NoSuchLine, backend_for, find, persona_of, plan_call
from gateway.server.telling import Telling
from gateway.server.usage import Uses
from gateway.server.warm import Warmer, WarmRoom
from gateway.settings import Settings
from gateway.store import Store
from gateway.store.memory import Memory
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics
from gateway.twilio import media, signature, token

START_S = 5.0  # from the handshake to `start`: Twilio sends both at once
POLICY = 1008
GOING_AWAY = 1001
TRY_LATER = 1013
COUNTED = ("per-caller", "concurrent")  # routes that depend on other calls
TOKEN_S = 120.0  # a token's 60 s, and clocks that differ
LAST_NOTE = "call-ended"
READY_NOTES = ("model-ready", "model-back")

Endpoints = Callable[[Backend], Awaitable[Endpoint]]  # where the model is, asked for each call


class Refused(Exception):
    """A stream that may not go on. `code` is the WebSocket close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Exchange:
    """The instance: carries streams and knows its calls."""

    def __init__(
        self, settings: Settings, generations: Generations, endpoint: Endpoints, log: Log, metrics: Metrics
    ) -> None:
        self.settings = settings
        self.draining = False
        self.generations = generations
        self._keys = signature.Keys(settings.twilio.auth_tokens, settings.twilio.shared_keys)
        self._uses = Uses()
        self._breaker = Breaker()
        self._clock = asyncio.get_running_loop().time
        self.store: Store = Memory(self._clock)  # until another is given, before the first call
        self._endpoint = endpoint
        self._log = log
        self.metrics = metrics
        self.warmer = Warmer(WarmRoom(metrics), settings, endpoint)
        self._calls: dict[str, Bridge] = {}  # by StreamSid
        self._sids: dict[str, Bridge] = {}  # the same by CallSid
        self._opening: set[asyncio.Timeout] = set()  # streams that have not started yet
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def calls(self) -> int:
        """Calls in progress."""
        return len(self._calls)

    @property
    def full(self) -> bool:
        return self.calls + len(self._opening) >= self.settings.max_calls

    # what the doors ask

    @property
    def flows(self) -> Flows:
        """The generation that new calls get."""
        return self.generations.current.flows

    @property
    def hash(self) -> str:
        return self.generations.current.hash

    def signed(self, url: str, form: Mapping[str, Sequence[str]], given: str, settings: str) -> bool:
        """Whether Twilio signed this webhook, or nobody has to."""
        return not self.settings.auth or signature.valid(url, form, given, self._keys, settings)

    def usage(self, flow: Flow, caller: str) -> Usage:
        return self._uses.of(flow, caller, self._clock())

    def out_of_quota(self, persona: Persona, call_sid: str) -> bool:
        """Whether the model's project has run out of quota, and a new call had better not ask for it now."""
        return self._breaker.open(self._project(persona), self._clock(), call_sid)

    def _project(self, persona: Persona) -> str:
        return project_key(backend_for(persona, self.settings), self.settings.google.project)

    async def next(self, call_sid: str, attempt: int) -> Step | None:
        """How a call goes on whose stream of that attempt has ended, here or at another instance; None of one that
        nothing is known of."""
        return step(await self.store.last(call_sid), attempt)

    # the stream

    async def stream(self, phone: PhoneSocket, url: str) -> None:
        """One stream from its handshake (which Twilio signs over `url`) to its end."""
        given, key = phone.header(signature.HEADER), phone.header(signature.SETTINGS_HEADER)
        if self.settings.auth and not signature.valid_handshake(url, given, self._keys, key):
            self._log.write("stream-refused", {"why": "the signature does not match", "url": url}, {}, "warning")
            self.metrics.add("gateway_calls_refused_total", why="signature")
            return await phone.refuse(403, "the signature does not match")
        if self.draining or self.full:
            why = "draining" if self.draining else "full"
            self.metrics.add("gateway_calls_refused_total", why=why)
            return await phone.refuse(503, why)
        await phone.accept()
        try:
            async with asyncio.timeout(START_S) as patience:
                self._opening.add(patience)
                try:
                    sequencer, started = await _opening(phone)
                    claims = await self._admit(started)
                finally:
                    self._opening.discard(patience)
            await self._carry(phone, sequencer, started, claims)
        except PhoneLeft as left:
            self._log.write("stream-left", {"code": left.code}, {})
        except TimeoutError:
            late = Refused(POLICY, f"no start within {START_S:.0f} s")
            await self._turn_away(phone, Refused(GOING_AWAY, "draining") if self.draining else late)
        except media.TwilioProtocolError as broken:
            await self._turn_away(phone, Refused(broken.close_code, str(broken)))
        except Refused as refused:
            await self._turn_away(phone, refused)

    async def _carry(
        self, phone: PhoneSocket, sequencer: media.Sequencer, started: media.Started, claims: token.StreamClaims
    ) -> None:
        """A stream that was let in. No await before the call is in the lists: a drain would miss it."""
        if self.draining:
            raise Refused(GOING_AWAY, "draining")
        if started.stream_sid in self._calls:
            raise Refused(POLICY, "this stream is already here")
        now, first = self._clock(), claims.attempt == 1
        flow, line, persona = self._served(started, claims)
        caller = Caller(started.parameters.get("from", ""), started.parameters.get("to", ""))
        carried = Carried(Served(flow.name, line.label, persona.name), claims.attempt, int(1000 * _now()))
        if first and (why := self._held_back(flow, line, persona, caller, started.call_sid)):
            self._ended(started, carried, "refused")
            raise Refused(TRY_LATER, why)
        self.store.put(started.call_sid, carried.kept(), flow.limits.max_duration_s + KEPT_S)
        call = Call(plan_call(flow, line, persona, caller, self.settings), now)
        bridge = Bridge(phone, sequencer, call, self._endpoint_of(persona), self._noter(started, carried, persona))
        self._enter(started, bridge)
        self._uses.began(flow, caller.number if first else None, now)
        ending: Ending = "model-gone"  # of a bug: the fallback
        try:
            ending = (await bridge.run(started, partial(self.warmer.room.take, started.call_sid))).reason
        finally:
            self._uses.ended(flow)
            self._ended(started, carried, ending)
            self._leave(started, bridge)

    def _enter(self, started: media.Started, bridge: Bridge) -> None:
        """A call has one stream: where Twilio opens another, the first is broken, whether it was noticed or not."""
        if before := self._sids.pop(started.call_sid, None):
            before.tell(PhoneGone("another stream of this call"))
        self._calls[started.stream_sid] = self._sids[started.call_sid] = bridge
        self._empty.clear()
        self.metrics.add("gateway_calls_total")

    def _leave(self, started: media.Started, bridge: Bridge) -> None:
        del self._calls[started.stream_sid]
        if self._sids.get(started.call_sid) is bridge:  # else another stream goes on with the call
            del self._sids[started.call_sid]
        if not self._calls:
            self._empty.set()

    def _ended(self, started: media.Started, carried: Carried, ending: Ending) -> None:
        """Tells the store. Where another stream goes on with the call, that one is the newer, and counts."""
        self.store.put(started.call_sid, carried.ended(ending).kept(), KEPT_S)

    def _served(self, started: media.Started, claims: token.StreamClaims) -> tuple[Flow, Number, Persona]:
        """What the stream talks to, of the generation that the call was answered with. Raises Refused."""
        flows = self._generation(started).flows
        try:
            flow, line = find(flows, claims.flow, claims.line)
            return flow, line, persona_of(flow, line, claims.persona)
        except NoSuchLine as missing:
            raise Refused(POLICY, str(missing)) from None

    def _generation(self, started: media.Started) -> Generation:
        """The flows that the call was answered with, where they are still known."""
        wanted = started.parameters.get("hash", "")
        found = self.generations.find(wanted, self._clock())
        if wanted and wanted != found.hash:
            self.metrics.add("gateway_flow_hash_mismatch_total")
            self._log.write("flows-differ", {"call_sid": started.call_sid, "hash": found.hash[:12]}, {}, "warning")
        return found

    def _held_back(self, flow: Flow, line: Number, persona: Persona, caller: Caller, call_sid: str) -> str:
        """Why a new call can't be had, of what only the core knows: Functions answered it without having asked here."""
        usage = self._uses.of(flow, caller.number, self._clock())
        code = route(flow, line, datetime.now(UTC), caller.number, usage).code
        if code in COUNTED:
            return f"limits: {code}"
        return "quota" if self.out_of_quota(persona, call_sid) else ""

    def _endpoint_of(self, persona: Persona) -> Callable[[], Awaitable[Endpoint]]:
        return partial(self._endpoint, backend_for(persona, self.settings))

    async def _admit(self, started: media.Started) -> token.StreamClaims:
        """What the stream may talk to. Raises Refused."""
        given = started.parameters
        if not self.settings.auth:
            flow, line, persona, attempt = (given.get(name, "") for name in ("flow", "line", "persona", "attempt"))
            tries = int(attempt) if attempt in ("2", "3") else 1
            return token.StreamClaims(started.call_sid, started.account_sid, flow, line, persona, tries)
        secrets, sids = self.settings.stream_secrets, (started.call_sid, started.account_sid)
        try:
            claims = token.verify(given.get("token", ""), secrets, *sids, _now())
        except token.TokenError as bad:
            raise Refused(POLICY, str(bad)) from None
        if not await self.store.first_use(claims.token_id, TOKEN_S):
            raise Refused(POLICY, "stream token: used before")
        return claims

    async def _turn_away(self, phone: PhoneSocket, refused: Refused) -> None:
        self.metrics.add("gateway_calls_refused_total", why="stream")
        self._log.write("stream-refused", {"why": str(refused), "code": refused.code}, {}, "warning")
        await phone.close(refused.code, str(refused)[:120])

    def _noter(self, started: media.Started, carried: Carried, persona: Persona) -> Callable[[Note], None]:
        """Writes a stream's notes. The last comes before the phone's socket is closed, and so before Twilio asks any
        instance how the call goes on: the store is told then."""
        labels = {"call_sid": started.call_sid, "stream_sid": started.stream_sid}
        project = self._project(persona)
        telling = Telling(self._log.here(), self.metrics, labels, first=carried.attempt == 1)

        def write(note: Note) -> None:
            telling.tell(note)
            if note.name == LAST_NOTE:
                self._ended(started, carried, note.fields["ended"])
            elif note.name == "model-gone" and note.fields["kind"] == "quota":
                self._breaker.quota(project, self._clock())
            elif note.name in READY_NOTES:
                self._breaker.well(project, self._clock())

        return write

    # the end

    def drain(self) -> None:
        """Take no more calls, and let those in progress go."""
        self.draining = True
        self.warmer.room.close()
        for patience in self._opening:
            if not patience.expired():
                patience.reschedule(0)
        for bridge in list(self._calls.values()):
            try:
                bridge.tell(Draining())
            except Exception:  # noqa: BLE001  a bug in one call may not keep the others from ending
                self._log.bug("drain")

    async def empty(self) -> None:
        """Wait until no call is left, and no session that waits for one."""
        await self._empty.wait()
        await self.warmer.room.empty()


async def _opening(phone: PhoneSocket) -> tuple[media.Sequencer, media.Started]:
    """The first two messages: connected, start."""
    sequencer = media.Sequencer()
    while True:
        message = parse_text(await phone.receive())
        sequencer.check(message)
        if isinstance(message, media.Started):
            return sequencer, message


def _now() -> float:
    return datetime.now(UTC).timestamp()
