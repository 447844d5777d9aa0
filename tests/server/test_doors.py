"""Attacks on the core's doors, over a real socket: forged, replayed, expired and foreign tokens, URLs and forms with
odd encodings, deliveries that come twice, Functions with other flows or another secret, strangers who only look."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import InvalidStatus

from gateway.flow.route import Usage
from gateway.live import messages as live
from gateway.problem import Place, Problem
from gateway.server.afterwards import Step, Tries
from gateway.server.documents import sorry
from gateway.server.reception import Reception
from gateway.twilio import knock, media, signature, token, twiml
from tests.server.world import FLOW, Phone, World, http, play

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
SECURE = {"AUTH": "required", "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": "s3cret"}
CALLER = "+14155550199"
FORM = {"To": "+14155550100", "From": CALLER, "CallSid": "CA1", "AccountSid": "AC1"}


async def answered(world: World, url: str = "", body: str = "", signed: str = "") -> tuple[int, str]:
    """A webhook of Twilio's to `url`, signed over `signed`."""
    url = url or world.url + "/twiml"
    given = {signature.HEADER: signature.sign(signed or url, FORM, AUTH_TOKEN)}
    return await http(world.url + url.removeprefix(world.url), (body or urlencode(FORM)).encode(), given)


async def opened(world: World, given: str, **parameters: str) -> Phone:
    """A handshake as Twilio's, and a start with this token."""
    phone = await world.phone({signature.HEADER: signature.sign(world.ws_url, {}, AUTH_TOKEN)})
    await phone.start_as("CA1", token=given, **parameters)
    return phone


def minted(secret: str = "s3cret", late_s: float = 0, nonce: str = "n", **claims: str | int) -> str:
    """A token of Functions' whose clock is `late_s` behind."""
    said = {"call_sid": "CA1", "account_sid": "AC1", "flow": "clinic", "line": "front-desk", "persona": "ava", **claims}
    return token.mint(secret, token.StreamClaims(**said), time.time() - late_s, nonce)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "query",
    [
        *("line=clinic%2Ffront-desk", "line=clinic%2ffront-desk", "line=clinic/front-desk", "line=a+b", "line=a%20b"),
        *("line=%E9", "line=%", "a=1&a=2", "a=&b=", "a", "?", "x=~!*'()|^[1];y=2"),
    ],
)
def test_a_query_is_signed_as_it_is_written(tmp_path: Path, query: str) -> None:
    async def scenario(world: World) -> None:
        url = f"{world.url}/twiml?{query}"
        assert (await answered(world, url))[0] == 200
        assert (await answered(world, url, signed=url + "&"))[0] == 403
        other = url.replace("%2F", "/") if "%2F" in url else url.replace("line", "Line").replace("a", "A")
        if other != url:
            assert (await answered(world, url, signed=other))[0] == 403

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize(
    "public", ["https://gw.example.com/below", "https://gw.example.com:8443", "https://GW.Example.com"]
)
def test_every_door_is_at_the_public_url(tmp_path: Path, public: str) -> None:
    async def scenario(world: World) -> None:
        for wrong in (public.upper(), public.replace("https", "http"), public + "/", world.url):
            assert (await answered(world, signed=wrong + "/twiml"))[0] == 403
        status, body = await answered(world, signed=public + "/twiml")
        assert status == 200
        opening = twiml.read_connect(body)
        assert opening.url == public.replace("https", "wss") + "/ws/twilio"
        assert f'<Connect action="{public}/twiml/after?attempt=1"' in body
        for wrong in (opening.url + "/", opening.url.upper(), opening.url.replace("wss", "https"), world.ws_url):
            with pytest.raises(InvalidStatus):
                await world.phone({signature.HEADER: signature.sign(wrong, {}, AUTH_TOKEN)})
        proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "x.example.com"}
        await world.phone({signature.HEADER: signature.sign(opening.url, {}, AUTH_TOKEN), **proxied})

    play(tmp_path, scenario, **SECURE, PUBLIC_URL=public + "/")


