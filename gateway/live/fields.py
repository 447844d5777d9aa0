"""Reading one object of protobuf JSON: camelCase or snake_case names, null for absent, base64 in both alphabets, 64-bit
integers as strings, durations as "49.5s". What has a wrong shape is a LiveProtocolError in the server's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

import orjson
import pybase64

from gateway.live.events import MAX_MESSAGE_BYTES, LiveProtocolError

Object = Mapping[str, Any]

NOT_JSON = "Invalid JSON payload received. Unexpected token."
NOT_OBJECT = "Invalid JSON payload received. Root element must be a message."

_DURATION = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{1,9})?)s", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_STANDARD = str.maketrans("-_", "+/")


def load(raw: str | bytes) -> Object:
    """One frame as a JSON object. Too long: close code 1009; anything but an object: 1007."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise LiveProtocolError(f"message is longer than {MAX_MESSAGE_BYTES} bytes", 1009)
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise LiveProtocolError(NOT_JSON) from None
    if type(message) is not dict:
        raise LiveProtocolError(NOT_OBJECT)
    return message


def named(message: Object, names: Set[str]) -> Object:
    """The object with camelCase names; itself where it holds no other names than `names`."""
    return message if message.keys() <= names else {camel(name): value for name, value in message.items()}


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def object_at(message: Object, name: str, where: str = "") -> Object | None:
    value = message.get(name)
    if value is None or type(value) is dict:
        return value
    raise ill(where + name, "TYPE_MESSAGE")


def objects_at(message: Object, name: str, where: str = "") -> Sequence[Object]:
    value = message.get(name)
    if value is None:
        return ()
    if type(value) is not list or any(type(item) is not dict for item in value):
        raise ill(where + name, "repeated TYPE_MESSAGE")
    return value


def texts_at(message: Object, name: str, where: str = "") -> tuple[str, ...]:
    value = message.get(name)
    if value is None:
        return ()
    if type(value) is not list or any(type(item) is not str for item in value):
        raise ill(where + name, "repeated TYPE_STRING")
    return tuple(value)


def text_at(message: Object, name: str, where: str = "") -> str:
    value = message.get(name)
    if value is None:
        return ""
    if type(value) is not str:
        raise ill(where + name, "TYPE_STRING")
    return value


def flag_at(message: Object, name: str, where: str = "") -> bool:
    value = message.get(name)
    if value is None:
        return False
    if type(value) is not bool:
        raise ill(where + name, "TYPE_BOOL")
    return value


def count_at(message: Object, name: str, where: str = "") -> int:
    """An integer, as a JSON number or (64 bits) as a string."""
    value = message.get(name)
    if value is None:
        return 0
    if type(value) is int:
        return value
    if type(value) is str and _INTEGER.fullmatch(value):
        return int(value)
    raise ill(where + name, "TYPE_INT64")


def seconds_at(message: Object, name: str, where: str = "") -> float:
    """A duration in seconds; 0 where it is absent."""
    value = message.get(name)
    if value is None:
        return 0.0
    found = _DURATION.fullmatch(value) if type(value) is str else None
    if found is None:
        raise ill(where + name, "type.googleapis.com/google.protobuf.Duration")
    return float(found[1])


def bytes_at(message: Object, name: str, where: str = "") -> bytes:
    value = text_at(message, name, where)
    try:
        return pybase64.b64decode(value, validate=True)
    except ValueError:
        return _decode_odd(value, where + name)


def _decode_odd(value: str, where: str) -> bytes:
    """Base64 in the URL-safe alphabet, or without its padding: protobuf takes both."""
    value = value.translate(_STANDARD).rstrip("=")
    try:
        return pybase64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except ValueError:
        raise LiveProtocolError(f"Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed.") from None


def ill(where: str, kind: str) -> LiveProtocolError:
    return LiveProtocolError(f"Invalid value at '{where}' ({kind})")
