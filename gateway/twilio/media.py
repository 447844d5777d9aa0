"""Twilio Media Streams, both directions: JSON text <-> frozen messages. Pure; no call logic, no sockets.

The gateway parses `FromTwilio` and builds `ToTwilio`; the simulated phone does the reverse with the same types.
Source: twilio.com/docs/voice/media-streams/websocket-messages. Audio is always mono
8 kHz G.711 mu-law, one byte a sample. The door: types stand in `events`, the phone's side in `phone`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import orjson
import pybase64

from gateway.twilio.events import (
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
)
from gateway.twilio.fields import Object, audio_of, load, number_of, object_of, text_of, texts_of
from gateway.twilio.phone import build_from_twilio, parse_to_twilio
from gateway.twilio.sequence import Sequencer

__all__ = [
    "MAX_MESSAGE_BYTES",
    "CallerAudio",
    "Clear",
    "Connected",
    "Digit",
    "FromTwilio",
    "Mark",
    "MarkPlayed",
    "Play",
    "Sequencer",
    "Started",
    "Stopped",
    "ToTwilio",
    "TwilioProtocolError",
    "UnknownEvent",
    "build",
    "build_from_twilio",
    "parse",
    "parse_to_twilio",
]

DIGITS = frozenset("0123456789*#ABCD")
MEDIA_FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


def parse(text: str | bytes) -> FromTwilio:
    """One message from Twilio. Raises TwilioProtocolError: malformed 1007, oversized 1009, wrong media format 1007.

    Media of a track other than inbound comes as UnknownEvent("media/<track>"); unknown extra fields are ignored.
    """
    message = load(text)
    event = text_of(message, "event")
    read = _READ.get(event)
    return UnknownEvent(event) if read is None else read(message)


def _media(message: Object) -> CallerAudio | UnknownEvent:
    media = object_of(message, "media")
    track = text_of(media, "track", "media.")
    if track != "inbound":
        return UnknownEvent(f"media/{track}")
    text_of(message, "streamSid")
    return CallerAudio(
        audio_of(media, "payload", "media."),
        number_of(media, "chunk", "media."),
        number_of(media, "timestamp", "media."),
        number_of(message, "sequenceNumber"),
    )


def _connected(message: Object) -> Connected:
    return Connected(text_of(message, "protocol"), text_of(message, "version"))


def _start(message: Object) -> Started:
    start = object_of(message, "start")
    stream_sid = text_of(start, "streamSid", "start.")
    if text_of(message, "streamSid") != stream_sid:
        raise TwilioProtocolError("start.streamSid differs from streamSid")
    _check_format(object_of(start, "mediaFormat", "start."))
    return Started(
        stream_sid,
        text_of(start, "callSid", "start."),
        text_of(start, "accountSid", "start."),
        _parameters(start),
        texts_of(start, "tracks", "start."),
        number_of(message, "sequenceNumber"),
    )


def _check_format(media_format: Object) -> None:
    for name, wanted in MEDIA_FORMAT.items():
        value = media_format.get(name)
        if type(value) is not type(wanted) or value != wanted:
            raise TwilioProtocolError(f"start.mediaFormat.{name} is not {wanted}")


def _parameters(start: Object) -> dict[str, str]:
    if start.get("customParameters") is None:
        return {}
    parameters = object_of(start, "customParameters", "start.")
    return {name: text_of(parameters, name, "start.customParameters.") for name in parameters}


def _mark(message: Object) -> MarkPlayed:
    text_of(message, "streamSid")
    return MarkPlayed(text_of(object_of(message, "mark"), "name", "mark."), number_of(message, "sequenceNumber"))


def _dtmf(message: Object) -> Digit:
    text_of(message, "streamSid")
    digit = text_of(object_of(message, "dtmf"), "digit", "dtmf.")
    if digit not in DIGITS:
        raise TwilioProtocolError("dtmf.digit is not one of 0-9 * # A-D")
    return Digit(digit, number_of(message, "sequenceNumber"))


def _stop(message: Object) -> Stopped:
    text_of(message, "streamSid")
    stop = object_of(message, "stop")
    return Stopped(
        text_of(stop, "callSid", "stop."),
        number_of(message, "sequenceNumber"),
        text_of(stop, "accountSid", "stop."),
    )


_READ: dict[str, Callable[[Object], FromTwilio]] = {
    "media": _media,
    "connected": _connected,
    "start": _start,
    "mark": _mark,
    "dtmf": _dtmf,
    "stop": _stop,
}


def build(message: ToTwilio, stream_sid: str) -> str:
    """One message to Twilio, with exactly the fields that Twilio takes (anything else is warning 31951)."""
    sid = orjson.dumps(stream_sid).decode()
    match message:
        case Play():
            payload = pybase64.b64encode_as_string(message.mulaw)
            return f'{{"event":"media","streamSid":{sid},"media":{{"payload":"{payload}"}}}}'
        case Mark():
            return f'{{"event":"mark","streamSid":{sid},"mark":{{"name":{orjson.dumps(message.name).decode()}}}}}'
        case Clear():
            return f'{{"event":"clear","streamSid":{sid}}}'
        case _:
            assert_never(message)
