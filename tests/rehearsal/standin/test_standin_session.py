"""One connection without its socket: the setup, the refusals, the end."""

from __future__ import annotations

from gateway.live.messages import (
    ClientMessage,
    GenerationComplete,
    GoingAway,
    LiveProtocolError,
    Ready,
    SendActivityStart,
    SendText,
    Setup,
)
from gateway.rehearsal.standin.orders import Close, Order, Send, Synthesise, Told, Value
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import Script
from gateway.rehearsal.standin.session import ABORTED, Session
from gateway.rehearsal.standin.talk import House
from gateway.rehearsal.standin.turns import Ended

MODEL = "gemini-3.8-live"
SETUP = Setup({"model": f"models/{MODEL}", "sessionResumption": {}})
FIRST = "setup must be the first message and only the first"
SPEECH = Ended(0.0, 400.0, b"", 16_000)


def session(connection_s: float | None = None, house: House | None = None) -> Session:
    return Session(house or House(Script((), ("Yes.",)), Resumption(), connection_s), "developer", "v1beta", 100.0)


def opened(connection_s: float | None = None) -> Session:
    found = session(connection_s)
    assert found.handle(SETUP, 100.0)[-1] == Send((Ready("session-1"),))
    return found


def closing(code: int, reason: str) -> tuple[Order, ...]:
    return Told("closing", {"code": code, "reason": reason}), Close(code, reason)


def test_the_setup() -> None:
    call = session()
    assert (call.name, call.deadline(), call.tick(101.0)) == ("", None, ())
    facts: dict[str, Value] = {"name": "session-1", "turns": 0, "model": MODEL, "voice": "", "resumed": False}
    facts |= {"vad": "server", "instructions": ""}
    assert call.handle(SETUP, 100.0) == (Told("setup", facts), Send((Ready("session-1"),)))
    assert (call.name, call.closed) == ("session-1", False)


def test_results_before_the_setup_are_nothing() -> None:
    call = session()
    call.synthesised(1, "x", b"")
    assert (call.recognised(SPEECH, "x", 100.0), call.wants(1)) == ((), False)
    call.end()


def refused(call: Session, message: ClientMessage) -> str:
    told, close = call.handle(message, 101.0)
    assert isinstance(close, Close)
    assert isinstance(told, Told)
    assert (call.closed, close.code, told.fields["reason"]) == (True, 1007, close.reason)
    return close.reason


def test_refusals() -> None:
    assert refused(session(), SendText("hi")) == FIRST
    assert refused(opened(), SETUP) == FIRST
    assert refused(opened(), SendActivityStart()).startswith("Explicit activity control")
    assert session().refuse(LiveProtocolError("no", 1011)) == closing(1011, "no")


def test_after_a_close_nothing_follows() -> None:
    call = opened(60.0)
    call.handle(SendText("hello"), 101.0)
    assert call.wants(1)
    call.refuse(LiveProtocolError("no"))
    assert (call.deadline(), call.wants(1)) == (None, False)
    assert call.handle(SendText("hi"), 500.0) == ()
    assert call.recognised(SPEECH, "x", 500.0) == ()
    assert call.refuse(LiveProtocolError("no")) == ()
    assert call.tick(500.0) == ()


def test_go_away_comes_before_the_end() -> None:
    call = opened(60.0)
    assert (call.deadline(), call.tick(129.0)) == (130.0, ())
    assert call.tick(130.0) == (Told("go-away", {"time_left_s": 30.0}), Send((GoingAway(30.0),)))
    assert (call.deadline(), call.tick(160.0)) == (160.0, closing(1008, ABORTED))


def test_a_connection_without_setup_ends_too() -> None:
    call = session(10.0)
    assert call.tick(105.0)[-1] == Send((GoingAway(5.0),))
    assert call.tick(110.0) == closing(1008, ABORTED)


def test_the_earlier_deadline_counts() -> None:
    call = opened(60.0)
    assert call.handle(SendText("hello"), 101.0)[-1] == Synthesise(1, "Yes.", "", "")
    assert call.deadline() == 130.0
    call.synthesised(1, "", b"")
    assert call.deadline() == 101.0
    assert call.tick(101.0) == (Told("generation-complete"), Send((GenerationComplete(),)))


def test_words_are_answered() -> None:
    assert opened().recognised(SPEECH, "hello", 101.0)[-1] == Synthesise(1, "Yes.", "", "")


def test_a_session_is_resumed_once_its_connection_has_ended() -> None:
    house = House(Script((), ("Yes.",)), Resumption())
    first = session(house=house)
    first.handle(SETUP, 100.0)
    first.handle(SendText("hello"), 100.0)
    first.synthesised(1, "", b"")
    first.tick(100.0)
    first.tick(100.0)
    again = Setup({**SETUP.setup, "sessionResumption": {"handle": "session-1.2"}})
    in_use = "The session is already in use by another connection."
    assert session(house=house).handle(again, 101.0) == closing(1011, in_use)
    first.end()
    second = session(house=house)
    facts: dict[str, Value] = {"name": "session-1", "turns": 1, "model": MODEL, "voice": "", "resumed": True}
    facts |= {"vad": "server", "instructions": ""}
    assert second.handle(again, 101.0) == (Told("setup", facts), Send((Ready("session-1"),)))
