"""Reading one JSON object of Media Streams: each field is there with its type, or a fault names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pybase64

from gateway.twilio.events import MAX_MESSAGE_BYTES, TwilioProtocolError

Object = Mapping[str, Any]

MAX_DIGITS = 18  # what a 64-bit counter needs; keeps int() cheap on hostile input


def load(text: str | bytes) -> Object:
    """One message as a JSON object. Too long: close code 1009; anything but an object: 1007."""
    if _size(text) > MAX_MESSAGE_BYTES:
        raise TwilioProtocolError(f"message is longer than {MAX_MESSAGE_BYTES} bytes", 1009)
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise TwilioProtocolError("message is not JSON") from None
    if type(message) is not dict:
        raise TwilioProtocolError("message is not a JSON object")
    return message


def _size(text: str | bytes) -> int:
    if isinstance(text, bytes) or text.isascii():
        return len(text)
    return len(text.encode(errors="surrogatepass"))


def text_of(message: Object, name: str, where: str = "") -> str:
    value = message.get(name)
    if type(value) is not str:
        raise _ill(message, name, where, "a string")
    return value


def object_of(message: Object, name: str, where: str = "") -> Object:
    value = message.get(name)
    if type(value) is not dict:
        raise _ill(message, name, where, "an object")
    return value


def number_of(message: Object, name: str, where: str = "") -> int:
    """A count: Twilio writes these as strings of decimal digits, never as JSON numbers."""
    value = message.get(name)
    if type(value) is not str or not value.isdecimal() or not value.isascii() or len(value) > MAX_DIGITS:
        raise _ill(message, name, where, "a number as a string")
    return int(value)


def texts_of(message: Object, name: str, where: str = "") -> tuple[str, ...]:
    value = message.get(name)
    if type(value) is not list or any(type(item) is not str for item in value):
        raise _ill(message, name, where, "a list of strings")
    return tuple(value)


def audio_of(message: Object, name: str, where: str = "") -> bytes:
    """Raw mu-law out of strict base64 (standard alphabet, padded)."""
    value = text_of(message, name, where)
    try:
        return pybase64.b64decode(value, validate=True)
    except ValueError:
        raise TwilioProtocolError(f"{where}{name} is not base64") from None


def _ill(message: Object, name: str, where: str, kind: str) -> TwilioProtocolError:
    if name not in message:
        return TwilioProtocolError(f"{where}{name} is missing")
    return TwilioProtocolError(f"{where}{name} is not {kind}")
