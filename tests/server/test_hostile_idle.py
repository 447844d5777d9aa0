"""Hostile mode, a caller who says nothing: is asked in a moment when nobody speaks and no tool runs, on every model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.server.hostile_rows import ROWS, Row
from tests.server.hostile_world import Played

Rows = Mapping[str, Played]

IDLE = [row for row in ROWS if row.line == "idle"]
PROMPTS = 2  # until the caller is left
# What begins a time in which the caller must not be asked, and what ends it.
BUSY = {"speech-started": "heard", "speaking": "turn-complete", "tool-call": "tool-response"}
LOST = "closed"  # with the connection everything ends


def by_name(row: Row) -> str:
    return row.name


def untimely(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was going on when the caller was asked, if anything was."""
    on: dict[str, str] = {}
    found: list[str] = []
    for event in events:
        kind = event["event"]
        if kind == LOST:
            on.clear()
        elif is_prompt(event):
            found += on
        on = {began: ends for began, ends in on.items() if ends != kind}
        if kind in BUSY:
            on[kind] = BUSY[kind]
    return found


def is_prompt(event: Mapping[str, Any]) -> bool:
    return (event["event"], event.get("by")) == ("cue", "text") and str(event["text"]).startswith("still")


def test_the_judge_sees_what_goes_on() -> None:
    prompt = {"event": "cue", "by": "text", "text": "still there"}
    for began, ends in BUSY.items():
        assert untimely([{"event": began}, prompt]) == [began]
        assert untimely([{"event": began}, {"event": ends}, prompt]) == []
        assert untimely([{"event": began}, {"event": LOST}, prompt]) == []


@pytest.mark.parametrize("row", [row for row in IDLE if "lost-prompt" not in row.play], ids=by_name)
def test_a_silent_caller_is_asked_and_at_last_left(row: Row, row_of: Rows) -> None:
    """After an answer the count begins anew. A session that breaks before it asks leaves that to the next one."""
    played = row_of[row.name]
    asked = [event for event in played.events if is_prompt(event)]
    (ended,) = played.noted("call-ended")
    prompts = PROMPTS + (1 if "drawls" in row.does else 0)
    assert len(played.noted("idle-prompt")) == prompts
    assert prompts <= len(asked) < prompts + played.knocks
    assert ended["ended"] == "idle"
    assert [note["nth"] for note in played.noted("idle-prompt")][-PROMPTS:] == [1, 2]


def test_a_prompt_that_the_model_keeps_to_itself_is_asked_for_again(row_of: Rows) -> None:
    """Of the same session, then of the next one, which says it: to the caller it was one."""
    played = row_of["lost-prompt@1 idle"]
    assert [event["connection"] for event in played.events if is_prompt(event)] == [1, 1, 2]
    assert [note["step"] for note in played.noted("model-silent")] == [1, 2]
    assert [note["nth"] for note in played.noted("idle-prompt")] == [1]


@pytest.mark.parametrize("row", IDLE, ids=by_name)
def test_the_caller_hears_each_prompt(row: Row, row_of: Rows) -> None:
    played = row_of[row.name]
    heard = [turn["private"]["text"] for turn in played.noted("turn") if turn["private"]["text"].startswith("still")]
    assert len(heard) >= len(played.noted("idle-prompt"))
    assert None not in played.bad.rounds


@pytest.mark.parametrize("row", IDLE, ids=by_name)
def test_nobody_is_asked_while_somebody_speaks_or_a_tool_runs(row: Row, row_of: Rows) -> None:
    assert untimely(row_of[row.name].events) == []


@pytest.mark.parametrize("row", IDLE, ids=by_name)
def test_a_prompt_is_a_text_and_never_history(row: Row, row_of: Rows) -> None:
    """3.1 and 2.5 close on history in mid-call (14). On 3.8 only a session that is taken up again is told some."""
    played = row_of[row.name]
    assert not any(played.told("content", "complete"))
    assert played.told("closing", "code") == []