def test_blank_and_repeated_fields_are_signed_too(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        fields = {**FORM, "Digits": "", "A": ["2", "1"], "City": "São Paulo x"}
        given = {signature.HEADER: signature.sign(world.url + "/twiml", fields, AUTH_TOKEN)}
        body = urlencode(FORM) + "&Digits=&A=2&A=1&City=S%C3%A3o+Paulo%20x"
        assert (await http(world.url + "/twiml", body.encode(), given))[0] == 200
        for changed in (body.replace("&Digits=", ""), body.replace("&A=2", ""), body + "&B=", body.replace("%20", "")):
            assert (await http(world.url + "/twiml", changed.encode(), given))[0] == 403

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"late_s": 61}, "expired"),
        ({"secret": "another"}, "bad signature"),
        ({"call_sid": "CA2"}, "other call"),
        ({"account_sid": "AC2"}, "other call"),
    ],
)
def test_a_token_that_opens_nothing(tmp_path: Path, claims: dict[str, Any], why: str) -> None:
    async def scenario(world: World) -> None:
        assert await (await opened(world, minted(**claims))).closed() == (1008, f"stream token: {why}")
        assert world.models.empty()

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize("forge", ["{}x", "x{}", "{0}.{0}", "e30.{}"])
def test_a_token_that_was_tampered_with(tmp_path: Path, forge: str) -> None:
    async def scenario(world: World) -> None:
        code, reason = await (await opened(world, forge.format(minted()))).closed()
        assert (code, reason.partition(":")[0]) == (1008, "stream token")
        assert world.models.empty()

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize("late_s", [30, -30])
def test_clocks_may_differ_by_half_a_minute(tmp_path: Path, late_s: float) -> None:
    async def scenario(world: World) -> None:
        given = minted(late_s=late_s)
        await opened(world, given)
        await world.model()
        again = await opened(world, given)
        assert await again.closed() == (1008, "stream token: used before")
        at, path = int(time.time() - late_s), "/calls/CA1/next?attempt=1"
        headers = {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: knock.sign("s3cret", "GET", path, at)}
        assert (await http(world.url + path, None, headers))[0] == 200

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize(("secret", "status"), [("new", 200), ("old", 200), ("older", 403), ("", 403)])
def test_both_secrets_open_while_they_are_rotated(tmp_path: Path, secret: str, status: int) -> None:
    async def scenario(world: World) -> None:
        at, path = int(time.time()), "/calls/CA9/next?attempt=1"
        headers = {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: knock.sign(secret, "GET", path, at)}
        assert (await http(world.url + path, None, headers))[0] == status
        if secret:
            phone = await opened(world, minted(secret))
            if status == 200:
                await world.model()
            else:
                assert await phone.closed() == (1008, "stream token: bad signature")

    play(tmp_path, scenario, **{**SECURE, "STREAM_SECRET": "new", "STREAM_SECRET_PREVIOUS": "old"})


@pytest.mark.parametrize("claims", [{"line": "gone"}, {"persona": "gone"}, {"flow": "gone"}])
def test_functions_that_know_what_the_core_does_not(tmp_path: Path, claims: dict[str, str]) -> None:
    async def scenario(world: World) -> None:
        phone = await opened(world, minted("s3cret", 0, "n", **claims), hash="0" * 64)
        assert (await phone.closed())[0] == 1008
        assert world.models.empty()
        assert await world.exchange.next("CA1", Tries(1)) == Step("stream", Tries(2, 1))  # and twice at most

    play(tmp_path, scenario, **SECURE)


