"""What the stand-in tells, sorted by call."""

from __future__ import annotations

from gateway.live import cues
from gateway.rehearsal.failure.journal import Journal

AVA = "Count. The caller is +14155560001."


def setup(connection: int, session: str, at: float, **more: object) -> dict[str, object]:
    told = {"event": "setup", "connection": connection, "t": at, "name": session, "turns": 0, "resumed": False}
    return {**told, "instructions": AVA, **more}


def closed(connection: int, at: float) -> dict[str, object]:
    return {"event": "closed", "connection": connection, "t": at}


def journal(*events: dict[str, object]) -> Journal:
    found = Journal("250 251")
    for event in events:
        found.take(event)
    return found


def test_a_call_moves_from_one_connection_to_the_next() -> None:
    told = journal(setup(1, "s1", 10.0), closed(1, 12.0), setup(2, "s1", 12.5, resumed=True, turns=3))
    first, second = told.of("+14155560001")
    assert (first.opened, first.closed, first.resumed, first.turns) == (10.0, 12.0, False, 0)
    assert (second.opened, second.closed, second.resumed, second.turns) == (12.5, None, True, 3)
    assert told.open == 1


def test_greetings_and_what_was_understood() -> None:
    said = [
        {"event": "cue", "connection": 1, "t": 10.1, "text": "250 251", "by": "text"},
        {"event": "heard", "connection": 1, "t": 11.0, "text": "0 1 2 3", "by": "speech"},
        {"event": "heard", "connection": 1, "t": 12.0, "text": "(speech, 0.4 s)", "by": "speech"},
        {"event": "heard", "connection": 1, "t": 13.0, "text": "This is not the caller: 9", "by": "text"},
        {"event": "cue", "connection": 1, "t": 14.0, "text": "6 7", "by": "go-on"},
    ]
    (only,) = journal(setup(1, "s1", 10.0), *said).of("+14155560001")
    assert (only.greeted, only.heard) == (1, [0, 1, 2, 3])


def test_a_fresh_session_that_was_told_what_had_been_said() -> None:
    told = journal(setup(1, "s1", 1.0), setup(2, "s2", 2.0, instructions=f"{AVA}\n\n{cues.seed('Agent: 0 1')}"))
    assert [one.seeded for one in told.of("+14155560001")] == [False, True]


def test_others_are_told_apart() -> None:
    told = journal(
        setup(1, "s1", 1.0),
        setup(2, "s2", 1.0, instructions="Count. The caller is +14155560002."),
        setup(3, "s3", 1.0, instructions="Nobody."),
        {"event": "listening", "t": 0.0},
        closed(9, 2.0),
    )
    assert [one.session for one in told.of("+14155560002")] == ["s2"]
    assert (told.strangers, told.of("+1")) == (1, [])
