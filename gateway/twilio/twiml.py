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
MAX_TALK_S = 7_200  # that a dialled call lasts at most: nobody pays for a line left open
MAX_SAY = 4096  # characters that <Say> takes
MAX_DOCUMENT = 64 * 1024  # what Twilio reads of a webhook's answer

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TwimlError(ValueError):
    """A document that opens no stream, or that Twilio would refuse."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Where the sound goes. `name` is unique in its call; Twilio reports to `status` that the stream started, stopped
    or failed, and why."""

    url: str
    name: str = "gw"
    status: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """Whom <Dial> rings, and how long. `shown` is the number that is displayed there; empty: the caller's own, and
    for a caller who has none Twilio may then refuse to dial (its error 13214)."""

    number: str  # E.164
    ring_s: int
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """What <Connect><Stream> asks for."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def connect(stream: Stream, parameters: Mapping[str, str], action: str = "") -> str:
    """The document that opens a stream. The parameters come back in `Started.parameters`.

    When the stream has ended Twilio asks `action` how the call goes on; without one it hangs up. Raises ValueError for
    a URL that Twilio doesn't take (ws:// is for loopback only) or a parameter too long for it.
    """
    _check_url(stream.url)
    reports = {"status_callback": stream.status, "status_callback_method": "POST"} if stream.status else {}
    opening = voice_response.Stream(url=stream.url, name=stream.name, **reports)
    for name, value in parameters.items():
        _check_parameter(name, value)
        opening.parameter(name=name, value=value)
    document = voice_response.VoiceResponse()
    document.append(voice_response.Connect(**_to(action)).append(opening))
    if action:
        document.redirect(action, method="POST")  # should Twilio not ask `action`
    else:
        document.hangup()
    return str(document)


def reject(reason: Literal["busy", "rejected"]) -> str:
    """The document that refuses a call without answering it (and without cost): the caller hears busy, or not in
    service."""
    document = voice_response.VoiceResponse()
    document.reject(reason=reason)
    return str(document)


def hang_up(text: str = "", language: str = "") -> str:
    """Say `text`, if there is any, and hang up."""
    document = _saying(text, language)
    document.hangup()
    return str(document)


def record(text: str, language: str, max_length_s: int, done: str, recorded: str) -> str:
    """Say `text` and take a message of at most so many seconds. Twilio goes on at `done` (without it, it would ask for
    this document again, for ever) and reports the recording's SID to `recorded`."""
    document = _saying(text, language)
    reports = {"recording_status_callback": recorded, "recording_status_callback_method": "POST"}
    document.record(max_length=max_length_s, play_beep=True, **_to(done), **reports)
    document.hangup()  # reached where the caller says nothing
    return str(document)


def dial(text: str, language: str, called: Called, done: str) -> str:
    """Say `text` and connect the caller; Twilio goes on at `done`, answered or not."""
    document = _saying(text, language)
    shown = {"caller_id": called.shown} if called.shown else {}
    document.dial(called.number, timeout=called.ring_s, time_limit=MAX_TALK_S, **_to(done), **shown)
    return str(document)


def _saying(text: str, language: str) -> voice_response.VoiceResponse:
    document = voice_response.VoiceResponse()
    if text:
        document.say(_NOT_XML.sub(" ", text)[:MAX_SAY], **({"language": language} if language else {}))
    return document


def _to(action: str) -> Mapping[str, str]:
    return {"action": action, "method": "POST"} if action else {}


def read_connect(xml: str) -> Connect:
    """The phone's side: the stream a document opens. Raises TwimlError where its first verb is no <Connect><Stream>."""
    verb = next(iter(_parse(xml)), None)
    stream = None if verb is None or verb.tag != "Connect" else verb.find("Stream")
    if stream is None:
        raise TwimlError("the document's first verb is not <Connect><Stream>")
    parameters = {_attribute(item, "name"): _attribute(item, "value") for item in stream.findall("Parameter")}
    return Connect(_attribute(stream, "url"), parameters)


def verbs(xml: str) -> tuple[ElementTree.Element, ...]:
    """The phone's side: the document's verbs in order. Raises TwimlError for what is no TwiML."""
    return tuple(_parse(xml))


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
