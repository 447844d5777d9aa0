"""Hostile mode, sessions that break, move or forget: what the next connection is told, and the call with it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.server.hostile_rows import ON_VERTEX
from tests.server.hostile_table import Everything
from tests.server.hostile_world import Played

Rows = Mapping[str, Played]


def test_nothing_is_heard_of_a_connection_after_its_close(row_of: Rows) -> None:
    row = row_of["after-close@1#5"]
    assert [gone["code"] for gone in row.noted("model-gone")] == [1011]
    assert not any("not here any more" in turn["private"]["text"] for turn in row.noted("turn"))


def test_history_that_was_refused_is_not_sent_again(row_of: Rows) -> None:
    row = row_of["cut@1#5 history-refused@2+"]
    assert row.told("content", "turns") == [2]
    assert row.knocks == 3


def test_a_session_that_took_its_handle_and_forgot_is_noticed(row_of: Rows, hostile: Everything) -> None:
    forgot = {note["call_sid"] for note in hostile.notes if note["message"] == "session-forgot"}
    row = row_of["cut@1#11 forgets@2"]
    assert forgot == {row.sid}
    assert row.knocks == 3  # left for a fresh session


def test_nobody_waits_for_a_pong(row_of: Rows) -> None:
    assert row_of["no-pong"].noted("model-gone") == []


AFTER_A_LOSS = (
    "going-away@1#2", "cut@1#5", "cut@1#5 handle-refused@2", "cut@1#5 in-use@2", "cut@1#5 greets-again@2",
    *(f"{play} {kind}" for play in ("going-away@1#5", "cut@1#5", "cut@1#5 handle-refused@2")
      for kind in ("gateway-vad", ON_VERTEX)),
)  # fmt: skip


@pytest.mark.parametrize("name", [*AFTER_A_LOSS, "never-resumable@1", "short-life", "closed@1#5", "internal-error@1#5"])
def test_nobody_is_asked_to_greet_twice(name: str, row_of: Rows) -> None:
    assert [text[:5] for text in row_of[name].told("cue", "text") if text.startswith("hello")] == ["hello"]


@pytest.mark.parametrize("name", ["cut@1#5", "cut@1#5 greets-again@2", "internal-error@1#5"])
def test_history_asks_for_no_answer(name: str, row_of: Rows) -> None:
    assert row_of[name].told("content", "complete") == [False]


@pytest.mark.parametrize("name", [
    "going-away@1#2", "going-away@1#5", "going-away@1#5 gateway-vad", f"going-away@1#5 {ON_VERTEX}",
])  # fmt: skip
def test_a_move_after_goaway_loses_and_doubles_nothing(name: str, row_of: Rows) -> None:
    row = row_of[name]
    assert row.told("setup", "resumed") == [False, True]
    spoken = [event["text"] for event in row.events if event["event"] == "heard" and event["by"] == "speech"]
    assert spoken == ["ten of clubs"] * 2
    (back,) = row.noted("model-back")
    assert (back["how"], back["why"]) == ("resumed", "going-away")
    ends = [(event["event"], event["connection"]) for event in row.events if event["event"] in ("closed", "setup")]
    assert ends.index(("closed", 1)) < ends.index(("setup", 2))  # one connection a session at a time


@pytest.mark.parametrize(
    ("name", "by_handle"),
    [
        ("cut@1#5", [False, True]),
        ("cut@1#5 in-use@2", [False, True, True]),
        ("cut@1#5 handle-refused@2", [False, True, False]),
        ("cut@1#5 handle-refused@2 3.1-flash-live-preview", [False, True, False]),
        ("cut@1#5 gateway-vad", [False, True]),
        ("cut@1#5 handle-refused@2 gateway-vad", [False, True, False]),
        (f"cut@1#5 {ON_VERTEX}", [False, True]),
        (f"cut@1#5 handle-refused@2 {ON_VERTEX}", [False, True, False]),
        ("never-resumable@1", [False, False]),
    ],
)
def test_a_session_is_had_by_its_handle_or_is_told_the_call(name: str, by_handle: list[bool], row_of: Rows) -> None:
    row = row_of[name]
    assert row.told("setup", "resumed") == by_handle
    if not by_handle[-1]:
        told = row.told("setup", "instructions")[-1]
        assert "agent: hello hello" in told
        assert "caller: ten of clubs" in told
