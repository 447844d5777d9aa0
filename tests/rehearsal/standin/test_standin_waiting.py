"""A tool call that waits: what is told of what its client sends meanwhile, and how it ends."""

from __future__ import annotations

import pytest

from gateway.live.messages import (
    ClientMessage,
    FunctionCall,
    FunctionResult,
    SendActivityEnd,
    SendActivityStart,
    SendAudio,
    SendAudioStreamEnd,
    SendContent,
    SendText,
    SendToolResults,
    ToolCall,
    ToolCallCancelled,
)
from gateway.rehearsal.standin.asked import Asked, Pending
from gateway.rehearsal.standin.orders import Send, Told
from gateway.rehearsal.standin.script import Reply
from gateway.rehearsal.standin.waiting import ON_ITS_WAY_S, Waiting

CALL = FunctionCall("1", "book", {})
PENDING = Pending("1", Reply("book it", "Booked."), Asked("book it"))
SOUND = SendAudio(b"\0\0")
LATER = ON_ITS_WAY_S


def waiting() -> Waiting:
    found = Waiting()
    asked = (Told("tool-call", {"id": "1", "name": "book"}), Send((ToolCall((CALL,)),)))
    assert found.begin(CALL, PENDING, 0.0) == asked
    return found


def result(id: str = "1", *, goes_on: bool = False) -> FunctionResult:
    return FunctionResult(id, "book", {}, will_continue=goes_on)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (SOUND, "sound"),
        (SendActivityStart(), "sound"),
        (SendText("Hello?"), "text"),
        (SendContent((), complete=False), "content"),
    ],
)
def test_what_comes_meanwhile_is_told_once_a_kind(message: ClientMessage, kind: str) -> None:
    call = waiting()
    assert call.meanwhile(message, LATER) == (Told("meanwhile", {"id": "1", "kind": kind}),)
    assert call.meanwhile(message, LATER) == ()
    call.begin(CALL, PENDING, 9.0)
    assert call.meanwhile(message, 9.0 + LATER) != ()


@pytest.mark.parametrize("message", [SendActivityEnd(), SendAudioStreamEnd(), SendToolResults((result(),))])
def test_the_end_of_sound_and_results_are_not(message: ClientMessage) -> None:
    assert waiting().meanwhile(message, LATER) == ()


def test_nor_is_what_was_on_its_way_or_came_where_no_call_waits() -> None:
    assert waiting().meanwhile(SOUND, LATER - 0.01) == ()
    assert Waiting().meanwhile(SOUND, LATER) == ()


def test_a_result_ends_it_if_it_is_its_own_and_the_last() -> None:
    call = waiting()
    assert call.answered(result("2")) == (Told("tool-response", {"id": "2", "name": "book", "known": False}), None)
    known = Told("tool-response", {"id": "1", "name": "book", "known": True})
    assert call.answered(result(goes_on=True)) == (known, None)
    assert bool(call)
    assert call.answered(result()) == (known, PENDING)
    assert not call
    assert call.answered(result())[1] is None


def test_it_is_taken_back_once() -> None:
    call = waiting()
    assert call.cancel() == (Told("tool-cancelled", {"id": "1"}), Send((ToolCallCancelled(("1",)),)))
    assert (bool(call), call.cancel(), call.meanwhile(SOUND, LATER)) == (False, (), ())
