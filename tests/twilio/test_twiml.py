"""The documents that answer a call, and reading the one that opens a stream."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.twilio.twiml import (
    MAX_DOCUMENT,
    MAX_SAY,
    Called,
    Connect,
    Stream,
    TwimlError,
    connect,
    dial,
    hang_up,
    read_connect,
    record,
    reject,
)

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def test_connect_opens_a_stream_and_hangs_up_after_it() -> None:
    assert connect(Stream("wss://gw.example.com/ws/twilio"), {"token": "t.m", "flow": "recéption"}) == (
        f'{HEAD}<Response><Connect><Stream name="gw" url="wss://gw.example.com/ws/twilio">'
        '<Parameter name="token" value="t.m" /><Parameter name="flow" value="recéption" />'
        "</Stream></Connect><Hangup /></Response>"
    )


def test_what_follows_a_stream_is_asked_for() -> None:
    opening = Stream("wss://gw/ws", "gw-2", "https://gw/status")
    assert connect(opening, {}, "https://gw/after?attempt=2&line=a/b") == (
        f'{HEAD}<Response><Connect action="https://gw/after?attempt=2&amp;line=a/b" method="POST">'
        '<Stream name="gw-2" statusCallback="https://gw/status" statusCallbackMethod="POST" url="wss://gw/ws" />'
        '</Connect><Redirect method="POST">https://gw/after?attempt=2&amp;line=a/b</Redirect></Response>'
    )


def test_announcements() -> None:
    assert hang_up() == f"{HEAD}<Response><Hangup /></Response>"
    assert hang_up("A & B\x00.", "de-DE") == (
        f'{HEAD}<Response><Say language="de-DE">A &amp; B .</Say><Hangup /></Response>'
    )
    assert record("Speak.", "", 90, "https://gw/done", "https://gw/voicemail") == (
        f'{HEAD}<Response><Say>Speak.</Say><Record action="https://gw/done" maxLength="90" method="POST" '
        'playBeep="true" recordingStatusCallback="https://gw/voicemail" recordingStatusCallbackMethod="POST" />'
        "<Hangup /></Response>"
    )
    assert dial("", "en-US", Called("+14155550123", 20), "https://gw/done") == (
        f'{HEAD}<Response><Dial action="https://gw/done" method="POST" timeLimit="7200" timeout="20">'
        "+14155550123</Dial></Response>"
    )
    assert len(hang_up("x" * 9000)) < MAX_SAY + 200


@pytest.mark.parametrize("reason", ["busy", "rejected"])
def test_reject(reason: Literal["busy", "rejected"]) -> None:
    assert reject(reason) == f'{HEAD}<Response><Reject reason="{reason}" /></Response>'


@pytest.mark.parametrize(
    "url", ["wss://gw/ws", "wss://gw:8443/ws", "ws://127.0.0.1:8080/ws", "ws://localhost/ws", "ws://[::1]:1/ws"]
)
def test_urls_that_are_taken(url: str) -> None:
    assert read_connect(connect(Stream(url), {})) == Connect(url, {})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://gw/ws", "begins with wss://"),
        ("gw/ws", "begins with wss://"),
        ("wss:///ws", "begins with wss://"),
        ("ws://gw.example.com/ws", "for loopback only"),
        ("wss://gw/ws?token=x", "no query"),
        ("wss://gw/ws?", "no query"),
        ("wss://gw/ws#x", "no query"),
        ("wss://me:you@gw/ws", "no user"),
        ("wss://gw/w s", "no user and no spaces"),
        ("wss://gw/\x01", "no user and no spaces"),
    ],
)
def test_urls_that_are_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        connect(Stream(url), {})


def test_a_parameter_stays_below_500_characters() -> None:
    assert read_connect(connect(Stream("wss://gw/ws"), {"token": "x" * 494})).parameters == {"token": "x" * 494}
    with pytest.raises(ValueError, match=r"parameter 'token': name and value together stay below 500 characters"):
        connect(Stream("wss://gw/ws"), {"token": "x" * 495})


@pytest.mark.parametrize("parameters", [{"": "x"}, {"a": "\x00"}, {"a\ufffe": ""}])
def test_parameters_that_xml_cannot_hold(parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="parameter"):
        connect(Stream("wss://gw/ws"), parameters)


XML = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\ufffe\uffff"), max_size=200
)


@given(st.dictionaries(XML.filter(bool), XML))
def test_parameters_round_trip(parameters: dict[str, str]) -> None:
    assert read_connect(connect(Stream("wss://gw/ws"), parameters)) == Connect("wss://gw/ws", parameters)


def test_the_document_may_come_with_attributes_and_verbs_we_do_not_write() -> None:
    xml = (
        '<Response><Connect action="/after"><Stream url="wss://gw/ws" statusCallback="/s">'
        '<Parameter name="a" value="1"/></Stream></Connect><Say>Sorry.</Say></Response>'
    )
    assert read_connect(xml) == Connect("wss://gw/ws", {"a": "1"})


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("", "is not XML"),
        ("<Response>", "is not XML"),
        ("\ud800", "is not XML"),
        ("<Connect/>", "root is not <Response>"),
        ("<Response/>", "first verb is not <Connect><Stream>"),
        ('<Response><Reject reason="busy"/></Response>', "first verb is not <Connect><Stream>"),
        ("<Response><Connect><Room>r</Room></Connect></Response>", "first verb is not <Connect><Stream>"),
        ("<Response><Say/><Connect><Stream url='wss://a'/></Connect></Response>", "first verb is not"),
        ("<Response><Connect><Stream/></Connect></Response>", "<Stream> has no url"),
        (
            "<Response><Connect><Stream url='wss://a'><Parameter name='b'/></Stream></Connect></Response>",
            "<Parameter> has no value",
        ),
        ("<!DOCTYPE r [<!ENTITY a 'b'>]><Response/>", "has a DOCTYPE"),
        ("<Response>" + " " * MAX_DOCUMENT + "</Response>", "longer than 65536"),
    ],
)
def test_documents_that_open_no_stream(xml: str, words: str) -> None:
    with pytest.raises(TwimlError, match=words):
        read_connect(xml)


def test_importing_the_room_stays_light() -> None:
    loaded = "import gateway.twilio.twiml, gateway.twilio.signature, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert {"twilio.rest", "requests", "aiohttp"}.isdisjoint(modules)
