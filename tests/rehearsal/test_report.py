"""The figures of a call, from a constructed time line."""

from dataclasses import replace

import pytest

from gateway.rehearsal.line import Complaint
from gateway.rehearsal.phone import Ending, Record
from gateway.rehearsal.playout import Cut
from gateway.rehearsal.report import (
    Bill,
    Evidence,
    Files,
    Loss,
    Model,
    Setting,
    Turn,
    as_object,
    as_transcript,
    bill_of,
    clear_ms,
    clock,
    loss_of,
    report_of,
    turn_of,
)
from gateway.rehearsal.scene import AgentBegan, AgentEnded, AgentSilenced, CallerBegan, CallerEnded, Event, HungUp

SETTING = Setting("dental-clinic", "front-desk", "+14155550100", "ava")
FILES = Files("out/call.wav", "out/transcript.txt", "out/summary.json")
EVENTS: list[Event] = [
    AgentBegan(500.0, None),
    AgentEnded(3000.0),
    CallerBegan(3800.0, 0, False),
    CallerEnded(6000.0, 0),
    AgentBegan(6812.4, 812.4),
    CallerBegan(8000.0, 1, True),
    AgentSilenced(8310.6, 310.6),
    CallerEnded(10_000.0, 1),
    AgentBegan(10_700.0, 700.0),
    AgentEnded(12_000.0),
    CallerBegan(12_800.0, 2, False),
    CallerEnded(13_000.0, 2),
    AgentBegan(14_000.0, 1000.0),
    AgentEnded(15_000.0),
    HungUp(15_700.0),
]
TURNS = [
    Turn("caller", "ten of clubs", 3810, 6010, 2200),
    Turn("agent", "Good day.", 500, 3000, 2500),
    Turn("agent", "Thank you, I", 6810, 8300, 1490, interrupted=True),
]


def record(ending: Ending | None = None, complaints: tuple[Complaint, ...] = ()) -> Record:
    cuts = (Cut(8290.0, 400.0, ()), Cut(13_900.0, 0.0, ()))
    return Record("CA1", ending or Ending("caller"), 1000.0, b"\xff" * 8 * 15_700, b"\xff" * 8, cuts, complaints)


def evidence(**changes: object) -> Evidence:
    fields: dict[str, object] = {"interrupted_at": [1008.286], "ended_note": "caller-hung-up"}
    return Evidence(SETTING, record(), EVENTS, TURNS, **(fields | changes))  # type: ignore[arg-type]


def test_the_object_holds_what_was_promised() -> None:
    assert as_object(report_of(evidence()), FILES) == {
        "rehearsal": "Rehearsal: scripted, not a model",
        "ended": "caller-hung-up",
        "ended_detail": "the caller hung up",
        "turns": [
            {"speaker": "agent", "text": "Good day.", "start_ms": 500, "end_ms": 3000, "heard_ms": 2500},
            {"speaker": "caller", "text": "ten of clubs", "start_ms": 3810, "end_ms": 6010, "heard_ms": 2200},
            {"speaker": "agent", "text": "Thank you, I", "start_ms": 6810, "end_ms": 8300, "heard_ms": 1490},
        ],
        "response_ms": {"p50": 812, "max": 1000},
        "barge_in_ms": 311,
        "clear_ms": 4,
        "recording": "out/call.wav",
        "transcript": "out/transcript.txt",
        "summary": "out/summary.json",
        "duration_ms": 15_700,
        "call_sid": "CA1",
        "line": {"flow": "dental-clinic", "label": "front-desk", "number": "+14155550100", "persona": "ava"},
        "twilio_errors": [],
    }


def test_the_transcript_says_first_that_this_is_a_rehearsal() -> None:
    assert as_transcript(report_of(evidence())) == (
        "Rehearsal: scripted, not a model\n"
        "dental-clinic, line front-desk (+14155550100), persona ava\n"
        "\n"
        "00:00.5  agent   Good day.\n"
        "00:03.8  caller  ten of clubs\n"
        "00:06.8  agent   Thank you, I -- (interrupted)\n"
        "00:15.7  the caller hung up\n"
    )


def test_without_interruption_and_answers_there_is_nothing_to_measure() -> None:
    report = report_of(Evidence(SETTING, record(), EVENTS[:3], []))
    assert (report.response_p50, report.response_max, report.barge_in_ms, report.clear_ms) == (None,) * 4
    assert report.turns == ()


