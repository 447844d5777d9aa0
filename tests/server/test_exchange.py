"""Getting in: webhooks, handshakes, tokens, capacity. Nothing opens a model before the checks are through."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from unittest.mock import ANY
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.release import VERSION
from gateway.server import admission
from gateway.twilio import media, signature, twiml
from tests.server.world import Phone, World, http, play

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
SECURE = {"AUTH": "required", "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": "s3cret"}
FORM = {"To": "+14155550100", "From": "+14155550199", "CallSid": "CA1", "AccountSid": "AC1", "Digits": ""}


async def webhook(world: World, form: dict[str, str], token: str | None = AUTH_TOKEN) -> tuple[int, str]:
    headers = {"X-Twilio-Signature": signature.sign(world.url + "/twiml", form, token)} if token else {}
    return await http(world.url + "/twiml", urlencode(form).encode(), headers)


async def signed_phone(world: World, token: str = AUTH_TOKEN) -> Phone:
    return await world.phone({"X-Twilio-Signature": signature.sign(world.ws_url, {}, token)})


async def stream_parameters(world: World) -> dict[str, str]:
    _, body = await webhook(world, {**FORM, "CallSid": "CA1"})
    return dict(twiml.read_connect(body).parameters)


def test_a_signed_webhook_and_stream_make_a_call(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        status, body = await webhook(world, FORM)
        assert status == 200
        opening = twiml.read_connect(body)
        assert opening.url == world.ws_url
        assert opening.parameters["from"] == "+14155550199"
        phone = await signed_phone(world)
        await phone.start(**opening.parameters)
        await world.model()
        assert (await world.note("call-started"))["line"] == "front-desk"

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize("token", [None, "f" * 32], ids=["unsigned", "signed by another"])
def test_a_forged_webhook_is_refused(tmp_path: Path, token: str | None) -> None:
    async def scenario(world: World) -> None:
        assert (await webhook(world, FORM, token))[0] == 403
        assert world.notes("webhook-refused")

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize("header", [{}, {"X-Twilio-Signature": "bm9uc2Vuc2U="}], ids=["unsigned", "forged"])
def test_a_forged_handshake_is_refused_before_it_is_accepted(tmp_path: Path, header: dict[str, str]) -> None:
    async def scenario(world: World) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await world.phone(header)
        assert refused.value.response.status_code == 403

    play(tmp_path, scenario, **SECURE)


def test_a_handshake_signed_over_https_is_refused(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        over_http = signature.sign(world.url + "/ws/twilio", {}, AUTH_TOKEN)
        with pytest.raises(InvalidStatus):
            await world.phone({"X-Twilio-Signature": over_http})

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"token": ""}, "malformed"),
        ({"token": "x.y"}, "bad signature"),
    ],
)
def test_a_bad_token_closes_the_stream_and_opens_no_model(tmp_path: Path, changes: dict[str, str], why: str) -> None:
    async def scenario(world: World) -> None:
        parameters = await stream_parameters(world)
        phone = await signed_phone(world)
        await phone.start(**{**parameters, **changes})
        assert await phone.closed() == (1008, f"stream token: {why}")
        assert world.models.empty()

    play(tmp_path, scenario, **SECURE)


def test_a_token_is_for_its_call_and_for_once(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        parameters = await stream_parameters(world)
        first = await signed_phone(world)
        await first.start(**parameters)
        await world.model()
        again = await signed_phone(world)
        again.sid = "MZ1"
        await again.start(**parameters)
        assert (await again.closed())[0] == 1008
        other = await signed_phone(world)
        await other.start(**parameters)
        assert await other.closed() == (1008, "stream token: other call")

    play(tmp_path, scenario, **SECURE)


def test_the_previous_auth_token_still_opens_during_rotation(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert (await webhook(world, FORM, AUTH_TOKEN))[0] == 200
        await signed_phone(world)

    env = {**SECURE, "TWILIO_AUTH_TOKEN": "a" * 32, "TWILIO_AUTH_TOKEN_PREVIOUS": AUTH_TOKEN}
    play(tmp_path, scenario, **env)


def test_the_public_url_is_what_counts_behind_a_proxy(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        public = "https://gw.example.com"
        headers = {"X-Twilio-Signature": signature.sign(public + "/twiml", FORM, AUTH_TOKEN)}
        status, body = await http(world.url + "/twiml", urlencode(FORM).encode(), headers)
        assert status == 200
        opening = twiml.read_connect(body)
        assert opening.url == "wss://gw.example.com/ws/twilio"
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example.com"}
        good = signature.sign(opening.url, {}, AUTH_TOKEN)
        phone = await world.phone({"X-Twilio-Signature": good, **forwarded})
        await phone.start(**opening.parameters)
        await world.model()

    play(tmp_path, scenario, **SECURE, PUBLIC_URL="https://gw.example.com")


def test_a_number_that_nobody_answers_is_rejected(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        status, body = await webhook(world, {**FORM, "To": "+14155559999"}, None)
        assert (status, "<Reject" in body) == (200, True)
        (note,) = world.notes("call-refused")
        assert "+1415" not in str({key: value for key, value in note.items() if key != "private"})

    play(tmp_path, scenario)


def test_a_line_that_does_not_exist_is_turned_away(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.start(line="nowhere")
        assert await phone.closed() == (1008, "no line 'nowhere' in flow 'clinic'")

    play(tmp_path, scenario)


def test_a_stream_that_never_starts_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However well its handshake is signed; Twilio is given 5 s, and nobody opens a session meanwhile."""
    assert admission.START_S == 5.0
    monkeypatch.setattr(admission, "START_S", 0.1)

    async def scenario(world: World) -> None:
        phone = await signed_phone(world)
        assert await phone.closed() == (1008, "no start within 0 s")
        late = await signed_phone(world)
        await late.socket.send(media.build_from_twilio(media.Connected("Call", "1.0.0"), late.sid))
        assert await late.closed() == (1008, "no start within 0 s")
        assert world.models.empty()

    play(tmp_path, scenario, **SECURE)


