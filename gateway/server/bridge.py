"""One call's shell: two sockets, one timer, and the pure `Call` between them. `tell` holds no await."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from gateway.call import answers
from gateway.call.call import Call
from gateway.call.carry import Carry
from gateway.call.facts import (
    Fact,
    HangUp,
    ModelGone,
    Note,
    OpenModel,
    Order,
    PhoneFault,
    PhoneGone,
    PrepareModel,
    Remember,
    Tick,
    ToolDone,
)
from gateway.call.handover import GOES_ON
from gateway.call.requests import RunTool
from gateway.live import messages as live
from gateway.live.endpoint import Endpoint
from gateway.server.live_socket import converse, reach
from gateway.server.outbox import Full, Outbox
from gateway.server.phone_socket import PhoneLeft, PhoneSocket
from gateway.server.prepared import Found, Prepared, close, take
from gateway.server.warm import Opened, Warmed
from gateway.tools.outcome import Outcome
from gateway.tools.registry import KINDS
from gateway.twilio import media

PHONE_BACKLOG = 256  # play-out lead bounds sound to a few messages: more waiting means that the peer reads nothing
CLOSE_S = 0.5  # for the old connection's closing handshake before the next one says whose session it goes on with
LIVE_BACKLOG = 512  # 20 s of sound in 40 ms messages: the model's socket is stuck long before

LET_GO_S = 0.3  # for the model's connection, before another stream of the call asks for its session
SETTLE_S = 0.3  # for the store, before Twilio asks any instance how the call goes on

Warm = Callable[[live.Setup], Warmed | None]  # the session that was opened for the call before its stream came


@dataclass(frozen=True, slots=True)
class Witness:
    """Who hears of the call: its notes, what another stream would have to know; `settled` waits until that is known."""

    note: Callable[[Note], None]
    remember: Callable[[Carry], None]
    settled: Callable[[], Awaitable[None]]

    def hear(self, order: Note | Remember) -> None:
        if isinstance(order, Note):
            self.note(order)
        else:
            self.remember(order.carry)


class Bridge:
    """`run` carries one call from its `start` to its end; `tell` gives it a fact from outside (draining)."""

    def __init__(
        self,
        phone: PhoneSocket,
        sequencer: media.Sequencer,
        call: Call,
        endpoint: Callable[[], Awaitable[Endpoint]],
        witness: Witness,
    ) -> None:
        self._phone = phone
        self._sequencer = sequencer
        self._call = call
        self._endpoint = endpoint
        self._witness = witness
        self._to_phone: Outbox[media.ToTwilio] = Outbox(PHONE_BACKLOG)
        self._to_live: Outbox[live.ClientMessage] = Outbox(LIVE_BACKLOG)  # of the connection that counts
        self._talking: asyncio.Task[None] | None = None
        self._prepared: Prepared | None = None
        self._warmed: Warm | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[HangUp] = self._loop.create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._group = asyncio.TaskGroup()

    async def run(self, started: media.Started, warmed: Warm | None = None) -> HangUp:
        """The whole call, on the session that `warmed` has for its setup, if any. Returns the order that ended it;
        raises only what is a bug."""
        self._warmed = warmed
        try:
            async with self._group:
                self._spawn(self._read_phone(), "phone-reader")
                self._spawn(self._write_phone(started.stream_sid), "phone-writer")
                self.tell(started)
                end = await self._over
                for task in (*self._tasks, *([self._talking] if self._talking else [])):
                    task.cancel()
                await self._hand_over(end)
                await self._phone.close(end.code)
                await self._let_go()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._tasks.clear()  # their exceptions hold frames that hold us
        return end

    async def _hand_over(self, end: HangUp) -> None:
        """Before Twilio is told that the stream is over, and asks: what is known is known to all, and where the call
        goes on its session is free."""
        if end.reason in GOES_ON and self._talking is not None:
            await asyncio.wait({self._talking}, timeout=LET_GO_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._witness.settled()

    def tell(self, fact: Fact) -> None:
        """One step: the fact into the call, its orders out. Never waits."""
        stuck: Fact | None = None
        for order in self._call.handle(fact, self._loop.time()):
            try:
                self._carry_out(order)
            except Full as full:  # what follows is carried out all the same: it may be the end
                stuck = ModelGone(0, str(full)) if full.outbox is self._to_live else PhoneGone(str(full))
        if stuck is not None:
            self.tell(stuck)
        self._arm()

    def _carry_out(self, order: Order) -> None:
        match order:
            case (
                live.SendAudio()
                | live.SendActivityStart()
                | live.SendActivityEnd()
                | live.SendText()
                | live.SendContent()
                | live.SendToolResults()
            ):
                self._to_live.put(order)
            case media.Play() | media.Mark():
                self._to_phone.put(order)
            case media.Clear():
                self._to_phone.drop(_is_sound)
                self._to_phone.put(order)
            case Note() | Remember():
                self._witness.hear(order)
            case RunTool():
                self._group.create_task(self._run(order), name=f"tool-{order.type}")
            case PrepareModel():
                self._prepare()
            case OpenModel():
                self._open(order.setup)
            case HangUp():
                if not self._over.done():
                    self._over.set_result(order)
            case _:
                assert_never(order)

    def _arm(self) -> None:
        """Keep one timer, at the deadline or before it: one that fires early only looks again."""
        due = self._call.deadline()
        armed = self._timer
        if due is None or (armed is not None and not armed.cancelled() and armed.when() <= due):
            return
        if armed is not None:
            armed.cancel()
        self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.tell_late(Tick())

    def tell_late(self, fact: Fact) -> None:
        """`tell`, for a timer."""
        try:
            self.tell(fact)
        except Exception as bug:  # noqa: BLE001  a timer has no one else to tell; the call's task raises it
            if not self._over.done():
                self._over.set_exception(bug)

    async def _read_phone(self) -> None:
        try:
            while True:
                message = parse_text(await self._phone.receive())
                self._sequencer.check(message)
                self.tell(message)
        except PhoneLeft as left:
            self.tell(PhoneGone(str(left)))
        except media.TwilioProtocolError as broken:
            self.tell(PhoneFault(broken.close_code, str(broken)))

    async def _write_phone(self, stream_sid: str) -> None:
        while True:
            await self._phone.send(media.build(await self._to_phone.get(), stream_sid))

    async def _run(self, order: RunTool) -> None:
        """Carry out one tool; whatever becomes of it is told."""
        done: Outcome
        try:
            async with asyncio.timeout_at(order.deadline):
                done = await KINDS[order.type].run(order.args)
        except TimeoutError:
            done = Outcome(answers.stopped())
        self.tell(ToolDone(order.id, done.result, done.closes))

    def _prepare(self) -> None:
        if self._prepared is None:
            self._prepared = self._group.create_task(self._dial(), name="live-prepared")

    def _open(self, setup: live.Setup) -> None:
        """Another connection takes the place of the one there is; what still waits for that one is void."""
        before, prepared = self._talking, self._prepared
        self._prepared = None
        if before is not None:
            before.cancel()
        outbox = self._to_live = Outbox(LIVE_BACKLOG)
        self._talking = self._group.create_task(self._talk(setup, outbox, before, prepared), name="live")

    async def _talk(
        self,
        setup: live.Setup,
        outbox: Outbox[live.ClientMessage],
        before: asyncio.Task[None] | None,
        prepared: Prepared | None,
    ) -> None:
        opened: Opened | Found | None = None
        try:
            if before is None:
                opened = await self._warm(setup)
            else:  # the service takes one connection a session at a time
                await asyncio.wait({before}, timeout=CLOSE_S)
            if opened is None:
                opened = await take(prepared, self._dial)
        except asyncio.CancelledError:
            await close(prepared)
            raise
        if isinstance(opened, ModelGone):
            gone = opened
        elif isinstance(opened, Opened):
            gone = await converse(opened.socket, opened.messages, outbox, self._hear(outbox))
        else:
            gone = await converse(opened, setup, outbox, self._hear(outbox))
        if outbox is self._to_live:
            self.tell(gone)

    def _hear(self, outbox: Outbox[live.ClientMessage]) -> Callable[[live.ServerMessage], None]:
        """Tells what one connection brings, as long as it is the one that counts."""

        def hear(message: live.ServerMessage) -> None:
            if outbox is self._to_live:
                self.tell(message)

        return hear

    async def _warm(self, setup: live.Setup) -> Opened | ModelGone | None:
        """The session that was opened before the stream came, or its refusal; asked for here, where it is sure to be
        awaited."""
        warmed = self._warmed(setup) if self._warmed is not None else None
        return await warmed.session() if warmed is not None else None

    async def _dial(self) -> Found:
        return await reach(self._endpoint)

    async def _let_go(self) -> None:
        """Close a socket that was prepared and never used."""
        prepared, self._prepared = self._prepared, None
        await close(prepared)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        self._tasks.append(self._group.create_task(work, name=name))


def parse_text(raw: str | bytes) -> media.FromTwilio:
    """A frame as Twilio sends them: text. Raises TwilioProtocolError; a binary frame is close code 1003."""
    if isinstance(raw, bytes):
        raise media.TwilioProtocolError("a binary frame, where Twilio sends text", 1003)
    return media.parse(raw)


def _is_sound(order: media.ToTwilio) -> bool:
    return not isinstance(order, media.Clear)