def test_clear_is_timed_from_the_interruption_that_it_followed() -> None:
    call = record()
    assert clear_ms(call, [1008.286]) == 4
    assert clear_ms(call, [1013.0, 1008.0]) == 290
    assert clear_ms(call, [1020.0]) is None
    assert clear_ms(call, []) is None
    never = Record("CA1", Ending("refused"), None, b"", b"", (), ())
    assert clear_ms(never, [1.0]) is None


@pytest.mark.parametrize(
    ("ending", "note", "ended", "well"),
    [
        (Ending("caller"), "", "caller-hung-up", True),
        (Ending("gateway", 1000), "idle", "idle", True),
        (Ending("gateway", 1011, "bug"), "", "gateway-closed-1011", False),
        (Ending("lost", 1006), "", "connection-lost", False),
        (Ending("protocol", 1002), "", "protocol-error", False),
        (Ending("refused", 403), "", "refused", False),
    ],
)
def test_why_it_ended(ending: Ending, note: str, ended: str, well: bool) -> None:
    report = report_of(Evidence(SETTING, record(ending), EVENTS, TURNS, (), note))
    assert (report.ended, report.well) == (ended, well)


def test_what_twilio_would_complain_of_is_told() -> None:
    report = report_of(Evidence(SETTING, record(complaints=(Complaint(31951, "mark.name is missing", 70.4),)), [], []))
    assert as_object(report, FILES)["twilio_errors"] == [
        {"code": 31951, "message": "mark.name is missing", "at_ms": 70}
    ]


def test_a_turn_is_read_from_the_gateways_note() -> None:
    note = {
        "message": "turn",
        "speaker": "agent",
        "start_ms": 1,
        "end_ms": 2,
        "heard_ms": 3,
        "response_ms": None,
        "interrupted": True,
        "private": {"text": "hello"},
    }
    assert turn_of(note) == Turn("agent", "hello", 1, 2, 3, interrupted=True)


def test_a_call_with_a_model_is_no_rehearsal_and_tells_what_it_cost() -> None:
    model = Model("gemini-3.8-live", "Vertex AI", "localhost:1")
    bill = Bill(0.0123, "2026-09", {"prompt/AUDIO": 200, "response/AUDIO": 100})
    report = report_of(evidence(model=model, bill=bill, losses=[Loss("gone", 1006, "private", 4000)]))
    told = as_object(report, FILES)
    assert "rehearsal" not in told
    assert told["model"] == {"name": "gemini-3.8-live", "backend": "Vertex AI", "at": "localhost:1"}
    assert (told["cost_usd"], told["prices_of"], told["tokens"]) == (0.0123, "2026-09", bill.tokens)
    assert told["model_gone"] == [{"kind": "gone", "code": 1006, "at_ms": 4000}]
    assert report.well
    assert as_transcript(report).startswith("gemini-3.8-live, Vertex AI at localhost:1\ndental-clinic, ")


def test_a_call_that_no_model_ever_spoke_in_did_not_go_well() -> None:
    heard_nothing = replace(evidence(), turns=TURNS[:1], losses=[Loss("transient", 0, "", 4000)])
    assert not report_of(heard_nothing).well
    assert report_of(replace(evidence(), turns=TURNS[:1])).well


def test_losses_and_the_bill_are_read_from_the_gateways_notes() -> None:
    note = {"message": "model-gone", "at_ms": 7, "kind": "key", "code": 1007, "private": {"reason": "not valid"}}
    assert loss_of(note) == Loss("key", 1007, "not valid", 7)
    assert loss_of({"message": "model-late", "at_ms": 9}) == Loss("late", 0, "", 9)
    assert bill_of({"cost_usd": 0.5, "prices_of": "2026-09", "tokens": {"a": 1}}) == Bill(0.5, "2026-09", {"a": 1})
    assert bill_of({}) == Bill(None, None, {})


def test_the_clock_counts_minutes_seconds_and_tenths() -> None:
    assert [clock(ms) for ms in (0, 99, 3290, 59_999, 754_321)] == [
        "00:00.0",
        "00:00.0",
        "00:03.2",
        "00:59.9",
        "12:34.3",
    ]
