"""Who is not Twilio, what comes twice, and numbers of no line."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from gateway.rehearsal.caller import Caller
from gateway.rehearsal.phone import Phone
from gateway.rehearsal.webhook import Dialled, ask
from gateway.twilio import twiml
from tests.end_to_end.calls import (
    CALLER,
    dial,
    discreet,
    get,
    listener,
    request,
)
from tests.end_to_end.people import Listener
from tests.end_to_end.world import DESK, Core, World
from tests.fakes.twilio_api import ACCOUNT_SID

pytestmark = pytest.mark.slow


def test_a_webhook_that_comes_twice_is_one_call_and_a_token_opens_one_stream(here: World, core: Core) -> None:
    owned, account = here.number(DESK), here.account()
    dialled = Dialled("CA" + "2" * 32, CALLER, DESK)
    exchange = account.exchange(owned.voice_url)

    async def answer() -> str:
        status, document = await ask(exchange, owned.voice_url, dialled.form(ACCOUNT_SID))
        assert status == 200
        return document

    def follow(document: str) -> str:
        stream = account.exchange(twiml.read_connect(document).url)
        phone = Phone(stream, Listener(lambda: False), CALLER, DESK)
        phone.dialled = dialled
        return str(asyncio.run(phone.follow(document)).ending)

    first, second = asyncio.run(answer()), asyncio.run(answer())
    assert first != second  # each token is good for one stream
    assert follow(second) == "the caller hung up"
    assert follow(second).startswith("the gateway ended the stream (1008: ")
    assert follow(first) == "the caller hung up"
    core.wait("call-ended", dialled.call_sid)
    assert len(core.notes("call-started", dialled.call_sid)) == 2  # of four streams, by two tokens
    discreet(here)


def test_nobody_but_twilio_gets_in(here: World, core: Core) -> None:
    form = urlencode(Dialled("CA" + "4" * 32, CALLER, DESK).form(ACCOUNT_SID))
    for door in ("voice", "after?attempt=1", "done", "fallback", "stream-status", "voicemail"):
        assert request("POST", here.gate, here.domain, f"/{door}", form)[0] == 403, door
    for door in ("", "/after?attempt=1", "/done", "/stream-status", "/voicemail"):
        assert request("POST", here.edge.plain, here.edge.host, f"/twiml{door}", form)[0] == 403, door
    assert get(here.edge.plain, "core", f"/calls/CA{'2' * 32}/next?attempt=1")[0] == 403

    stranger = replace(here.account(), token="e" * 32)  # another account of Twilio's
    call = asyncio.run(Caller(stranger, here.number(DESK), listener, CALLER).call())
    assert list(call.script) == ["POST /voice 403", "POST /twiml 403", "an application error has occurred"]
    assert "call-started" not in [note["message"] for note in core.notes(call_sid=call.call_sid)]


def test_a_number_of_no_line_is_turned_away_at_both_doors(here: World, core: Core) -> None:
    stray = replace(here.number(DESK), number="+14155550177")
    assert list(dial(here, stray, listener).script) == ["POST /voice 200", "reject: rejected"]
    assert list(dial(here, stray, listener, down=here.domain).script[1:]) == ["POST /twiml 200", "reject: rejected"]


def test_private_assets_are_out_of_reach(here: World) -> None:
    deployed = here.twilio.deployed / here.domain / "assets"
    private = [path.name.replace(".private", "") for path in deployed.iterdir()]
    assert "flows.json" in private
    for name in private:
        assert get(here.gate, here.domain, f"/{name}")[0] == 403, name
    assert get(here.gate, here.domain, "/health")[0] == 200
