"""The front desk: whom a stream is for, whether its call may be had, and what an earlier stream of the call left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.flow.model import Flow, Number, Persona
from gateway.flow.route import Usage, route
from gateway.server import admission
from gateway.server.admission import GOING_AWAY, POLICY, TRY_LATER, Refused
from gateway.server.afterwards import Served
from gateway.server.custody import Custody, Found
from gateway.server.generations import Generation, Generations
from gateway.server.plans import Caller, NoSuchLine, find, persona_of
from gateway.server.rooms import Rooms
from gateway.server.usage import Uses
from gateway.settings import Settings
from gateway.store import Store
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics
from gateway.twilio import media, token

COUNTED = ("per-caller", "concurrent")  # routes that depend on other calls
LOOK_S = 0.1  # a call that comes while we go away is sent on after a pause: it must not come round at once


@dataclass(frozen=True, slots=True)
class House:
    """What the desk looks into. `quota`: whether the model's project has run out of it, for this persona and call."""

    settings: Settings
    generations: Generations
    uses: Uses
    rooms: Rooms
    quota: Callable[[Persona, str], bool]
    store: Callable[[], Store]
    log: Log
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Pass:
    """What a stream may talk to, and in which of the call's streams."""

    attempt: int
    flow: Flow
    line: Number
    persona: Persona


@dataclass(frozen=True, slots=True)
class Guest:
    """A stream that was let in. `found`: what an earlier stream of the call left."""

    started: media.Started
    attempt: int
    flow: Flow
    line: Number
    persona: Persona
    custody: Custody
    found: Found

    @property
    def first(self) -> bool:
        """Whether no stream of the call came before. A webhook that came twice makes two streams of the first attempt:
        the later goes on with the call as any other would. A later attempt, of which it is sure that none before it
        reached a core, is the call's first stream; so is, where calls are kept in memory alone, one that comes after
        its core was started anew: it is greeted, and counts, once more."""
        return not self.found.goes_on if self.attempt == 1 else self.found.nothing

    @property
    def caller(self) -> Caller:
        given = self.started.parameters
        return Caller(given.get("from", ""), given.get("to", ""))

    @property
    def served(self) -> Served:
        return Served(self.flow.name, self.line.label, self.persona.name)


class Desk:
    """`admit` looks at a stream's token and at what it is for, `receive` takes its call over; both may turn it away."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._clock = asyncio.get_running_loop().time

    async def admit(self, started: media.Started) -> Pass:
        """What the stream's token opens. An earlier stream of the call has it still. Raises Refused."""
        claims = await admission.admit(started, self._house.settings, self._house.store())
        return Pass(claims.attempt, *self._served(started, claims))

    async def receive(self, started: media.Started, admitted: Pass) -> Guest:
        """Take over the call of a stream that was admitted. Raises Refused, but never of a call that another stream
        had: that one is over by now."""
        house = self._house
        custody = Custody(house.store(), started.call_sid, admission.unix_now)
        found = await custody.claim(admitted.attempt)
        guest = Guest(started, admitted.attempt, admitted.flow, admitted.line, admitted.persona, custody, found)
        if why := await self._held_back(guest):
            custody.began(guest.served, None)
            custody.ended("refused")
            raise Refused(TRY_LATER, why)
        return guest

    async def send_on(self, guest: Guest) -> Refused:
        """A call that comes while this instance goes away: a stream that we close goes on by TwiML, at another one."""
        guest.custody.began(guest.served, guest.found.carry)
        guest.custody.ended("draining")
        await guest.custody.settled()
        await asyncio.sleep(LOOK_S)
        return Refused(GOING_AWAY, "draining")

    def usage(self, flow: Flow, caller: str, call_sid: str) -> Usage:
        return self._house.uses.of(flow, caller, call_sid, self._clock())

    def _served(self, started: media.Started, claims: token.StreamClaims) -> tuple[Flow, Number, Persona]:
        """What the stream talks to, of the generation that the call was answered with. Raises Refused."""
        flows = self._generation(started).flows
        try:
            flow, line = find(flows, claims.flow, claims.line)
            known = claims.attempt == 1 or claims.persona in flow.personas  # a call goes on though its persona is gone
            return flow, line, persona_of(flow, line, claims.persona if known else "")
        except NoSuchLine as missing:
            raise Refused(POLICY, str(missing)) from None

    def _generation(self, started: media.Started) -> Generation:
        """The flows that the call was answered with, where they are still known."""
        house, wanted = self._house, started.parameters.get("hash", "")
        found = house.generations.find(wanted, self._clock())
        if wanted and wanted != found.hash:
            house.metrics.add("gateway_flow_hash_mismatch_total")
            house.log.write("flows-differ", {"call_sid": started.call_sid, "hash": found.hash[:12]}, {}, "warning")
        return found

    async def _held_back(self, guest: Guest) -> str:
        """Why a new call can't be had, of what only the core knows: Functions answered it without having asked here."""
        flow, call_sid, number = guest.flow, guest.started.call_sid, guest.caller.number
        if guest.first:
            code = route(flow, guest.line, datetime.now(UTC), number, self.usage(flow, number, call_sid)).code
            if code in COUNTED:
                return f"limits: {code}"
            if self._house.quota(guest.persona, call_sid):
                return "quota"
        return "" if await self._house.rooms.enter(flow, call_sid, first=guest.first) else "limits: concurrent"
