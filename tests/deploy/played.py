"""Twilio's side of deploy/live_call.py: its REST API as far as one call needs it, and the rehearsal's call that then
rings."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]

from deploy.probe.questions import Bounds
from gateway.rehearsal.failure.caller import Caller
from gateway.rehearsal.failure.twilio import Account as Numbers
from gateway.rehearsal.failure.twilio import AfterLoss, Call, Streamed
from gateway.rehearsal.webhook import Dialled, Exchange

SID, TOKEN = "AC" + "1" * 32, "t" * 32
PUBLIC = "https://tunnel.example"
NUMBER, TESTER = "+14155550100", "+14155550123"
BOUNDS = Bounds(settle_s=0.1, half_open_s=0.4, handshake_s=1.5, sound_s=1, patience_s=20.0, last_s=0.1)
RECORDING = "https://api.twilio.com/recordings/RE1"


@dataclass
class Played(Call):
    """Twilio's side of one call, with the reports that the instrument asks for. `plays_out`: what is buffered when a
    stream ends is played before the call goes on. `reports_end`: the call's status callback is set."""

    plays_out: bool = False
    reports_end: bool = True

    async def run(self) -> None:
        await super().run()
        if not self.reports_end:
            return
        ended = {"CallStatus": "completed", "CallDuration": "9"}
        await self._post(f"{PUBLIC}/call-status", ended)

    async def _follow(self, document: str, url: str) -> str | None:
        for verb in ElementTree.fromstring(document).iter("Record"):
            return verb.get("action")
        return await super()._follow(document, url)

    async def _fetch(self, url: str, told: Any) -> str:
        recorded = {"RecordingUrl": RECORDING} if "/recorded/" in url else {}
        return await super()._fetch(url, {**told, **recorded})

    async def _stream(self, verb: ElementTree.Element) -> Streamed:
        streamed = await super()._stream(verb)
        if self.plays_out and streamed.ending.code == 1001:
            await asyncio.sleep(BOUNDS.sound_s)
        stream = verb.find("Stream")
        assert stream is not None
        event = {"StreamEvent": "stream-stopped" if streamed.orderly else "stream-error"}
        await self._post(stream.attrib["statusCallback"], {**event, "StreamError": str(streamed.ending.code)})
        return streamed


@dataclass
class Twilio(HttpClient):  # type: ignore[misc]
    """What the SDK speaks to: a call that is placed rings in a thread of its own."""

    port: int
    after_loss: AfterLoss
    plays_out: bool = False
    calls: list[Played] = field(default_factory=list)
    forms: list[dict[str, Any]] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def request(self, method: str, url: str, *_: Any, data: Any = None, **__: Any) -> Response:
        assert (method, url) == ("POST", f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Calls.json")
        self.forms.append(data)
        ringing = self.ring()
        return Response(201, json.dumps({"sid": ringing.dialled.call_sid, "account_sid": SID}))

    def ring(self) -> Played:
        exchange = Exchange("127.0.0.1", self.port, PUBLIC, SID, TOKEN, "/voice")
        dialled = Dialled("CA" + f"{len(self.calls) + 1:032d}", NUMBER, TESTER)
        call = Played(Numbers(exchange, self.after_loss), Caller(time.monotonic), dialled, plays_out=self.plays_out)
        self.calls.append(call)
        self.threads.append(threading.Thread(target=lambda: asyncio.run(call.run())))
        self.threads[-1].start()
        return call
