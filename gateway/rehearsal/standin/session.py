"""One connection, without sockets: client messages and the workers' results in, orders out, time an argument."""

from __future__ import annotations

from gateway.live.messages import ClientMessage, GoingAway, LiveProtocolError, Ready, Setup
from gateway.live.models import Backend
from gateway.rehearsal.standin.lifetime import End, Lifetime
from gateway.rehearsal.standin.orders import Close, Orders, Send, Told, Value
from gateway.rehearsal.standin.setup import accept, instructions
from gateway.rehearsal.standin.talk import House, Talk
from gateway.rehearsal.standin.turns import Ended

ABORTED = "The operation was aborted"

_FIRST = "setup must be the first message and only the first"


class Session:
    """`handle`, `recognised` and `tick` give orders; `deadline` says when to tick; after a `Close` nothing follows.

    `end` must be called when the connection is gone: the session may then be resumed."""

    def __init__(self, house: House, backend: Backend, version: str, now: float) -> None:
        self._house = house
        self._place = backend, version
        self._lifetime = Lifetime(now, house.connection_s)
        self._talk: Talk | None = None
        self.closed = False

    @property
    def name(self) -> str:
        """Of the Live session; empty before the setup."""
        return self._talk.saved.session if self._talk else ""

    def handle(self, message: ClientMessage, now: float) -> Orders:
        if self.closed:
            return ()
        try:
            if isinstance(message, Setup):
                return self._setup(message, now)
            if self._talk is None:
                raise LiveProtocolError(_FIRST)
            return self._talk.handle(message, now)
        except LiveProtocolError as fault:
            return self.refuse(fault)

    def refuse(self, fault: LiveProtocolError) -> Orders:
        """The client broke the protocol."""
        return self._close(fault.close_code, str(fault))

    def recognised(self, speech: Ended, words: str, now: float) -> Orders:
        """The words of a `Recognise` order."""
        return self._talk.recognised(speech, words, now) if self._talk and not self.closed else ()

    def synthesised(self, work: int, sentence: str, pcm: bytes) -> None:
        """One sentence of a `Synthesise` order; the empty sentence is its end."""
        if self._talk:
            self._talk.synthesised(work, sentence, pcm)

    def wants(self, work: int) -> bool:
        """Whether speech for `work` is still to be said."""
        return self._talk is not None and not self.closed and self._talk.wants(work)

    def deadline(self) -> float | None:
        if self.closed:
            return None
        mine, talks = self._lifetime.deadline(), self._talk.deadline() if self._talk else None
        return min((time for time in (mine, talks) if time is not None), default=None)

    def tick(self, now: float) -> Orders:
        if self.closed:
            return ()
        match self._lifetime.tick(now):
            case End.NOW:
                return self._close(1008, ABORTED)
            case GoingAway() as away:
                return (Told("go-away", {"time_left_s": away.time_left_s}), Send((away,)))
            case None:
                return self._talk.tick(now) if self._talk else ()

    def end(self) -> None:
        if self._talk:
            self._house.resumption.end(self.name)

    def _setup(self, message: Setup, now: float) -> Orders:
        if self._talk is not None:
            raise LiveProtocolError(_FIRST)
        wishes = accept(message.setup, *self._place)
        saved = self._house.resumption.begin(wishes.handle, wishes.model, now)
        self._talk = Talk(self._house, wishes, saved, self._lifetime)
        facts: dict[str, Value] = {"model": wishes.model, "voice": wishes.voice, "resumed": bool(wishes.handle)}
        facts["vad"] = "client" if wishes.detection.manual else "server"
        facts["instructions"] = instructions(message.setup)
        return (Told("setup", {"name": saved.session, "turns": saved.turns, **facts}), Send((Ready(saved.session),)))

    def _close(self, code: int, reason: str) -> Orders:
        if self.closed:
            return ()
        self.closed = True
        return (Told("closing", {"code": code, "reason": reason}), Close(code, reason))
