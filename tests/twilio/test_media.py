"""Messages both ways: the literal JSON of Twilio's documentation, refusals, and round trips."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.twilio.media import (
    MAX_MESSAGE_BYTES,
    CallerAudio,
    Clear,
    Connected,
    Digit,
    FromTwilio,
    Mark,
    MarkPlayed,
    Play,
    Started,
    Stopped,
    ToTwilio,
    TwilioProtocolError,
    UnknownEvent,
    build,
    build_from_twilio,
    parse,
    parse_to_twilio,
)

# twilio.com/docs/voice/media-streams/websocket-messages, key order included.
DOCUMENTED: list[tuple[FromTwilio, str]] = [
    (Connected("Call", "1.0.0"), '{"event":"connected","protocol":"Call","version":"1.0.0"}'),
    (
        Started("MZ1", "CA1", "AC1", {"token": "t"}),
        '{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",'
        '"tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},'
        '"customParameters":{"token":"t"}},"streamSid":"MZ1"}',
    ),
    (
        CallerAudio(b"\xff\x00", 1, 155, 2),
        '{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"155",'
        '"payload":"/wA="},"streamSid":"MZ1"}',
    ),
    (
        Digit("1", 5),
        '{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}',
    ),
    (
        MarkPlayed("my label", 4),
        '{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"my label"}}',
    ),
    (
        Stopped("CA1", 5, "AC1"),
        '{"event":"stop","sequenceNumber":"5","stop":{"accountSid":"AC1","callSid":"CA1"},"streamSid":"MZ1"}',
    ),
]
ORDERED: list[tuple[ToTwilio, str]] = [
    (Play(b"\xff\x00"), '{"event":"media","streamSid":"MZ1","media":{"payload":"/wA="}}'),
    (Mark("r42-c7"), '{"event":"mark","streamSid":"MZ1","mark":{"name":"r42-c7"}}'),
    (Clear(), '{"event":"clear","streamSid":"MZ1"}'),
]


@pytest.mark.parametrize(("message", "text"), DOCUMENTED)
def test_from_twilio_is_as_documented(message: FromTwilio, text: str) -> None:
    assert build_from_twilio(message, "MZ1") == text
    assert parse(text) == message
    assert parse(text.encode()) == message


@pytest.mark.parametrize(("message", "text"), ORDERED)
def test_to_twilio_is_as_documented(message: ToTwilio, text: str) -> None:
    assert build(message, "MZ1") == text
    assert parse_to_twilio(text, "MZ1") == message
    assert parse_to_twilio(text.encode(), "MZ1") == message


@pytest.mark.parametrize(("message", "text"), DOCUMENTED)
def test_unknown_fields_are_survived(message: FromTwilio, text: str) -> None:
    extended = orjson.loads(text) | {"newField": {"x": [1]}}
    assert parse(orjson.dumps(extended)) == message


def test_old_captures_are_read() -> None:
    assert parse('{"event":"connected","protocol":"Call","version":"0.2.0"}') == Connected("Call", "0.2.0")
    stop = '{"event":"stop","sequenceNumber":"378","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}'
    assert parse(stop) == Stopped("CA1", 378, "AC1")


def test_parameters_may_be_absent() -> None:
    start = orjson.loads(DOCUMENTED[1][1])
    del start["start"]["customParameters"]
    assert parse(orjson.dumps(start)) == Started("MZ1", "CA1", "AC1", {})


def test_unknown_events_and_other_tracks_are_survived() -> None:
    assert parse('{"event":"ping","at":1}') == UnknownEvent("ping")
    assert parse('{"event":"media","media":{"track":"outbound"}}') == UnknownEvent("media/outbound")
    assert parse(build_from_twilio(UnknownEvent("ping"), "MZ1")) == UnknownEvent("ping")


def change(index: int, path: str, value: Any) -> bytes:
    """A documented message with the field at `path` replaced; Ellipsis removes it."""
    message = orjson.loads(DOCUMENTED[index][1])
    *outer, last = path.split(".")
    target = message
    for name in outer:
        target = target[name]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return orjson.dumps(message)


REFUSED: list[tuple[int, str, Any, str]] = [
    (0, "event", ..., "event is missing"),
    (0, "event", 5, "event is not a string"),
    (0, "version", ..., "version is missing"),
    (1, "start", "x", "start is not an object"),
    (1, "start", ..., "start is missing"),
    (1, "streamSid", "MZ2", "start.streamSid differs from streamSid"),
    (1, "start.callSid", None, "start.callSid is not a string"),
    (1, "start.accountSid", ..., "start.accountSid is missing"),
    (1, "start.tracks", "inbound", "start.tracks is not a list of strings"),
    (1, "start.tracks", [1], "start.tracks is not a list of strings"),
    (1, "start.mediaFormat", ..., "start.mediaFormat is missing"),
    (1, "start.mediaFormat.encoding", "audio/l16", "start.mediaFormat.encoding is not audio/x-mulaw"),
    (1, "start.mediaFormat.sampleRate", 16000, "start.mediaFormat.sampleRate is not 8000"),
    (1, "start.mediaFormat.sampleRate", "8000", "start.mediaFormat.sampleRate is not 8000"),
    (1, "start.mediaFormat.channels", True, "start.mediaFormat.channels is not 1"),
    (1, "start.customParameters", [], "start.customParameters is not an object"),
    (1, "start.customParameters.token", 1, "start.customParameters.token is not a string"),
    (1, "sequenceNumber", 1, "sequenceNumber is not a number as a string"),
    (2, "media", ..., "media is missing"),
    (2, "media.track", ..., "media.track is missing"),
    (2, "media.chunk", 1, "media.chunk is not a number as a string"),
    (2, "media.chunk", "-1", "media.chunk is not a number as a string"),
    (2, "media.chunk", "\u0661", "media.chunk is not a number as a string"),
    (2, "media.timestamp", "9" * 19, "media.timestamp is not a number as a string"),
    (2, "media.timestamp", "", "media.timestamp is not a number as a string"),
    (2, "media.payload", "/wA", "media.payload is not base64"),
    (2, "media.payload", "_wA=", "media.payload is not base64"),
    (2, "media.payload", "/wA=\n", "media.payload is not base64"),
    (2, "media.payload", "é", "media.payload is not base64"),
    (2, "streamSid", ..., "streamSid is missing"),
    (2, "sequenceNumber", ..., "sequenceNumber is missing"),
    (3, "dtmf.digit", "11", "dtmf.digit is not one of 0-9 * # A-D"),
    (3, "dtmf.digit", "a", "dtmf.digit is not one of 0-9 * # A-D"),
    (4, "mark", {}, "mark.name is missing"),
    (5, "stop.callSid", ..., "stop.callSid is missing"),
]


@pytest.mark.parametrize(("index", "path", "value", "words"), REFUSED)
def test_parse_refuses(index: int, path: str, value: Any, words: str) -> None:
    with pytest.raises(TwilioProtocolError) as caught:
        parse(change(index, path, value))
    assert (str(caught.value), caught.value.close_code) == (words, 1007)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "message is not JSON"),
        (b"\xff\xfe", "message is not JSON"),
        ("{'event':1}", "message is not JSON"),
        ('{"event":"\\ud800"}', "message is not JSON"),
        ("\ud800", "message is not JSON"),
        ('"media"', "message is not a JSON object"),
        ("[]", "message is not a JSON object"),
        ("null", "message is not a JSON object"),
        ("[" * 5000, "message is not JSON"),
    ],
)
def test_parse_refuses_what_is_no_object(text: str | bytes, words: str) -> None:
    with pytest.raises(TwilioProtocolError, match=f"^{words}$"):
        parse(text)


@pytest.mark.parametrize("one", ["x", "é", "\ud800"])
def test_oversized_messages_close_with_1009(one: str) -> None:
    frame = '{"event":"' + one * (MAX_MESSAGE_BYTES // len(one.encode(errors="surrogatepass"))) + '"}'
    for text in (frame, frame.encode(errors="surrogatepass")):
        with pytest.raises(TwilioProtocolError, match="longer than 65536 bytes") as caught:
            parse(text)
        assert caught.value.close_code == 1009


def test_the_largest_message_is_read() -> None:
    event = "x" * (MAX_MESSAGE_BYTES - len('{"event":""}'))
    assert parse(json.dumps({"event": event}, separators=(",", ":"))) == UnknownEvent(event)


# The phone's side ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"event":"stop","streamSid":"MZ1"}', "31951: event is not one of media, mark, clear"),
        ('{"event":"dtmf","streamSid":"MZ1"}', "31951: event is not one of media, mark, clear"),
        ('{"streamSid":"MZ1"}', "31951: event is missing"),
        ('{"event":"clear","streamSid":"MZ2"}', "31951: streamSid is another stream's"),
        ('{"event":"clear"}', "31951: streamSid is missing"),
        ('{"event":"clear","streamSid":null}', "31951: streamSid is not a string"),
        (
            '{"event":"clear","streamSid":"MZ1","sequenceNumber":"1"}',
            "31951: sequenceNumber is not a field that Twilio takes",
        ),
        ('{"event":"mark","streamSid":"MZ1"}', "31951: mark is missing"),
        ('{"event":"mark","streamSid":"MZ1","mark":{}}', "31951: mark.name is missing"),
        ('{"event":"mark","streamSid":"MZ1","mark":{"name":""}}', "31951: mark.name is empty"),
        ('{"event":"mark","streamSid":"MZ1","mark":{"name":1}}', "31951: mark.name is not a string"),
        ('{"event":"media","streamSid":"MZ1","media":{}}', "31951: media.payload is missing"),
        ('{"event":"media","streamSid":"MZ1","media":[]}', "31951: media is not an object"),
        ('{"event":"media","streamSid":"MZ1","media":{"payload":"!"}}', "31951: media.payload is not base64"),
        (
            '{"event":"media","streamSid":"MZ1","media":{"payload":"","track":"outbound"}}',
            "31951: media.track is not a field that Twilio takes",
        ),
        ("not json", "31951: message is not JSON"),
    ],
)
def test_the_phone_refuses_what_twilio_warns_of(text: str, words: str) -> None:
    with pytest.raises(TwilioProtocolError) as caught:
        parse_to_twilio(text, "MZ1")
    assert str(caught.value) == words


# Properties ----------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8"))
COUNT = st.integers(0, 10**18 - 1)
FROM_TWILIO = st.one_of(
    st.builds(Connected, TEXT, TEXT),
    st.builds(Started, TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT), st.lists(TEXT).map(tuple), COUNT),
    st.builds(CallerAudio, st.binary(), COUNT, COUNT, COUNT),
    st.builds(MarkPlayed, TEXT, COUNT),
    st.builds(Digit, st.sampled_from("0123456789*#ABCD"), COUNT),
    st.builds(Stopped, TEXT, COUNT, TEXT),
    st.builds(UnknownEvent, TEXT.filter(lambda e: e not in ("connected", "start", "media", "mark", "dtmf", "stop"))),
)
TO_TWILIO = st.one_of(st.builds(Play, st.binary()), st.builds(Mark, TEXT.filter(bool)), st.builds(Clear))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


@given(FROM_TWILIO, TEXT)
def test_from_twilio_round_trip(message: FromTwilio, sid: str) -> None:
    sid = message.stream_sid if isinstance(message, Started) else sid
    assert parse(build_from_twilio(message, sid)) == message


@given(TO_TWILIO, TEXT)
def test_to_twilio_round_trip(message: ToTwilio, sid: str) -> None:
    assert parse_to_twilio(build(message, sid), sid) == message


@given(st.binary() | st.text())
def test_no_bytes_raise_anything_but_the_named_error(raw: bytes | str) -> None:
    survives(raw)


@given(st.sampled_from([*DOCUMENTED, *ORDERED]), st.data())
def test_no_field_raises_anything_but_the_named_error(
    pair: tuple[FromTwilio | ToTwilio, str], data: st.DataObject
) -> None:
    message = orjson.loads(pair[1])
    target = message
    name = data.draw(st.sampled_from(sorted(target)))
    while isinstance(target[name], dict) and target[name] and data.draw(st.booleans()):
        target = target[name]
        name = data.draw(st.sampled_from(sorted(target)))
    target[name] = data.draw(JSON)
    survives(json.dumps(message))


def survives(raw: bytes | str) -> None:
    for read in (parse, lambda text: parse_to_twilio(text, "MZ1")):
        refusal: TwilioProtocolError | None = None
        try:
            read(raw)
        except TwilioProtocolError as error:
            refusal = error
        assert refusal is None or (str(refusal) and refusal.close_code in (1007, 1009))
