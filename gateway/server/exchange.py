"""What the calls of this instance share: flows, settings, the doors' checks, and the list of calls in progress."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from random import random

from gateway.call.call import Call
from gateway.call.carrying import forgotten
from gateway.call.facts import Draining, Note, PhoneGone
from gateway.call.handover import GOES_ON
from gateway.flow.load import Flows
from gateway.flow.model import Flow, Persona
from gateway.flow.route import Usage
from gateway.live.endpoint import Endpoint
from gateway.live.models import Backend
from gateway.server import admission
from gateway.server.admission import GOING_AWAY, NORMAL, POLICY, TRY_LATER, Refused
from gateway.server.afterwards import Ending, Step, Tries, read, step
from gateway.server.breaker import Breaker, project_key
from gateway.server.bridge import Bridge, Witness
from gateway.server.custody import Custody
from gateway.server.desk import Desk, Guest, House
from gateway.server.generations import Generations
from gateway.server.notes import Notes
from gateway.server.phone_socket import PhoneLeft, PhoneSocket
from gateway.server.places import Places
from gateway.server.plans import backend_for, plan_call
from gateway.server.rooms import Rooms
from gateway.server.strangers import WHY, Strangers
from gateway.server.telling import Telling
from gateway.server.usage import Uses
from gateway.server.warm import Warmer, WarmRoom
from gateway.settings import Settings
from gateway.store import Store
from gateway.store.memory import Memory
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics
from gateway.twilio import media, signature

LAME_S = 0.7  # from SIGTERM to the first stream that is left: balancers must have heard that no call is taken here
LEAVE_S = 3.0  # to the last one
MOVE_JITTER = 0.1  # of a stream's longest age: not all calls of a busy minute move in one
MOVE_WITHIN = 0.05  # of it, for a moment when nobody speaks

Endpoints = Callable[[Backend], Awaitable[Endpoint]]  # where the model is, asked for each call


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
        self.strangers = Strangers(log, metrics, self._clock)
        self.warmer = Warmer(WarmRoom(metrics), settings, endpoint, self._breaker)
        self._rooms = Rooms(self._store)
        house = House(settings, generations, self._uses, self._rooms, self.out_of_quota, self._store, log, metrics)
        self._desk = Desk(house)
        self._calls: dict[str, Bridge] = {}  # by StreamSid
        self._sids: dict[str, tuple[Bridge, Custody]] = {}  # the same by CallSid
        self._opening: set[asyncio.Timeout] = set()  # streams that have not started yet
        self._places = Places(settings.max_calls, self._sids.keys())
        self._empty = asyncio.Event()
        self._empty.set()

    def _store(self) -> Store:
        return self.store

    @property
    def calls(self) -> int:
        """Calls in progress."""
        return len(self._calls)

    def room_for(self, call_sid: str) -> bool:
        """Whether this call finds a place: one that has a stream here has its own."""
        return self._places.free(call_sid)

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

    def usage(self, flow: Flow, caller: str, call_sid: str) -> Usage:
        return self._desk.usage(flow, caller, call_sid)

    def out_of_quota(self, persona: Persona, call_sid: str) -> bool:
        """Whether the model's project has run out of quota, and a new call had better not ask for it now."""
        return self._breaker.open(self._project(persona), self._clock(), call_sid)

    def _project(self, persona: Persona) -> str:
        return project_key(backend_for(persona, self.settings), self.settings.google.project)

    async def next(self, call_sid: str, tries: Tries) -> Step:
        """How a call goes on whose stream has ended, here or at another instance."""
        return step(read(await self.store.last(call_sid)), tries, int(1000 * admission.unix_now()))

    @property
    def alone(self) -> bool:
        """Whether no other instance could go on with a call of this one."""
        return not self.settings.redis_url

    # the stream

    async def stream(self, phone: PhoneSocket, url: str) -> None:
        """One stream from its handshake (which Twilio signs over `url`) to its end."""
        given, key = phone.header(signature.HEADER), phone.header(signature.SETTINGS_HEADER)
        if self.settings.auth and not signature.valid_handshake(url, given, self._keys, key):
            self.strangers.refused("stream-refused", url)
            return await phone.refuse(403, WHY)
        crowded = self._places.crowded
        if crowded or (self.draining and self.alone):
            why = "full" if crowded else "draining"
            self.metrics.add("gateway_calls_refused_total", why=why)
            return await phone.refuse(503, why)
        try:
            sequencer, guest = await self._opened(phone)
            await self._carry(phone, sequencer, guest)
        except PhoneLeft as left:
            self._log.write("stream-left", {"code": left.code}, {})
        except TimeoutError:
            late = Refused(POLICY, f"no start within {admission.START_S:.0f} s")
            await self._turn_away(phone, Refused(GOING_AWAY, "draining") if self.draining else late)
        except media.TwilioProtocolError as broken:
            await self._turn_away(phone, Refused(broken.close_code, str(broken)))
        except Refused as refused:
            await self._turn_away(phone, refused)

    async def _opened(self, phone: PhoneSocket) -> tuple[media.Sequencer, Guest]:
        """A stream that was let in, from the answer to its handshake. Raises Refused, TimeoutError, PhoneLeft."""
        with self._places.opening() as place:
            await phone.accept()
            async with asyncio.timeout(admission.START_S) as patience:
                self._opening.add(patience)
                try:
                    sequencer, started = await admission.opening(phone)
                    if not place.suits(started.call_sid):
                        raise Refused(TRY_LATER, "full", counted="full")
                    return sequencer, await self._welcome(started)
                finally:
                    self._opening.discard(patience)

    async def _welcome(self, started: media.Started) -> Guest:
        """Take over the call. Raises Refused."""
        if started.stream_sid in self._calls:
            raise Refused(POLICY, "this stream is already here")
        admitted = await self._desk.admit(started)
        if before := self._sids.get(started.call_sid):  # it is over, noticed or not; what it knows is of use here
            before[0].tell_late(PhoneGone("another stream of this call"))
        guest = await self._desk.receive(started, admitted)
        if self.draining:
            raise await self._desk.send_on(guest)
        return guest

    async def _carry(self, phone: PhoneSocket, sequencer: media.Sequencer, guest: Guest) -> None:
        """A stream that was let in. No await before the call is in the lists: a drain would miss it."""
        if self.draining:
            raise Refused(GOING_AWAY, "draining")
        if guest.started.stream_sid in self._calls:
            raise Refused(POLICY, "this stream is already here")
        ending: Ending = "model-gone"  # of a bug: the fallback
        try:
            ending = await self._serve(phone, sequencer, guest)
        finally:
            guest.custody.ended(ending)
            if guest.started.call_sid not in self._sids:  # else another stream here has the call, and its place
                await self._rooms.leave(guest.started.call_sid, goes_on=ending in GOES_ON)

    async def _serve(self, phone: PhoneSocket, sequencer: media.Sequencer, guest: Guest) -> Ending:
        """How the stream ended."""
        flow, started, custody = guest.flow, guest.started, guest.custody
        if (other := self._sids.get(started.call_sid)) and other[1].fence > custody.fence:
            raise Refused(NORMAL, "another stream of this call")  # it came later, and was quicker
        call = self._call(guest)
        witness = Witness(self._writes(guest), custody.remember, custody.settled)
        bridge = Bridge(phone, sequencer, call, self._endpoint_of(guest.persona), witness)
        self._enter(started, bridge, custody)
        self._uses.began(flow, started.call_sid, guest.caller.number if guest.first else None, self._clock())
        moving = self._moved_in_time(bridge)
        try:
            return (await bridge.run(started, partial(self.warmer.room.take, started.call_sid))).reason
        finally:
            moving.cancel()
            self._uses.ended(flow, started.call_sid)
            self._leave(started, bridge)

    def _call(self, guest: Guest) -> Call:
        """The call, from where an earlier stream of it ended."""
        plan = plan_call(guest.flow, guest.line, guest.persona, guest.caller, self.settings)
        now, unknown = self._clock(), not guest.first and not guest.found.sure
        carried = guest.found.carry or (forgotten(plan, now) if unknown else None)
        try:
            call = Call(plan, now, carried)
        except Exception:  # noqa: BLE001  what another release meant by it is no reason to end a call
            self._log.bug("carry")
            call = Call(plan, now, carried := forgotten(plan, now))
        guest.custody.began(guest.served, carried)
        return call

    def _moved_in_time(self, bridge: Bridge) -> asyncio.TimerHandle:
        """No stream may reach Cloud Run's hour: it is left before, when nobody speaks."""
        longest = self.settings.max_stream_s
        move = Draining("stream-limit", 0.0, longest * MOVE_WITHIN)
        age = longest * (1 + MOVE_JITTER * random())
        return asyncio.get_running_loop().call_later(age, bridge.tell_late, move)

    def _enter(self, started: media.Started, bridge: Bridge, custody: Custody) -> None:
        """A call has one stream: where Twilio opens another, the first is broken, whether it was noticed or not."""
        if before := self._sids.pop(started.call_sid, None):
            before[0].tell_late(PhoneGone("another stream of this call"))
        self._calls[started.stream_sid] = bridge
        self._sids[started.call_sid] = bridge, custody
        self._empty.clear()
        self.metrics.add("gateway_calls_total")

    def _leave(self, started: media.Started, bridge: Bridge) -> None:
        del self._calls[started.stream_sid]
        if self._sids.get(started.call_sid, (None,))[0] is bridge:  # else another stream goes on with the call
            del self._sids[started.call_sid]
        if not self._calls:
            self._empty.set()

    def fenced(self, call_sid: str, fence: int) -> None:
        """Another instance has claimed the call: a stream of it here is over, whether Twilio told so or not."""
        held = self._sids.get(call_sid)
        if held is not None and held[1].fence <= fence:
            self._log.write("stream-fenced", {"call_sid": call_sid}, {}, "warning")
            held[0].tell_late(PhoneGone("another stream of this call, at another instance"))

    def _endpoint_of(self, persona: Persona) -> Callable[[], Awaitable[Endpoint]]:
        return partial(self._endpoint, backend_for(persona, self.settings))

    async def _turn_away(self, phone: PhoneSocket, refused: Refused) -> None:
        self.metrics.add("gateway_calls_refused_total", why=refused.counted)
        self._log.write("stream-refused", {"why": str(refused), "code": refused.code}, {}, "warning")
        await phone.close(refused.code, str(refused)[:120])

    def _writes(self, guest: Guest) -> Callable[[Note], None]:
        """What becomes of the notes of the guest's stream."""
        sids = {"call_sid": guest.started.call_sid, "stream_sid": guest.started.stream_sid}
        telling = Telling(self._log.here(), self.metrics, sids, first=guest.first)
        return Notes(guest, telling, self._breaker, self._project(guest.persona), self._clock).write

    # the end

    def drain(self) -> None:
        """Take no more calls, and let those in progress go: each when nobody speaks, where another instance can go on
        with it."""
        self.draining = True
        self.warmer.room.close()
        for patience in self._opening:
            if not patience.expired():
                patience.reschedule(0)
        leave = Draining() if self.alone else Draining("draining", LAME_S, LEAVE_S)
        for bridge in list(self._calls.values()):
            try:
                bridge.tell(leave)
            except Exception:  # noqa: BLE001  a bug in one call may not keep the others from ending
                self._log.bug("drain")

    async def run(self) -> None:
        """What must be done while calls go on, until cancelled."""
        await self._rooms.run()

    async def empty(self) -> None:
        """Wait until no call is left, and no session that waits for one."""
        await self._empty.wait()
        await self.warmer.room.empty()
