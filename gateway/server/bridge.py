"""One call's shell: two sockets, one timer, and the pure `Call` between them. `tell` holds no await."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import assert_never

from gateway.call.call import Call
from gateway.call.facts import Fact, HangUp, ModelGone, Note, OpenModel, Order, PhoneFault, PhoneGone, Tick
from gateway.live import messages as live
from gateway.live.endpoint import Endpoint
from gateway.server.live_socket import converse
from gateway.server.outbox import Full, Outbox
from gateway.server.phone_socket import PhoneLeft, PhoneSocket
from gateway.twilio import media

PHONE_BACKLOG = 256  # play-out lead bounds sound to a few messages: more waiting means that the peer reads nothing
LIVE_BACKLOG = 512  # 20 s of sound in 40 ms messages: the model's socket is stuck long before


class Bridge:
    """`run` carries one call from its `start` to its end; `tell` gives it a fact from outside (draining)."""

    def __init__(
        self,
        phone: PhoneSocket,
        sequencer: media.Sequencer,
        call: Call,
        endpoint: Callable[[], Awaitable[Endpoint]],
        note: Callable[[Note], None],
    ) -> None:
        self._phone = phone
        self._sequencer = sequencer
        self._call = call
        self._endpoint = endpoint
        self._note = note
        self._to_phone: Outbox[media.ToTwilio] = Outbox(PHONE_BACKLOG)
        self._to_live: Outbox[live.ClientMessage] = Outbox(LIVE_BACKLOG)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[HangUp] = self._loop.create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._group = asyncio.TaskGroup()

    async def run(self, started: media.Started) -> HangUp:
        """The whole call. Returns the order that ended it; raises only what is a bug."""
        try:
            async with self._group:
                self._spawn(self._read_phone(), "phone-reader")
                self._spawn(self._write_phone(started.stream_sid), "phone-writer")
                self.tell(started)
                end = await self._over
                for task in self._tasks:
                    task.cancel()
                await self._phone.close(end.code)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._tasks.clear()  # their exceptions hold frames that hold us
        return end

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
            case live.SendAudio() | live.SendText() | live.SendToolResults():
                self._to_live.put(order)
            case media.Play() | media.Mark():
                self._to_phone.put(order)
            case media.Clear():
                self._to_phone.drop(_is_sound)
                self._to_phone.put(order)
            case Note():
                self._note(order)
            case OpenModel():
                self._spawn(self._talk(order.setup), "live")
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
        try:
            self.tell(Tick())
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

    async def _talk(self, setup: live.Setup) -> None:
        try:
            endpoint = await self._endpoint()
        except OSError as failed:
            self.tell(ModelGone(0, f"no credentials: {failed}"))
            return
        self.tell(await converse(endpoint, setup, self._to_live, self.tell))

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        self._tasks.append(self._group.create_task(work, name=name))


def parse_text(raw: str | bytes) -> media.FromTwilio:
    """A frame as Twilio sends them: text. Raises TwilioProtocolError; a binary frame is close code 1003."""
    if isinstance(raw, bytes):
        raise media.TwilioProtocolError("a binary frame, where Twilio sends text", 1003)
    return media.parse(raw)


def _is_sound(order: media.ToTwilio) -> bool:
    return not isinstance(order, media.Clear)
