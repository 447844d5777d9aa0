"""TwiML: the documents that answer a call, and (for the simulated phone) reading the one that opens a stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit
from xml.etree import ElementTree

from twilio.twiml import voice_response  # type: ignore[import-untyped]

MAX_PARAMETER = 500  # name and value of one <Parameter> together stay below this (twilio.com/docs/voice/twiml/stream)
MAX_DOCUMENT = 64 * 1024  # what Twilio reads of a webhook's answer
STREAM_NAME = "gw"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TwimlError(ValueError):
    """A document that opens no stream, or that Twilio would refuse."""


@dataclass(frozen=True, slots=True)
class Connect:
    """What <Connect><Stream> asks for."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def connect(url: str, parameters: Mapping[str, str]) -> str:
    """The document that opens a stream to `url`, then hangs up. The parameters come back in `Started.parameters`.

    Raises ValueError for a URL that Twilio doesn't take (ws:// is for loopback only) or a parameter too long for it.
    """
    _check_url(url)
    stream = voice_response.Stream(url=url, name=STREAM_NAME)
    for name, value in parameters.items():
        _check_parameter(name, value)
        stream.parameter(name=name, value=value)
    document = voice_response.VoiceResponse()
    document.append(voice_response.Connect().append(stream))
    document.hangup()
    return str(document)


def reject(reason: Literal["busy", "rejected"]) -> str:
    """The document that refuses a call without answering it (and without cost): the caller hears busy, or not in
    service."""
    document = voice_response.VoiceResponse()
    document.reject(reason=reason)
    return str(document)


def read_connect(xml: str) -> Connect:
    """The phone's side: the stream a document opens. Raises TwimlError where its first verb is no <Connect><Stream>."""
    verb = next(iter(_parse(xml)), None)
    stream = None if verb is None or verb.tag != "Connect" else verb.find("Stream")
    if stream is None:
        raise TwimlError("the document's first verb is not <Connect><Stream>")
    parameters = {_attribute(item, "name"): _attribute(item, "value") for item in stream.findall("Parameter")}
    return Connect(_attribute(stream, "url"), parameters)


def _parse(xml: str) -> ElementTree.Element:
    if len(xml) > MAX_DOCUMENT:
        raise TwimlError(f"the document is longer than {MAX_DOCUMENT} characters")
    if "<!DOCTYPE" in xml:  # entities: a small document can grow to gigabytes
        raise TwimlError("the document has a DOCTYPE")
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as error:
        raise TwimlError(f"the document is not XML: {error}") from None
    if root.tag != "Response":
        raise TwimlError("the document's root is not <Response>")
    return root


def _attribute(element: ElementTree.Element, name: str) -> str:
    value = element.get(name)
    if value is None:
        raise TwimlError(f"<{element.tag}> has no {name}")
    return value


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("wss", "ws") or not parts.hostname:
        raise ValueError("a stream's URL begins with wss:// and a host")
    if parts.scheme == "ws" and not _loopback(parts):
        raise ValueError("a stream's URL is wss://; ws:// is for loopback only")
    if "?" in url or "#" in url:
        raise ValueError("a stream's URL has no query: Twilio drops it; use parameters")
    if parts.username is not None or _NOT_XML.search(url) or any(c.isspace() for c in url):
        raise ValueError("a stream's URL has no user and no spaces")


def _loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_parameter(name: str, value: str) -> None:
    if not name:
        raise ValueError("a parameter has a name")
    if len(name) + len(value) >= MAX_PARAMETER:
        raise ValueError(f"parameter {name[:40]!r}: name and value together stay below {MAX_PARAMETER} characters")
    if _NOT_XML.search(name + value):
        raise ValueError(f"parameter {name[:40]!r} holds a character that XML can't")
