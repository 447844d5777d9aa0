"""The simulated phone against a small gateway written from Twilio's pages: real sockets, literal JSON."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from gateway.rehearsal.phone import Ending, Phone, Press, Record
from gateway.rehearsal.playout import Cut
from gateway.rehearsal.webhook import Exchange

PUBLIC, TOKEN, ACCOUNT = "https://gw.example.test", "secret-token", "AC" + "1" * 32
TWIML = """<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="wss://gw.example.test/ws/twilio">
<Parameter name="token" value="t1"/></Stream></Connect></Response>"""
SOUND = b"\x80" * 160

Talk = Callable[[ServerConnection], Awaitable[None]]


class Caller:
    """Says SOUND for so many frames, presses the keys, then hangs up."""

    def __init__(self, frames: int = 10, keys: str = "") -> None:
        self.heard = bytearray()
        self.cuts: list[Cut] = []
        self.starts: list[float] = []
        self._frames = itertools.count()
        self._limit = frames
        self._keys = list(keys)

    def hear(self, heard: bytes, start_ms: float) -> None:
        self.starts.append(start_ms)
        self.heard += heard

    def cut(self, cut: Cut) -> None:
        self.cuts.append(cut)

    def speak(self, now_ms: float) -> bytes | Press | None:
        if next(self._frames) >= self._limit:
            return None
        return Press(self._keys.pop(0)) if self._keys else SOUND


class Gateway:
    """What the test's gateway was asked, and how it answers: a webhook and a stream on one port."""

    def __init__(self, talk: Talk, status: int = 101, twiml: str = TWIML, webhook: int = 200) -> None:
        self.talk, self.status, self.twiml, self.webhook = talk, status, twiml, webhook
        self.post: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self.handshake: dict[str, str] = {}
        self.port = 0

    def check(self, socket: ServerConnection, request: Request) -> Response | None:
        self.handshake = {name.lower(): value for name, value in request.headers.raw_items()} | {"path": request.path}
        return None if self.status == 101 else socket.respond(HTTPStatus(self.status), "no\n")

    async def front(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream_port: int) -> None:
        """POST is the webhook, anything else is handed to the WebSocket server."""
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            await self.answer(head.decode(), reader, writer)
            return
        there, back = await asyncio.open_connection("127.0.0.1", stream_port)
        back.write(head)
        async with asyncio.TaskGroup() as group:
            group.create_task(pipe(reader, back))
            group.create_task(pipe(there, writer))

    async def answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = head.split("\r\n")
        raw = {name: value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        body = (await reader.readexactly(int(raw["Content-Length"]))).decode()
        self.post = ({"line": lines[0], **raw}, {name: values[0] for name, values in parse_qs(body).items()})
        text = self.twiml.encode()
        writer.write(f"HTTP/1.1 {self.webhook} X\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Exchange]:
        async with serve(self.talk, "127.0.0.1", 0, process_request=self.check) as streams:
            stream_port = next(iter(streams.sockets)).getsockname()[1]
            front = await asyncio.start_server(lambda r, w: self.front(r, w, stream_port), "127.0.0.1", 0)
            async with front:
                yield Exchange("127.0.0.1", front.sockets[0].getsockname()[1], PUBLIC, ACCOUNT, TOKEN)


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


def place(gateway: Gateway, caller: Caller) -> Record:
    async def run() -> Record:
        async with gateway.running() as exchange:
            return await Phone(exchange, caller, "+14155550199", "+14155550100").call()

    return asyncio.run(run())


async def everything(socket: ServerConnection) -> list[dict[str, Any]]:
    return [json.loads(message) async for message in socket]


def listener() -> tuple[list[dict[str, Any]], Talk]:
    got: list[dict[str, Any]] = []

    async def talk(socket: ServerConnection) -> None:
        got.extend(await everything(socket))

    return got, talk


def signature(text: str) -> str:
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()


def test_the_webhook_and_the_handshake_are_signed_over_the_public_names() -> None:
    gateway = Gateway(listener()[1])
    record = place(gateway, Caller(2))
    headers, form = gateway.post
    assert headers["line"] == "POST /twiml HTTP/1.1"
    assert headers["Host"] == "gw.example.test"
    assert form == {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "CallSid": record.call_sid,
        "CallStatus": "ringing",
        "Called": "+14155550100",
        "Caller": "+14155550199",
        "Direction": "inbound",
        "From": "+14155550199",
        "To": "+14155550100",
    }
    signed = PUBLIC + "/twiml" + "".join(name + value for name, value in sorted(form.items()))
    assert headers["X-Twilio-Signature"] == signature(signed)
    assert gateway.handshake["path"] == "/ws/twilio"
    assert gateway.handshake["host"] == "gw.example.test"
    assert gateway.handshake["x-twilio-signature"] == signature("wss://gw.example.test/ws/twilio")
    assert "sec-websocket-extensions" not in gateway.handshake


def test_a_call_is_told_as_twilio_tells_it() -> None:
    got, talk = listener()
    record = place(Gateway(talk), Caller(12, keys="7#"))
    assert record.ending == Ending("caller")
    assert got[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    sid = got[1]["streamSid"]
    assert got[1] == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": ACCOUNT,
            "streamSid": sid,
            "callSid": record.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t1"},
        },
        "streamSid": sid,
    }
    assert [message["sequenceNumber"] for message in got[1:]] == [str(n) for n in range(1, len(got))]
    assert [m["dtmf"] for m in got if m["event"] == "dtmf"] == [
        {"track": "inbound_track", "digit": "7"},
        {"track": "inbound_track", "digit": "#"},
    ]
    media = [message["media"] for message in got if message["event"] == "media"]
    assert [piece["chunk"] for piece in media] == [str(n) for n in range(1, 13)]
    assert {len(base64.b64decode(piece["payload"])) for piece in media} == {160}
    assert got[-1]["event"] == "stop"
    assert got[-1]["stop"] == {"accountSid": ACCOUNT, "callSid": record.call_sid}


def test_frames_come_every_20_ms_without_drift_and_timestamps_are_clock_readings() -> None:
    got, talk = listener()
    record = place(Gateway(talk), Caller(50))
    stamps = [int(message["media"]["timestamp"]) for message in got if message["event"] == "media"]
    assert 100 <= stamps[0] <= 190
    assert abs(stamps[-1] - stamps[0] - 49 * 20) <= 15
    assert stamps == sorted(stamps)
    lead = len(record.caller) - 50 * 160  # silence before the first frame, so that the track begins with the stream
    assert record.caller == b"\xff" * lead + SOUND * 50
    assert abs(lead / 8 - (stamps[0] - 20)) <= 15


def test_what_the_gateway_plays_is_heard_its_marks_come_back_and_clear_cuts() -> None:
    got: list[dict[str, Any]] = []

    async def talk(socket: ServerConnection) -> None:
        await socket.recv()
        sid = json.loads(await socket.recv())["streamSid"]

        async def send(**fields: object) -> None:
            await socket.send(json.dumps({"streamSid": sid, **fields}))

        await send(event="media", media={"payload": base64.b64encode(b"\x01" * 320).decode()})
        await send(event="mark", mark={"name": "first"})
        await send(event="media", media={"payload": base64.b64encode(b"\x02" * 40_000).decode()})
        await send(event="mark", mark={"name": "second"})
        while True:
            message = json.loads(await socket.recv())
            got.append(message)
            if message.get("mark") == {"name": "first"}:
                await send(event="clear")
            elif message["event"] == "stop":
                return

    caller = Caller(20)
    record = place(Gateway(talk), caller)
    assert [message["mark"]["name"] for message in got if message["event"] == "mark"] == ["first", "second"]
    assert record.complaints == ()
    assert len(record.cuts) == 1
    assert caller.cuts == list(record.cuts)
    assert record.cuts[0].marks == ("second",)
    assert record.agent.count(b"\x01") == 320
    heard = record.agent.count(b"\x02")
    assert heard + record.cuts[0].lost_ms * 8 == 40_000
    assert heard / 8 < 300
    assert bytes(caller.heard) == record.agent
    assert caller.starts[0] == 0.0


def test_what_twilio_would_warn_of_is_in_the_record_and_the_call_goes_on() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.recv()
        sid = json.loads(await socket.recv())["streamSid"]
        for _ in range(2):
            await socket.send(json.dumps({"event": "mark", "streamSid": sid, "mark": {}}))
        await everything(socket)

    record = place(Gateway(talk), Caller(3))
    assert record.ending == Ending("caller")
    assert [(complaint.code, complaint.message) for complaint in record.complaints] == [(31951, "mark.name is missing")]


def test_a_handshake_answered_403_is_a_refusal() -> None:
    record = place(Gateway(listener()[1], status=403), Caller())
    assert record.ending == Ending("refused", 403, "31920: the handshake was answered 403")
    assert record.started_at is None
    assert record.caller == b""


def test_a_webhook_that_says_no_is_a_refusal() -> None:
    record = place(Gateway(listener()[1], webhook=403, twiml="signature"), Caller())
    assert record.ending == Ending("refused", 403, "the webhook answered 403: signature")


def test_twiml_without_a_stream_is_a_refusal() -> None:
    record = place(Gateway(listener()[1], twiml='<Response><Reject reason="busy"/></Response>'), Caller())
    assert record.ending.who == "refused"
    assert record.ending.reason.startswith("the TwiML connects no stream")


def test_a_stream_url_with_a_query_is_refused_as_twilio_drops_it() -> None:
    twiml = TWIML.replace("/ws/twilio", "/ws/twilio?token=1")
    record = place(Gateway(listener()[1], twiml=twiml), Caller())
    assert record.ending.who == "refused"
    assert "query" in record.ending.reason


def test_nobody_listening_is_a_refusal() -> None:
    exchange = Exchange("127.0.0.1", 9, PUBLIC, ACCOUNT, TOKEN)
    record = asyncio.run(Phone(exchange, Caller(), "+14155550199", "+14155550100").call())
    assert record.ending.who == "refused"
    assert record.ending.reason.startswith("no answer to the webhook")


def test_the_gateway_may_end_the_call() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.close(1008, "stream token: expired")

    record = place(Gateway(talk), Caller(1000))
    assert record.ending == Ending("gateway", 1008, "stream token: expired")
    assert str(record.ending) == "the gateway ended the stream (1008: stream token: expired)"


def test_a_connection_that_breaks_is_lost() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    record = place(Gateway(talk), Caller(1000))
    assert record.ending == Ending("lost", 1006)


def test_a_broken_websocket_is_31924() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.write(b"\x83\x00")  # opcode 3 is reserved
        await socket.wait_closed()

    record = place(Gateway(talk), Caller(1000))
    assert record.ending.who == "protocol"
    assert record.ending.code == 1002
    assert [complaint.code for complaint in record.complaints] == [31924]


def test_many_phones_talk_in_one_process() -> None:
    got, talk = listener()

    async def run() -> list[Record]:
        async with Gateway(talk).running() as exchange, asyncio.TaskGroup() as group:
            phones = [Phone(exchange, Caller(25), "+14155550199", "+14155550100") for _ in range(10)]
            calls = [group.create_task(phone.call()) for phone in phones]
        return [call.result() for call in calls]

    records = asyncio.run(run())
    assert [record.ending for record in records] == [Ending("caller")] * 10
    assert len({record.call_sid for record in records}) == 10
    assert sum(message["event"] == "media" for message in got) == 250
