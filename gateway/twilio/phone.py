"""The phone's side of Media Streams: what Twilio writes, and what it takes (for the simulated phone)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import orjson
import pybase64

from gateway.twilio.events import (
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
)
from gateway.twilio.fields import Object, audio_of, load, object_of, text_of

# What Twilio takes, field by field; anything beside these is warning 31951 (twilio.com/docs/api/errors/31951).
FIELDS = {
    "media": frozenset({"event", "streamSid", "media"}),
    "mark": frozenset({"event", "streamSid", "mark"}),
    "clear": frozenset({"event", "streamSid"}),
}


def parse_to_twilio(text: str | bytes, stream_sid: str) -> ToTwilio:
    """The phone's side: what a media server sent. Raises TwilioProtocolError where Twilio would warn with 31951."""
    try:
        return _to_twilio(load(text), stream_sid)
    except TwilioProtocolError as error:
        raise TwilioProtocolError(f"31951: {error}", error.close_code) from None


def _to_twilio(message: Object, stream_sid: str) -> ToTwilio:
    event = text_of(message, "event")
    if event not in FIELDS:
        raise TwilioProtocolError("event is not one of media, mark, clear")
    _exactly(message, FIELDS[event], "")
    if text_of(message, "streamSid") != stream_sid:
        raise TwilioProtocolError("streamSid is another stream's")
    if event == "clear":
        return Clear()
    return _play(message) if event == "media" else _mark(message)


def _play(message: Object) -> Play:
    media = object_of(message, "media")
    _exactly(media, frozenset({"payload"}), "media.")
    return Play(audio_of(media, "payload", "media."))


def _mark(message: Object) -> Mark:
    mark = object_of(message, "mark")
    _exactly(mark, frozenset({"name"}), "mark.")
    name = text_of(mark, "name", "mark.")
    if not name:
        raise TwilioProtocolError("mark.name is empty")
    return Mark(name)


def _exactly(message: Object, names: frozenset[str], where: str) -> None:
    for name in sorted(names - message.keys()):
        raise TwilioProtocolError(f"{where}{name} is missing")
    for name in message:
        if name not in names:
            raise TwilioProtocolError(f"{where}{name} is not a field that Twilio takes")


def build_from_twilio(message: FromTwilio, stream_sid: str) -> str:
    """The phone's side: the JSON that Twilio sends, numbers as strings."""
    return orjson.dumps(_from_twilio(message, stream_sid)).decode()


def _from_twilio(message: FromTwilio, sid: str) -> Mapping[str, Any]:
    match message:
        case Connected():
            return {"event": "connected", "protocol": message.protocol, "version": message.version}
        case UnknownEvent():
            return {"event": message.event, "streamSid": sid}
        case CallerAudio():
            return _numbered("media", message.sequence) | {"media": _media(message), "streamSid": sid}
        case Started():
            return _numbered("start", message.sequence) | {"start": _start(message), "streamSid": sid}
        case MarkPlayed():
            return _numbered("mark", message.sequence) | {"streamSid": sid, "mark": {"name": message.name}}
        case Digit():
            dtmf = {"track": "inbound_track", "digit": message.digit}
            return {"event": "dtmf", "streamSid": sid, "sequenceNumber": str(message.sequence), "dtmf": dtmf}
        case Stopped():
            stop = {"accountSid": message.account_sid, "callSid": message.call_sid}
            return _numbered("stop", message.sequence) | {"stop": stop, "streamSid": sid}
        case _:
            assert_never(message)


def _numbered(event: str, sequence: int) -> dict[str, Any]:
    return {"event": event, "sequenceNumber": str(sequence)}


def _media(audio: CallerAudio) -> Mapping[str, str]:
    return {
        "track": "inbound",
        "chunk": str(audio.chunk),
        "timestamp": str(audio.timestamp_ms),
        "payload": pybase64.b64encode_as_string(audio.mulaw),
    }


def _start(started: Started) -> Mapping[str, Any]:
    return {
        "accountSid": started.account_sid,
        "streamSid": started.stream_sid,
        "callSid": started.call_sid,
        "tracks": list(started.tracks),
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": dict(started.parameters),
    }