def test_functions_with_other_flows_are_served_and_told_of(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await opened(world, minted(), hash="0" * 64)
        await world.model()
        await world.note("flows-differ")
        assert world.exchange.metrics.get("gateway_flow_hash_mismatch_total") == 1

    play(tmp_path, scenario, **SECURE)


LIMITS = ["max_duration: 30s", "concurrent_calls: 1", "per_caller: 1/h", "concurrent_calls: 1, per_caller: 1/h"]


@pytest.mark.parametrize("late", [False, True], ids=["both answered first", "the second answered in the call"])
@pytest.mark.parametrize("limits", LIMITS)
def test_a_webhook_that_comes_twice_makes_one_call(tmp_path: Path, limits: str, late: bool) -> None:
    """Each answer has its token; whichever Twilio follows opens the call. Both at once: the later takes the call, which
    counts once."""

    async def scenario(world: World) -> None:
        bodies = [(await answered(world))[1] for _ in range(1 if late else 2)]
        phone = await opened(world, twiml.read_connect(bodies[0]).parameters["token"], **{"from": CALLER})
        await world.model()
        if late:
            bodies.append((await answered(world))[1])
        first, second = (twiml.read_connect(body).parameters["token"] for body in bodies)
        assert first != second
        again = await opened(world, second, **{"from": CALLER})
        model = await world.model()
        assert (await phone.closed())[0] == 1000
        await world.note("call-ended")
        async with asyncio.timeout(5):
            while world.exchange.calls > 1:  # noqa: ASYNC110  the first ends by itself
                await asyncio.sleep(0.01)
        assert world.exchange.calls == 1
        (flow,) = world.exchange.flows.flows
        assert world.exchange.usage(flow, CALLER, "CA1") == Usage()
        assert world.exchange.usage(flow, CALLER, "CA2") == Usage(1, 1 if "per_caller" in limits else 0)
        await model.expect(live.Setup)
        await model.say(live.Ready(), live.ModelAudio(b"\1\2" * 2400))
        await again.expect(media.Play)

    play(tmp_path, scenario, FLOW.replace("max_duration: 30s", limits), **SECURE)


COUNTED = {"concurrent_calls: 1": "concurrent", "concurrent_calls: 1, per_caller: 1/h": "per-caller"}


@pytest.mark.parametrize("limits", COUNTED)
def test_a_call_whose_first_stream_never_came_is_limited_as_any_other(tmp_path: Path, limits: str) -> None:
    """Its second attempt is the first that the core sees: another call is there, and then it counts itself."""

    async def scenario(world: World) -> None:
        phone = await opened(world, minted(), **{"from": CALLER})
        await world.model()
        late = await world.phone({signature.HEADER: signature.sign(world.ws_url, {}, AUTH_TOKEN)})
        given = minted(nonce="late", call_sid="CA2", attempt=2)
        await late.start_as("CA2", token=given, **{"from": CALLER})
        assert await late.closed() == (1013, f"limits: {COUNTED[limits]}")
        await phone.stop()
        await asyncio.wait_for(world.exchange.empty(), 5)
        other = await world.phone({signature.HEADER: signature.sign(world.ws_url, {}, AUTH_TOKEN)})
        given = minted(nonce="other", call_sid="CA3", attempt=2)
        await other.start_as("CA3", token=given, **{"from": "+14155550177"})
        await world.model()
        (flow,) = world.exchange.flows.flows
        assert world.exchange.usage(flow, "+14155550177", "CA4") == Usage(1, 1 if "per_caller" in limits else 0)

    play(tmp_path, scenario, FLOW.replace("max_duration: 30s", limits), **SECURE)


@pytest.mark.parametrize("attempt", [1, 2], ids=["a webhook that came twice", "a break that nobody noticed"])
def test_a_full_instance_goes_on_with_its_own_calls(tmp_path: Path, attempt: int) -> None:
    async def scenario(world: World) -> None:
        phone = await opened(world, minted(nonce="a"))
        await world.model()
        status, body = await answered(world)
        assert (status, "<Connect" in body) == (200, True)
        again = await opened(world, minted(nonce="b", attempt=attempt))
        model = await world.model()
        assert (await phone.closed())[0] == 1000
        await model.expect(live.Setup)
        await model.say(live.Ready(), live.ModelAudio(b"\1\2" * 2400))
        await again.expect(media.Play)
        assert not world.exchange.room_for("CA9")
        other = await world.phone({signature.HEADER: signature.sign(world.ws_url, {}, AUTH_TOKEN)})
        await other.start_as("CA2", token=minted(call_sid="CA2"))
        assert await other.closed() == (1013, "full")
        assert world.exchange.calls == 1

    play(tmp_path, scenario, MAX_CALLS="1", **SECURE)


def test_of_streams_that_say_nothing_a_full_instance_lets_few_in(tmp_path: Path) -> None:
    """Each might be of a call that is here, until it has started."""

    async def scenario(world: World) -> None:
        given = {signature.HEADER: signature.sign(world.ws_url, {}, AUTH_TOKEN)}
        for nth in "123":
            phone = await world.phone(given)
            sid = f"CA{nth}"
            await phone.start_as(sid, token=minted(nonce=nth, call_sid=sid))
            await world.model()
        mute = [await world.phone(given) for _ in range(2)]
        with pytest.raises(InvalidStatus) as refused:
            await world.phone(given)
        assert refused.value.response.status_code == 503
        await mute[0].socket.close()
        await world.note("stream-left")
        await (await world.phone(given)).start_as("CA3", token=minted(nonce="4", call_sid="CA3"))
        await world.model()

    play(tmp_path, scenario, MAX_CALLS="3", **SECURE)


def test_a_stream_for_a_line_that_is_gone_ends_nobodys_call(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone = await opened(world, minted())
        model = await world.model()
        await model.expect(live.Setup)
        assert (await (await opened(world, minted(nonce="other", line="gone"))).closed())[0] == 1008
        await model.say(live.Ready(), live.ModelAudio(b"\1\2" * 2400))
        await phone.expect(media.Play)

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize("attempt", ["0", "00", "-1", "21", "٢", "2.0"])
def test_an_attempt_that_is_none_opens_no_stream(tmp_path: Path, attempt: str) -> None:
    async def scenario(world: World) -> None:
        url = f"{world.url}/twiml/after?" + urlencode({"attempt": attempt})
        status, body = await answered(world, url)
        assert (status, "<Connect" in body) == (200, False)

    play(tmp_path, scenario, **SECURE)


def test_strangers_see_no_file_and_no_fault_in_readyz(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        fault = Problem(Place("flows/clinic.yaml", 4, 2), "numbers[0].number", "is MARK")
        world.exchange.generations.refuse([fault, fault], 0)
        status, body = await http(world.url + "/readyz")
        assert (status, json.loads(body)["flows"]["faults"]) == (200, 2)
        assert "clinic" not in body
        assert "MARK" not in body
        at = int(time.time())
        known = {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: knock.sign("s3cret", "GET", "/readyz", at)}
        status, body = await http(world.url + "/readyz", None, known)
        assert (status, json.loads(body)["flows"]["refused"]) == (200, [str(fault)] * 2)
        forged = {**known, knock.SIGNATURE_HEADER: knock.sign("another", "GET", "/readyz", at)}
        assert "MARK" not in (await http(world.url + "/readyz", None, forged))[1]

    play(tmp_path, scenario, **SECURE)


def test_no_line_of_the_log_names_a_caller(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await answered(world)
        await answered(world, body=urlencode({**FORM, "To": "+14155559999"}))
        await answered(world, world.url + "/twiml/after?attempt=1")
        await answered(world, world.url + "/twiml/done")
        await answered(world, world.url + "/twiml/voicemail")
        await http(world.url + "/twiml", urlencode(FORM).encode())
        for given in (minted(), minted(), minted(nonce="other", line="gone")):
            await opened(world, given, **{"from": CALLER, "to": "+14155550100"})
        await world.model()
        await world.note("stream-refused")
        for line in world._log.getvalue().splitlines():
            public = {name: value for name, value in json.loads(line).items() if name != "private"}
            assert "+1415" not in json.dumps(public)

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"x", 403),
        ("multipart/form-data; boundary=a", b"--a\r\n" * 3000, 403),
        ("application/x-www-form-urlencoded; charset=utf-7", b"To=+1", 403),
        ("application/x-www-form-urlencoded", b"%ff%fe=%&=&&&;;\x00\xff", 403),
        ("application/x-www-form-urlencoded", b"a=1&" * 4000, 403),
        ("application/x-www-form-urlencoded", b"a" * 17_000, 413),
        ("application/json", b"{", 403),
        ("text/xml", b"<a>", 403),
    ],
)
def test_what_is_no_webhook_is_refused_and_no_bug(tmp_path: Path, kind: str, body: bytes, status: int) -> None:
    async def scenario(world: World) -> None:
        for path in ("/twiml", "/twiml/after?attempt=1", "/twiml/voicemail", "/calls/CA1/warm"):
            forged = {"Content-Type": kind, signature.HEADER: "Zm9yZ2Vk"}
            assert (await http(world.url + path, body, forged))[0] == status
        assert '"severity":"ERROR"' not in world._log.getvalue().replace(" ", "")

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize("door", ["answer", "after", "done"])
def test_a_bug_still_answers_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    def broken(*_: object) -> str:
        raise LookupError

    monkeypatch.setattr(Reception, door, broken)

    async def scenario(world: World) -> None:
        path = {"answer": "/twiml", "after": "/twiml/after?attempt=1", "done": "/twiml/done"}[door]
        assert await answered(world, world.url + path) == (200, sorry())
        assert any("LookupError" in line for line in world._log.getvalue().splitlines())

    play(tmp_path, scenario, **SECURE)