def test_a_shared_key_signs_handshakes(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        signed = {signature.HEADER: signature.sign(world.ws_url, {}, "shared", "HMAC_SHA256")}
        for named in ({}, {signature.SETTINGS_HEADER: "key=k2,algorithm=HMAC_SHA256"}):
            with pytest.raises(InvalidStatus) as refused:
                await world.phone({**signed, **named})
            assert refused.value.response.status_code == 403
        phone = await world.phone({**signed, signature.SETTINGS_HEADER: "key=k1,algorithm=HMAC_SHA256"})
        await phone.start_as("CA1", **await stream_parameters(world))
        await world.model()

    play(tmp_path, scenario, **SECURE, TWILIO_SHARED_KEYS="k1=shared")


def test_sound_before_the_start_is_out_of_order(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.say()
        assert (await phone.closed())[0] == 1002

    play(tmp_path, scenario)


def test_beyond_the_capacity_calls_are_refused_politely(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await world.call(line="quiet")
        status, body = await webhook(world, {**FORM, "CallSid": "CA9"}, None)
        assert (status, 'reason="busy"' in body) == (200, True)
        other = await world.phone()
        await other.start(line="quiet")
        assert await other.closed() == (1013, "full")
        assert world.exchange.metrics.get("gateway_calls_refused_total", why="full") == 2
        await phone.stop()
        await phone.closed()
        await asyncio.wait_for(world.exchange.empty(), 5)
        await world.call(line="quiet")

    play(tmp_path, scenario, MAX_CALLS="1")


def test_a_stream_that_has_not_started_takes_a_place(tmp_path: Path) -> None:
    """Else a burst of handshakes would open more calls than there is room for."""

    async def scenario(world: World) -> None:
        opening = await world.phone()
        with pytest.raises(InvalidStatus) as refused:
            await world.phone()
        assert refused.value.response.status_code == 503
        assert 'reason="busy"' in (await webhook(world, FORM, None))[1]
        await opening.socket.close()
        async with asyncio.timeout(5):
            while not world.exchange.room_for("CA9"):  # noqa: ASYNC110  a set
                await asyncio.sleep(0.01)
        await world.call(line="quiet")

    play(tmp_path, scenario, MAX_CALLS="1")


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/twilio/", "/ws/twilio2", "/WS/twilio", "/twiml", "/calls/CA1/next"])
def test_a_stream_is_taken_at_its_own_path_alone(tmp_path: Path, path: str) -> None:
    async def scenario(world: World) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with connect("ws" + world.url.removeprefix("http") + path, compression=None, proxy=None):
                pass
        assert refused.value.response.status_code in (400, 403, 404, 405)
        assert world.exchange.calls == 0

    play(tmp_path, scenario)


def test_while_draining_nobody_gets_in(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        status, body = await http(world.url + "/readyz")
        ready = {"calls": 0, "max_calls": 40, "ready": True, "version": VERSION, "flows": ANY}
        assert (status, json.loads(body)) == (200, ready)
        world.exchange.drain()
        assert (await http(world.url + "/readyz"))[0] == 503
        assert (await http(world.url + "/healthz"))[0] == 200
        assert "<Reject" in (await webhook(world, FORM, None))[1]
        with pytest.raises(InvalidStatus):
            await world.phone()

    play(tmp_path, scenario)


def test_other_paths_and_methods_are_not_found(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert (await http(world.url + "/nothing"))[0] == 404
        assert (await http(world.url + "/twiml"))[0] == 405
        assert (await http(world.url + "/twiml", b"x" * 70_000))[0] == 413

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    "changes",
    [{"From": "\x07+1415\ufffe"}, {"CallSid": "C" * 400}, {"From": "x" * 900}, {"To": ""}, {"From": "", "CallSid": ""}],
)
def test_odd_webhooks_are_answered_with_twiml(tmp_path: Path, changes: dict[str, str]) -> None:
    async def scenario(world: World) -> None:
        status, body = await webhook(world, {**FORM, **changes}, None)
        assert status == 200
        assert body.startswith("<?xml")

    play(tmp_path, scenario)


def test_through_a_tunnel_the_stream_is_wss(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        _, body = await http(world.url + "/twiml", urlencode(FORM).encode(), {"Host": "abc.tunnel.example"})
        assert twiml.read_connect(body).url == "wss://abc.tunnel.example/ws/twilio"

    play(tmp_path, scenario)
