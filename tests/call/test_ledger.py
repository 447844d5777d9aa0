"""The ledger: the call's clock, its notes, its sum."""

from __future__ import annotations

from gateway.call.facts import Note
from gateway.call.ledger import Ledger
from gateway.call.transcript import Line, Spoken
from gateway.live.messages import Usage


def test_notes_carry_the_calls_own_clock() -> None:
    assert Ledger("gemini-3.8-live", 100.0).note("digit", 100.25, private={"digit": "5"}) == Note(
        "digit", 250, {}, {"digit": "5"}
    )


def test_no_turn_is_no_note() -> None:
    assert Ledger("gemini-3.8-live", 0.0).turn(None, 1.0) == []


def test_what_came_since_the_handle_is_kept_until_the_next_one() -> None:
    ledger = Ledger("gemini-3.8-live", 0.0)
    ledger.turn(Spoken("caller", "Hello", 0, 400, 400, new="Hello"), 0.5)
    ledger.settle()
    ledger.turn(Spoken("agent", "Good day. And you?", 0, 400, 400, new="And you?"), 0.5)
    ledger.turn(Spoken("agent", "Known.", 0, 400, 400), 0.5)
    assert ledger.missed == (Line("agent", "And you?"),)
    later = Ledger("gemini-3.8-live", 0.0)
    later.goes_on(ledger.kept(1.0), ledger.missed)
    assert later.missed == ledger.missed
    assert later.history == "caller: Hello\nagent: Good day. And you?\nagent: Known."


SUMMED = (
    *("ended", "duration_ms", "turns", "barge_ins", "silences", "reconnects"),
    *("response_ms", "unknown_messages", "prompt_tokens", "response_tokens", "stalls"),
)


def test_it_adds_up() -> None:
    ledger = Ledger("gemini-3.8-live", 0.0)
    ledger.turn(Spoken("caller", "Hello", 0, 400, 400, new="Hello"), 0.5)
    ledger.barge_in(120, 1.0)
    assert [ledger.unseen(keys) for keys in (("mood",), ("mood",), ("mood", "hue"))] == [["mood"], [], ["hue"]]
    assert [ledger.stalled(gap_ms, 1.0).fields for gap_ms in (300, 150)] == [{"gap_ms": 300}, {"gap_ms": 150}]
    for response in (400, 800, 500):
        ledger.answered(response)
    ledger.used(Usage(prompt=10, response=5), 1.0)
    ledger.used(Usage(prompt=30, response=7), 1.5)
    fields = ledger.ended("idle", 2.0).fields
    assert fields["cost_usd"] is not None
    assert fields["turns_billed"] == 2
    assert {key: fields[key] for key in SUMMED} == {
        "ended": "idle",
        "duration_ms": 2000,
        "turns": 1,
        "barge_ins": 1,
        "silences": 0,
        "reconnects": {},
        "response_ms": {"p50": 500, "max": 800},
        "unknown_messages": 3,
        "prompt_tokens": 40,
        "response_tokens": 12,
        "stalls": {"count": 2, "ms": 450},
    }


def test_without_an_answer_there_is_no_response_time() -> None:
    assert Ledger("gemini-3.8-live", 0.0).ended("caller-hung-up", 1.0).fields["response_ms"] is None


def test_counts_below_zero_and_messages_told_twice_add_nothing() -> None:
    ledger = Ledger("gemini-3.8-live", 0.0)
    for usage in (Usage(100, 10), Usage(100, 10), Usage(-500, -70, 1), Usage(120, -1)):
        ledger.used(usage, 1.0)
    fields = ledger.ended("agent-hung-up", 2.0).fields
    assert (fields["prompt_tokens"], fields["response_tokens"]) == (220, 10)
