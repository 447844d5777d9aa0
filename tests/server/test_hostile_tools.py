"""Hostile mode, tools: each wish is carried out once and answered once, and nothing disturbs a call that waits."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.server.hostile_caller import MEDDLES_S
from tests.server.hostile_rows import NEVER_S, ROWS, Row
from tests.server.hostile_world import Played

Rows = Mapping[str, Played]


ANSWERED = {"tool-twice": ["d-1"], "tool-again": ["d-1", "d-2"], "tool-swept": [f"s-{n}" for n in range(5)]}


@pytest.mark.parametrize("name", ANSWERED)
def test_every_tool_call_is_answered_once(name: str, row_of: Rows) -> None:
    answers = row_of[name].told("tool-response", "id")
    assert sorted(answers) == ANSWERED[name]


def test_a_caller_need_not_speak_again_after_one_moment(row_of: Rows) -> None:
    assert None not in row_of["mute-after-word"].bad.rounds


@pytest.mark.parametrize(
    ("name", "uses"),
    [
        ("tool-twice", ["Monday"]),
        ("tool-again", ["Monday"]),
        ("tool-swept", [f"{n} May" for n in range(5)]),
        ("not-implemented@1", ["Monday"]),
    ],
)
def test_a_tool_is_used_once(name: str, uses: list[str], row_of: Rows) -> None:
    assert sorted(row_of[name].uses.days) == uses


# A caller who talks while a tool runs (3)

MEDDLED = [row for row in ROWS if "meddles" in row.does]
BREAKS = [row for row in MEDDLED if row.play]  # sound meanwhile breaks the connection, else it takes the call back


def by_name(row: Row) -> str:
    return row.name


@pytest.mark.parametrize("row", MEDDLED, ids=by_name)
def test_while_a_tool_runs_nothing_is_said_to_the_model(row: Row, row_of: Rows) -> None:
    """A text takes the call back, and so would history."""
    assert set(row_of[row.name].told("meanwhile", "kind")) <= {"sound"}


@pytest.mark.parametrize("row", BREAKS, ids=by_name)
def test_once_sound_has_broken_a_connection_none_goes_up_while_a_tool_runs(row: Row, row_of: Rows) -> None:
    played = row_of[row.name]
    assert [(gone["code"], gone["kind"]) for gone in played.noted("model-gone")] == [(1008, "tools")]
    assert played.told("meanwhile", "connection") == [1]
    assert 2 in played.told("tool-call", "connection")


def heard(played: Played) -> tuple[int, int]:
    """How often the caller was heard on the second connection, before the first result and after it."""
    events = [event["event"] for event in played.events if event.get("connection") == 2]
    answered = events.index("tool-response")
    return events[:answered].count("heard"), events[answered:].count("heard")


@pytest.mark.parametrize("row", BREAKS, ids=by_name)
def test_of_what_the_caller_said_meanwhile_nothing_is_lost(row: Row, row_of: Rows) -> None:
    """Their first words, what they said while the tool ran, and their last turn: each is heard by the new connection,
    once."""
    assert sum(heard(row_of[row.name])) == 1 + len(MEDDLES_S) + 1


def test_what_was_kept_goes_up_after_the_result(row_of: Rows) -> None:
    """What broke the connection is sent again at once, what came later waits. On a machine that halts all may come
    before the connection: not in every row."""
    assert (len(MEDDLES_S), 2) in [heard(row_of[row.name]) for row in BREAKS]


@pytest.mark.parametrize("row", [row for row in MEDDLED if not row.play], ids=by_name)
def test_a_call_that_the_caller_talks_into_is_taken_back_and_made_again(row: Row, row_of: Rows) -> None:
    """It is honoured: what is taken back gets no answer, and what is asked again the one result."""
    played = row_of[row.name]
    taken_back = played.told("tool-cancelled", "id")
    assert taken_back
    assert played.noted("model-gone") == []
    assert all(played.told("tool-response", "known"))
    assert set(played.told("tool-response", "id")) == set(played.told("tool-call", "id")) - set(taken_back)


@pytest.mark.parametrize("row", MEDDLED, ids=by_name)
def test_the_tool_is_used_once_however_often_it_is_asked_for(row: Row, row_of: Rows) -> None:
    """One that failed may be tried again, when the model knows that it did."""
    uses = row_of[row.name].uses
    assert (set(uses.days), uses.at_once) == ({"Monday"}, 1)
    assert len(uses.days) == 1 or row.tool_s == NEVER_S
