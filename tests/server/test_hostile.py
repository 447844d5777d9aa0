"""What goes wrong with the Live API, played over real sockets: each call goes on, or ends with the fallback in time,
and the call beside it notices nothing. `hostile_rows` has the table, `hostile_table` plays it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.rehearsal.standin.hostile import HOSTILE
from tests.server.hostile_rows import FIELD, ROWS, Row
from tests.server.hostile_table import Everything
from tests.server.hostile_world import Played

Rows = Mapping[str, Played]


EXCHANGE_S = 12.0  # until a call that can't go on must have ended
WELL_S = 4.0  # for an answer to the call that must not notice


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_call_ends_well(row: Row, row_of: Rows) -> None:
    call = row_of[row.name]
    on = call.bad.next == "hangup" and len(call.bad.rounds) == len(row.does) and call.bad.rounds[-1] is not None
    fallback = call.bad.next == "fallback" and (call.bad.ended_after_s or EXCHANGE_S) < EXCHANGE_S
    assert {"on": on, "fallback": fallback, "either": on or fallback}[row.then], call.bad
    assert call.knocks <= row.knocks


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_call_beside_it_notices_nothing(row: Row, row_of: Rows) -> None:
    good = row_of[row.name].good
    assert (good.greeted, good.next) == (True, "hangup")
    assert [answer is not None and answer < WELL_S for answer in good.rounds] == [True] * len(row.does)


def test_the_stand_in_plays_every_trouble_to_its_end(hostile: Everything) -> None:
    """One that breaks in the middle of its part looks like a connection that does."""
    assert hostile.broken == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_session_is_asked_for_as_its_row_says(row: Row, row_of: Rows) -> None:
    call = row_of[row.name]
    asked = {
        ("session-opened", "backend"): row.backend,
        ("setup", "model"): f"gemini-{row.model}",
        ("setup", "vad"): "server" if row.vad == "model" else "client",
    }
    for (event, field), value in asked.items():
        told = set(call.told(event, field))
        assert told == {value} or (not told and row.then == "fallback")  # a session may be refused at the door


def test_nothing_of_it_is_a_bug_of_ours(hostile: Everything) -> None:
    assert [note for note in hostile.notes if note["message"].startswith("bug")] == []


def test_nothing_that_we_send_is_refused(row_of: Rows) -> None:
    """Whatever the model takes of texts and history (14): the stand-in refuses what the real one does. A call without
    id and name has no right answer."""
    refused = {name for name, row in row_of.items() if row.told("closing", "code")}
    assert refused - {"tool-nameless@1"} == set()


def test_every_trouble_is_played_and_every_problem_of_the_field_has_one() -> None:
    assert {name for names in FIELD.values() for name in names.split()} <= set(HOSTILE)
    assert {part.split("@")[0].split("#")[0] for row in ROWS for part in row.play.split()} == set(HOSTILE)


def test_no_row_hides_another() -> None:
    """They are known by their names."""
    assert len({row.name for row in ROWS}) == len(ROWS)
