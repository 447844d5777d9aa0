"""Twilio's side of a stream, message by message, against literal JSON as on Twilio's page."""

import json
from typing import Any

from gateway.rehearsal.line import Complaint, Line
from gateway.twilio import media

AUDIO = "/////w=="  # four bytes of mu-law silence


def a_line() -> Line:
    return Line(media.Started("MZ1", "CA1", "AC1", {"token": "t"}))


def objects(texts: list[str]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in texts]


def order(**fields: object) -> str:
    return json.dumps(fields)


def test_a_stream_is_numbered_through_from_start_to_stop() -> None:
    line = a_line()
    texts = [*line.opening(), line.audio(b"\xff" * 4, 155.7), line.digit("5"), line.audio(b"\xff" * 4, 175.2)]
    assert objects([*texts, line.stop()]) == [
        {"event": "connected", "protocol": "Call", "version": "1.0.0"},
        {
            "event": "start",
            "sequenceNumber": "1",
            "start": {
                "accountSid": "AC1",
                "streamSid": "MZ1",
                "callSid": "CA1",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": {"token": "t"},
            },
            "streamSid": "MZ1",
        },
        {
            "event": "media",
            "sequenceNumber": "2",
            "media": {"track": "inbound", "chunk": "1", "timestamp": "155", "payload": AUDIO},
            "streamSid": "MZ1",
        },
        {
            "event": "dtmf",
            "streamSid": "MZ1",
            "sequenceNumber": "3",
            "dtmf": {"track": "inbound_track", "digit": "5"},
        },
        {
            "event": "media",
            "sequenceNumber": "4",
            "media": {"track": "inbound", "chunk": "2", "timestamp": "175", "payload": AUDIO},
            "streamSid": "MZ1",
        },
        {"event": "stop", "sequenceNumber": "5", "stop": {"accountSid": "AC1", "callSid": "CA1"}, "streamSid": "MZ1"},
    ]


def test_marks_come_back_numbered_when_played_and_after_clear() -> None:
    line = a_line()
    line.opening()
    assert line.receive(order(event="media", streamSid="MZ1", media={"payload": AUDIO}), 0) == []
    assert line.receive(order(event="mark", streamSid="MZ1", mark={"name": "r1"}), 0) == []
    assert objects(line.advance(20)) == [
        {"event": "mark", "sequenceNumber": "2", "streamSid": "MZ1", "mark": {"name": "r1"}}
    ]
    line.receive(order(event="media", streamSid="MZ1", media={"payload": AUDIO}), 30)
    line.receive(order(event="mark", streamSid="MZ1", mark={"name": "r2"}), 30)
    assert objects(line.receive(order(event="clear", streamSid="MZ1"), 30)) == [
        {"event": "mark", "sequenceNumber": "3", "streamSid": "MZ1", "mark": {"name": "r2"}}
    ]
    assert [cut.marks for cut in line.cuts] == [("r2",)]
    assert line.complaints == []


def test_what_twilio_would_refuse_is_a_complaint_once_and_changes_nothing() -> None:
    line = a_line()
    for wrong in (
        order(event="media", streamSid="MZ1", media={"payload": AUDIO, "track": "outbound"}),
        order(event="hangup", streamSid="MZ1"),
        order(event="mark", streamSid="MZ2", mark={"name": "r"}),
        "not JSON",
        b"\x00\x01",
    ):
        assert line.receive(wrong, 7) == []
    assert line.complaints == [Complaint(31951, "media.track is not a field that Twilio takes", 7)]
    assert line.refused == 5
    assert line.playout.queued_ms == 0


def test_a_binary_frame_is_refused() -> None:
    line = a_line()
    line.receive(b"{}", 0)
    assert line.complaints == [Complaint(31951, "a binary frame; Media Streams messages are JSON text", 0)]


def test_a_broken_websocket_is_31924() -> None:
    line = a_line()
    line.violated("invalid opcode", 12)
    assert line.complaints == [Complaint(31924, "invalid opcode", 12)]
