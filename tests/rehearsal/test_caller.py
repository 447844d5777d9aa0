"""The caller that follows TwiML, against a small web server and a small stream, both of a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from websockets.asyncio.server import ServerConnection, serve

from gateway.rehearsal.caller import MAX_REQUESTS, Account, Caller, Journey, Manner, Owned
from gateway.rehearsal.phone import Person
from gateway.rehearsal.playout import SILENCE, Cut

HOST, TOKEN = "gw.example.test", "secret-token"
HOME = f"https://{HOST}"
HANG_UP = "<Response><Hangup/></Response>"
STREAM = f"""<Response><Connect action="/after?attempt=1&amp;line=a/b">
<Stream url="wss://media.example.test/ws" name="s" statusCallback="{HOME}/status"/></Connect>
<Redirect>/next</Redirect></Response>"""

Pages = Mapping[str, str | int]  # path with query -> document, or a status without one


class Quiet:
    """Says nothing, and hangs up after so many frames."""

    def __init__(self, frames: int) -> None:
        self._left = frames

    def hear(self, heard: bytes, start_ms: float) -> None:
        """Hears nothing."""

    def cut(self, cut: Cut) -> None:
        """Nothing to him."""

    def speak(self, now_ms: float) -> bytes | None:
        self._left -= 1
        return SILENCE * 160 if self._left else None


def call(
    pages: Pages, manner: Manner | None = None, *, fallback: str = "", stream: bool = False, frames: int = 3
) -> Journey:
    """A call to a number whose voice URL is /voice. `stream`: a media server that closes at the third frame is up."""

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        form = dict(
            parse_qsl((await reader.readexactly(int(lines["Content-Length"]))).decode(), keep_blank_values=True)
        )
        path = head.split(" ")[1]
        assert RequestValidator(TOKEN).validate(HOME + path, form, lines["X-Twilio-Signature"])
        page = pages.get(path, 404)
        status, body = (page, "") if isinstance(page, int) else (200, page)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async def media(socket: ServerConnection) -> None:
        for _ in range(5):  # connected, start, three frames
            await socket.recv()

    def person(number: int) -> Person:
        return Quiet(frames)

    async def run() -> Journey:
        async with await asyncio.start_server(web, "127.0.0.1", 0) as pages_server, serve(media, "127.0.0.1", 0) as ws:
            hosts = {HOST: pages_server.sockets[0].getsockname()[:2]}
            if stream:
                hosts["media.example.test"] = next(iter(ws.sockets)).getsockname()[:2]
            account = Account("AC" + "1" * 32, TOKEN, hosts)
            owned = Owned("+14155550100", HOME + "/voice", fallback and HOME + fallback)
            return await Caller(account, owned, person, manner=manner).call()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("verbs", "told"),
    [
        ("<Hangup/>", ["hang up"]),
        (
            "<Say>One.</Say><Say language='de-DE'>Zwei.</Say>",
            ["say en-US: One.", "say de-DE: Zwei.", "the document ends"],
        ),
        ("", ["the document ends"]),
        ("<Reject/>", ["reject: rejected"]),
        ("<Reject reason='busy'/><Say>Never.</Say>", ["reject: busy"]),
        ("<Say>A</Say><Reject/>", ["say en-US: A", "a call that was answered can't be rejected (rejected)"]),
        ("<Redirect>next</Redirect>", ["POST /next 200", "hang up"]),
        ("<Record maxLength='2' action='/next'/>", ["record 2 s", "POST /next 200", "hang up"]),
        ("<Dial action='/next'>+14155550123</Dial>", ["dial +14155550123: no-answer", "POST /next 200", "hang up"]),
        ("<Dial>+14155550123</Dial><Hangup/>", ["dial +14155550123: no-answer", "hang up"]),
        ("<Connect><Room/></Connect>", ["<Connect> without <Stream>"]),
        ("<Pause length='40'/>", ["<Pause> is no verb that this phone knows"]),
    ],
)
def test_each_verb(verbs: str, told: list[str]) -> None:
    journey = call({"/voice": f"<Response>{verbs}</Response>", "/next": HANG_UP})
    assert list(journey.script) == ["POST /voice 200", *told]


def test_nobody_speaks_after_the_beep() -> None:
    journey = call({"/voice": "<Response><Record action='/next'/><Hangup/></Response>"}, Manner(message=False))
    assert list(journey.script[1:]) == ["record 0 s", "hang up"]


@pytest.mark.parametrize("verb", ["<Redirect>/voice</Redirect>", "<Redirect/>", "<Record/>"])
def test_a_loop_is_given_up(verb: str) -> None:
    journey = call({"/voice": f"<Response>{verb}</Response>"})
    assert len(journey.documents) == MAX_REQUESTS
    assert journey.script[-1] == "a loop"


def test_the_form_tells_how_the_call_stands() -> None:
    voice = "<Response><Say>A</Say><Dial action='/done'>+14155550123</Dial></Response>"
    asked = call({"/voice": voice, "/done": HANG_UP}, Manner(dial="busy")).documents
    assert [one.form["CallStatus"] for one in asked] == ["ringing", "in-progress"]
    assert asked[1].form["DialCallStatus"] == "busy"
    assert len({one.form["CallSid"] for one in asked}) == 1


@pytest.mark.parametrize(("page", "status", "code"), [(500, 500, "11200"), ("<Response>", 200, "12100")])
def test_what_gives_no_document_is_made_good_by_the_fallback_url_once(page: str | int, status: int, code: str) -> None:
    journey = call({"/voice": page, "/fallback": HANG_UP}, fallback="/fallback")
    assert list(journey.script) == [f"POST /voice {status}", "POST /fallback 200", "hang up"]
    form = journey.documents[1].form
    assert (form["ErrorCode"], form["ErrorUrl"]) == (code, HOME + "/voice")
    told = [f"POST /voice {status}", "POST /fallback 404", "an application error has occurred"]
    assert list(call({"/voice": page}, fallback="/fallback").script) == told
    assert list(call({"/voice": page}).script) == [told[0], told[2]]


def test_a_stream_that_the_server_ends_leads_to_its_action() -> None:
    journey = call({"/voice": STREAM, "/after?attempt=1&line=a/b": HANG_UP, "/status": ""}, stream=True, frames=99)
    assert list(journey.script[1:]) == [
        "stream s: the gateway ended the stream (1000)",
        "POST /after?attempt=1&line=a/b 200",
        "hang up",
    ]
    assert [(one.form["StreamEvent"], one.status) for one in journey.reports] == [
        ("stream-started", 200),
        ("stream-stopped", 200),
    ]
    assert journey.streams[0].call_sid == journey.call_sid == journey.documents[0].form["CallSid"]


def test_when_the_caller_hangs_up_the_action_is_told_and_not_followed() -> None:
    pages = {"/voice": STREAM, "/after?attempt=1&line=a/b": STREAM}
    journey = call(pages, stream=True, frames=1)
    assert list(journey.script[1:]) == [
        "stream s: the caller hung up",
        "POST /after?attempt=1&line=a/b 200",
        "the caller has gone",
    ]
    assert journey.documents[1].form["CallStatus"] == "completed"


@pytest.mark.parametrize(("asks", "then"), [(True, "/after?attempt=1&line=a/b"), (False, "/next")])
def test_a_stream_that_can_not_be_opened_leads_to_action_or_to_the_next_verb(asks: bool, then: str) -> None:
    pages = {"/voice": STREAM, "/after?attempt=1&line=a/b": HANG_UP, "/next": HANG_UP}
    journey = call(pages, Manner(asks_action=asks))
    assert journey.script[1].startswith("stream s: the gateway refused the call (31920: ")
    assert list(journey.script[2:]) == [f"POST {then} 200", "hang up"]
    [told] = journey.reports
    assert told.form["StreamEvent"] == "stream-error"
    assert told.form["StreamError"].startswith("31920: ")
