"""The core's own webhooks: who answers, and how a call goes on when its stream has ended."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.flow.load import load
from gateway.live import messages as live
from gateway.server import documents
from gateway.twilio import knock, media, signature, token, twiml
from tests.server.world import FLOW, World, http, play

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
SECURE = {"AUTH": "required", "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": "s3cret"}
MARKED = {
    "GOOGLE_API_KEY": "marker-google",
    "STREAM_SECRET": "marker-stream",
    "STREAM_SECRET_PREVIOUS": "marker-before",
    "TWILIO_AUTH_TOKEN_PREVIOUS": "marker-previous",
    "TWILIO_SHARED_KEYS": "k1=marker-shared",
}
ANN = "+14155550199"
HEAD = '<?xml version="1.0" encoding="UTF-8"?><Response>'

CAREFUL = '<Say language="en-GB">Harbour Dental can\'t take your call.</Say><Record '

SORRY = f'<Say language="en-US">{documents.SORRY}</Say><Hangup />'

# Always open or never, whatever the day on which this runs.
RICH = """
version: 1
name: clinic
defaults: { language: en-GB }
variables: { clinic: Harbour Dental }
numbers:
  - { label: front-desk, number: "+14155550100", persona: ava }
  - { label: at-night, number: "+14155550101", persona: ava, hours: never }
  - label: shut
    number: "+14155550102"
    persona: ava
    hours: shut
    language: es
  - label: careful
    number: "+14155550103"
    persona: ava
    fallback: { say: "{{clinic}} can't take your call.", then: voicemail }
  - { label: away, number: "+14155550104", persona: ava, hours: away, fallback: { say: Sorry. } }
  - { label: bought, search: { country: US }, persona: ava, language: de-DE }
  - label: rings
    number: "+14155550105"
    persona: ava
    fallback: { say: One moment., then: dial, to: "+14155550123" }
personas:
  ava:
    instructions: You answer {{call.line}}.
  night:
    instructions: You say that the clinic is closed.
hours:
  never: { weekly: { mon-sun: "00:00-24:00" }, holidays: [01-01 to 12-31], closed: { persona: night } }
  shut:
    weekly: { mon-sun: "00:00-24:00" }
    holidays: [{ date: 01-01 to 12-31, name: Renovation }]
    closed: { say: "{{clinic}} is closed.", then: hangup }
  away:
    weekly: { mon-sun: "00:00-24:00" }
    holidays: [01-01 to 12-31]
    closed: { say: One moment., then: dial, to: "+14155550123" }
limits: { concurrent_calls: 2, per_caller: 3/h, deny: ["+1900"], countries: [US] }
"""


def form(**changes: str) -> dict[str, str]:
    return {"To": "+14155550100", "From": ANN, "CallSid": "CA1", "AccountSid": "AC1", **changes}


async def asked(world: World, fields: dict[str, str], path: str = "/twiml") -> str:
    status, body = await http(world.url + path, urlencode(fields).encode())
    assert status == 200
    return body.removeprefix(HEAD).removesuffix("</Response>")


async def stepped(world: World, sid: str, attempt: str = "1") -> tuple[int, dict[str, object]]:
    status, body = await http(f"{world.url}/calls/{sid}/next?attempt={attempt}")
    return status, json.loads(body)


def test_an_open_line_is_connected_and_the_way_on_is_named(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        body = await asked(world, form())
        assert f'<Connect action="{world.url}/twiml/after?attempt=1" method="POST">' in body
        assert f'statusCallback="{world.url}/twiml/stream-status"' in body
        given = twiml.read_connect(f"<Response>{body}</Response>").parameters
        assert (given["flow"], given["line"], given["persona"]) == ("clinic", "front-desk", "ava")
        assert (given["attempt"], given["from"], given["to"]) == ("1", ANN, "+14155550100")
        assert given["hash"] == world.exchange.hash

    play(tmp_path, scenario, RICH)


def test_a_closed_line_is_answered_by_the_persona_of_its_hours(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        body = await asked(world, form(To="+14155550101"))
        phone = await world.phone()
        await phone.start(**twiml.read_connect(f"<Response>{body}</Response>").parameters)
        setup = await (await world.model()).expect(live.Setup)
        assert "clinic is closed" in str(setup.setup["systemInstruction"])
        assert (await world.note("call-started"))["persona"] == "night"

    play(tmp_path, scenario, RICH)


def test_a_closed_line_without_a_persona_is_twilios(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        said = await asked(world, form(To="+14155550102"))
        assert said == '<Say language="es-ES">Harbour Dental is closed.</Say><Hangup />'
        dialled = await asked(world, form(To="+14155550104"))
        assert '<Say language="en-GB">One moment.</Say><Dial action=' in dialled
        assert ">+14155550123</Dial>" in dialled

    play(tmp_path, scenario, RICH)


def test_the_lines_language_is_spoken_first(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.start(line="bought", persona="")
        setup = await (await world.model()).expect(live.Setup)
        assert "Begin in German" in str(setup.setup["systemInstruction"])

    play(tmp_path, scenario, RICH)


def test_the_log_names_the_holiday_on_which_a_call_was_turned_away(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await asked(world, form(To="+14155550102"))
        note = await world.note("call-refused")
        assert (note["why"], note["holiday"]) == ("holiday", "Renovation")

    play(tmp_path, scenario, RICH)


@pytest.mark.parametrize("caller", ["+266696687", "anonymous", "+14155550199"])
def test_the_agent_is_told_no_number_that_is_none(tmp_path: Path, caller: str) -> None:
    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.start(line="front-desk", **{"from": caller})
        setup = await (await world.model()).expect(live.Setup)
        told = caller if caller == "+14155550199" else "withheld"
        assert f"called from {told}." in str(setup.setup["systemInstruction"])

    play(tmp_path, scenario)


@pytest.mark.parametrize("caller", ["+19005550100", "+4930123456", "anonymous", "+266696687", ""])
def test_who_may_not_call_is_rejected(tmp_path: Path, caller: str) -> None:
    async def scenario(world: World) -> None:
        assert await asked(world, form(From=caller)) == '<Reject reason="rejected" />'
        assert (await world.note("call-refused"))["why"] in ("denied", "country")

    play(tmp_path, scenario, RICH)


def test_one_call_too_many_hears_the_lines_fallback_or_busy(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        for _ in range(2):
            await world.call(**{"from": ANN, "line": "front-desk"})
        fallback = await asked(world, form(To="+14155550103", CallSid="CA9"))
        assert fallback.startswith('<Say language="en-GB">Harbour Dental can\'t take your call.</Say><Record ')
        assert f'action="{world.url}/twiml/done"' in fallback
        assert await asked(world, form(CallSid="CA9")) == '<Reject reason="busy" />'

    play(tmp_path, scenario, RICH)


@pytest.mark.parametrize("why", ["full", "draining", "quota"])
def test_where_nobody_can_answer_the_line_says_so_or_is_busy(tmp_path: Path, why: str) -> None:
    async def scenario(world: World) -> None:
        if why == "full":
            await world.call(line="front-desk")
        elif why == "draining":
            world.exchange.drain()
        else:
            project = world.exchange._project(world.exchange.flows.flows[0].personas["ava"])
            world.exchange._breaker.quota(project, asyncio.get_running_loop().time())
        said = await asked(world, form(To="+14155550103", CallSid="CA9"))
        assert said.startswith(CAREFUL)
        assert f'action="{world.url}/twiml/done"' in said
        assert await asked(world, form(CallSid="CA9")) == '<Reject reason="busy" />'
        assert [note["why"] for note in world.notes("call-refused")] == [why, why]
        assert world.exchange.metrics.get("gateway_calls_refused_total", why=why) == 2

    play(tmp_path, scenario, RICH, MAX_CALLS="1")


def test_a_caller_who_calls_too_often_hears_busy(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        for _ in range(3):
            phone, _ = await world.call(**{"from": ANN})
            await phone.stop()
            await phone.closed()
        assert await asked(world, form(CallSid="CA9")) == '<Reject reason="busy" />'
        assert "<Connect" in await asked(world, form(CallSid="CA9", From="+14155550198"))

    play(tmp_path, scenario, RICH)


def test_limits_hold_for_streams_that_functions_answered(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        for _ in range(2):
            await world.call(**{"from": ANN})
        phone = await world.phone()
        await phone.start(**{"from": ANN})
        assert await phone.closed() == (1013, "limits: concurrent")
        assert await stepped(world, "CA3") == (200, {"next": "fallback"})
        assert world.models.empty()

    play(tmp_path, scenario, RICH)


def test_after_a_call_that_ended_well_comes_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await world.call()
        await phone.stop()
        await phone.closed()
        assert await stepped(world, "CA1") == (200, {"next": "hangup"})
        assert await asked(world, form(), "/twiml/after?attempt=1") == "<Hangup />"

    play(tmp_path, scenario, RICH)


def test_a_broken_stream_is_followed_by_another_with_the_same_persona(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await world.call(persona="night")
        await phone.socket.close(1011)
        await world.note("call-ended")
        served = {"flow": "clinic", "line": "front-desk", "persona": "night"}
        assert await stepped(world, "CA1") == (200, {"next": "stream", "attempt": 2, "failed": 1, **served})
        body = await asked(world, form(), "/twiml/after?attempt=1")
        given = twiml.read_connect(f"<Response>{body}</Response>").parameters
        assert (given["attempt"], given["persona"]) == ("2", "night")
        assert "/twiml/after?attempt=2&amp;failed=1" in body
        assert (await stepped(world, "CA1", "3&failed=2"))[1] == {"next": "fallback"}
        sorry = await asked(world, form(), "/twiml/after?attempt=3&failed=2")
        assert sorry.startswith("<Say")
        assert sorry.endswith("<Hangup />")

    play(tmp_path, scenario, RICH)


def test_a_model_that_is_gone_leads_to_the_fallback(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        _, model = await world.call(line="careful")
        await model.close(1011, "RESOURCE_EXHAUSTED")
        await world.note("call-ended")
        assert (await stepped(world, "CA1"))[1] == {"next": "fallback"}
        body = await asked(world, form(To="+14155550103"), "/twiml/after?attempt=1")
        assert "<Record" in body

    play(tmp_path, scenario, RICH)


def test_a_call_that_nobody_remembers_is_tried_again(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert await stepped(world, "CA9") == (200, {"next": "stream", "attempt": 2, "failed": 1})
        assert "<Connect" in await asked(world, form(CallSid="CA9"), "/twiml/after?attempt=1")
        assert "<Connect" in await asked(world, form(CallSid="CA9"), "/twiml/after?attempt=2&failed=1")
        assert "<Say" in await asked(world, form(CallSid="CA9"), "/twiml/after?attempt=3&failed=2")
        for attempt in ("", "x", "99", "-1", "1e3"):
            assert "<Connect" not in await asked(world, form(CallSid="CA9"), f"/twiml/after?attempt={attempt}")

    play(tmp_path, scenario, RICH)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("+14155550100", SORRY),
        ("+14155550103", CAREFUL),
        ("+14155550104", '<Say language="en-GB">Sorry.</Say><Hangup />'),
        ("+14155550105", '<Say language="en-GB">One moment.</Say><Dial '),
    ],
)
def test_who_would_be_rejected_by_now_hears_the_fallback(tmp_path: Path, line: str, said: str) -> None:
    """The call is answered already, and <Reject> is for one that isn't."""

    async def scenario(world: World) -> None:
        for caller in ("+19005550100", "+4930123456", "anonymous"):
            assert await asked(world, form(To=line, From=caller)) == '<Reject reason="rejected" />'
            body = await asked(world, form(To=line, From=caller), "/twiml/after?attempt=1")
            assert body.startswith(said), body

    play(tmp_path, scenario, RICH)


def test_a_stream_that_ends_after_closing_time_is_followed_by_what_is_said_then(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        shut = await asked(world, form(To="+14155550102"), "/twiml/after?attempt=1")
        assert shut == '<Say language="es-ES">Harbour Dental is closed.</Say><Hangup />'

    play(tmp_path, scenario, RICH)


@pytest.mark.parametrize("path", ["/twiml", "/twiml/after?attempt=1"])
def test_what_cannot_become_a_stream_is_a_fallback_and_no_dead_line(tmp_path: Path, path: str) -> None:
    async def scenario(world: World) -> None:
        odd = {"CallSid": "C" * 400}  # its token is too long for a parameter
        assert (await asked(world, form(To="+14155550103", **odd), path)).startswith(CAREFUL)
        assert await asked(world, form(**odd), path) == SORRY

    play(tmp_path, scenario, RICH)


@pytest.mark.parametrize(("line", "persona"), [("front-desk", "ava"), ("at-night", "night")])
def test_a_persona_that_is_gone_is_followed_by_who_would_answer_now(tmp_path: Path, line: str, persona: str) -> None:
    """Another release, or an edit, knew a persona that these flows don't have."""

    async def scenario(world: World) -> None:
        phone, _ = await world.call(line=line, persona="old")
        await phone.socket.close(1011)
        await world.note("call-ended")
        without = RICH.replace("  old:\n    instructions: You were there before.\n", "")
        (tmp_path / "clinic.yaml").write_text(without, encoding="utf-8")
        world.exchange.generations.swap(load(tmp_path, {}), asyncio.get_running_loop().time())
        (number,) = [one.number for one in world.exchange.flows.flows[0].numbers if one.label == line]
        body = await asked(world, form(To=number), "/twiml/after?attempt=1")
        given = twiml.read_connect(f"<Response>{body}</Response>").parameters
        assert (given["attempt"], given["persona"]) == ("2", persona)

    play(
        tmp_path, scenario, RICH.replace("personas:\n", "personas:\n  old:\n    instructions: You were there before.\n")
    )


@pytest.mark.parametrize(
    ("line", "fields", "said"),
    [
        ("+14155550104", {"DialCallStatus": "completed"}, "<Hangup />"),
        ("+14155550104", {"DialCallStatus": "no-answer"}, '<Say language="en-GB">Sorry.</Say><Hangup />'),
        ("+14155550100", {"DialCallStatus": "busy"}, SORRY),
        ("+14155550103", {"RecordingSid": "RE1"}, "<Hangup />"),
        ("+14155550105", {"DialCallStatus": "no-answer"}, SORRY),  # what its fallback dials has not answered
        ("+14155559999", {"DialCallStatus": "failed"}, SORRY),
    ],
)
def test_after_dialling_and_recording(tmp_path: Path, line: str, fields: dict[str, str], said: str) -> None:
    async def scenario(world: World) -> None:
        assert await asked(world, form(To=line, **fields), "/twiml/done") == said

    play(tmp_path, scenario, RICH)


FUNCTIONS = "https://gw-1234-dev.twil.io"


@pytest.mark.parametrize(
    ("line", "fields", "said"),
    [
        ("+14155550104", {}, SORRY),  # it dials, and nobody says whether anyone answered
        ("+14155550104", {"DialCallStatus": "completed"}, "<Hangup />"),
        ("+14155550104", {"DialCallStatus": "no-answer"}, '<Say language="en-GB">Sorry.</Say><Hangup />'),
        ("+14155550104", {"RecordingSid": "RE1"}, "<Hangup />"),
        ("+14155550103", {}, "<Hangup />"),  # a message was left: not to be asked for again
        ("+14155559999", {}, "<Hangup />"),
    ],
)
def test_a_function_that_fails_after_dialling_leaves_no_silence(
    tmp_path: Path, line: str, fields: dict[str, str], said: str
) -> None:
    async def scenario(world: World) -> None:
        given = form(To=line, ErrorCode="11200", ErrorUrl=f"{FUNCTIONS}/done", **fields)
        assert await asked(world, given) == said

    play(tmp_path, scenario, RICH)


@pytest.mark.parametrize(
    ("failed", "ended", "said"),
    [
        (f"{FUNCTIONS}/after?attempt=1", "well", "<Hangup />"),
        (f"{FUNCTIONS}/after?attempt=1", "broken", "<Connect"),
        (f"{FUNCTIONS}/after?attempt=3&failed=2", "broken", SORRY),
        (f"{FUNCTIONS}/after?attempt=x", "broken", SORRY),
        (f"{FUNCTIONS}/after", "", SORRY),
        (f"{FUNCTIONS}/after?attempt=1#rc=2", "", "<Connect"),
        (f"{FUNCTIONS}/done", "well", "<Hangup />"),
        (f"{FUNCTIONS}/done?line=x", "broken", "<Hangup />"),
        (f"{FUNCTIONS}/fallback", "well", SORRY),
        (f"{FUNCTIONS}/voice", "", "<Connect"),
        ("https://[", "", "<Connect"),
    ],
)
def test_a_door_that_fails_in_mid_call_is_stood_in_for(tmp_path: Path, failed: str, ended: str, said: str) -> None:
    """Twilio then asks the number's fallback URL, and names the door that failed
    (twilio.com/docs/usage/security/availability-reliability): nobody is greeted anew who has heard a goodbye."""

    async def scenario(world: World) -> None:
        if ended:
            phone, _ = await world.call(persona="night")
            await (phone.stop() if ended == "well" else phone.socket.close(1011))
            await world.note("call-ended")
        body = await asked(world, form(ErrorCode="11200", ErrorUrl=failed))
        assert body.startswith(said), body
        if said == "<Connect" and "/after" in failed:
            given = twiml.read_connect(f"<Response>{body}</Response>").parameters
            assert (given["attempt"], given["persona"]) == ("2", "night" if ended else "ava")

    play(tmp_path, scenario, RICH)


def test_what_twilio_reports_is_noted_without_the_caller(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        fields = form(StreamSid="MZ1", StreamEvent="stream-error", StreamError="31920 - handshake")
        await asked(world, fields, "/twiml/stream-status")
        note = await world.note("twilio-status")
        assert (note["stream_event"], note["severity"]) == ("stream-error", "WARNING")
        assert note["private"] == {"error": "31920 - handshake"}
        assert "+1415" not in json.dumps(note)

    play(tmp_path, scenario, RICH)


def test_a_bought_number_is_found_by_the_line_in_its_url(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        bought = form(To="+14155557777")
        body = await asked(world, bought, "/twiml?line=clinic%2Fbought")
        assert twiml.read_connect(f"<Response>{body}</Response>").parameters["line"] == "bought"
        assert "attempt=1&amp;line=clinic/bought" in body
        for other in ("clinic%2Ffront-desk", "clinic%2Fnowhere", "bought", "%2F", ""):
            assert "<Reject" in await asked(world, bought, f"/twiml?line={other}")

    play(tmp_path, scenario, RICH)


def test_the_number_that_was_dialled_counts_more_than_a_line_in_the_url(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        for path in ("/twiml", "/twiml/after?attempt=1"):
            body = await asked(world, form(), path + ("&" if "?" in path else "?") + "line=clinic/bought")
            assert twiml.read_connect(f"<Response>{body}</Response>").parameters["line"] == "front-desk"
            assert "line=" not in body

    play(tmp_path, scenario, RICH)


def test_another_stream_of_a_call_takes_its_place(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        first, _ = await world.call()
        second = await world.phone()
        await second.start_as("CA1", attempt="2")
        await world.model()
        assert (await first.closed())[0] == 1000
        assert (await world.note("call-ended"))["ended"] == "phone-gone"
        async with asyncio.timeout(5):
            while world.exchange.calls > 1:  # noqa: ASYNC110  the first ends by itself
                await asyncio.sleep(0.01)

    play(tmp_path, scenario, RICH)


def test_our_functions_sign_what_they_ask(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        path, now = "/calls/CA1/next?attempt=1", int(time.time())
        good = {knock.TIME_HEADER: str(now), knock.SIGNATURE_HEADER: knock.sign("s3cret", "GET", path, now)}
        assert (await http(world.url + path, None, good))[0] == 200
        assert (await http(world.url + path))[0] == 403
        assert (await http(world.url + path.replace("CA1", "CA2"), None, good))[0] == 403
        assert (await http(world.url + path, None, {**good, knock.TIME_HEADER: str(now - 90)}))[0] == 403

    play(tmp_path, scenario, RICH, **SECURE)


def test_webhooks_are_signed_with_their_query(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        url, fields = world.url + "/twiml/after?attempt=1", form()
        for signed, wanted in ((url, 200), (world.url + "/twiml/after", 403), (url + "&line=", 403)):
            headers = {signature.HEADER: signature.sign(signed, fields, AUTH_TOKEN)}
            assert (await http(url, urlencode(fields).encode(), headers))[0] == wanted

    play(tmp_path, scenario, RICH, **SECURE)


def test_a_shared_key_signs_webhooks(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        url, fields = world.url + "/twiml", form()
        signed = {signature.HEADER: signature.sign(url, fields, "shared", "HMAC_SHA256")}
        named = {signature.SETTINGS_HEADER: "key=k1,algorithm=HMAC_SHA256"}
        assert (await http(url, urlencode(fields).encode(), {**signed, **named}))[0] == 200
        assert (await http(url, urlencode(fields).encode(), signed))[0] == 403

    play(tmp_path, scenario, RICH, **SECURE, TWILIO_SHARED_KEYS="k1=shared")


def test_the_persona_is_what_the_token_says(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        claims = token.StreamClaims("CA1", "AC1", "clinic", "front-desk", "night")
        pass_ = token.mint("s3cret", claims, time.time(), "nonce")
        phone = await world.phone({signature.HEADER: signature.sign(world.ws_url, {}, AUTH_TOKEN)})
        await phone.start(token=pass_, persona="ava", line="careful")
        await world.model()
        note = await world.note("call-started")
        assert (note["line"], note["persona"]) == ("front-desk", "night")

    play(tmp_path, scenario, RICH, **SECURE)


def test_the_flow_of_the_tests_is_the_samples(tmp_path: Path) -> None:
    """A line without hours, limits or fallback of its own answers as it did before there were any."""

    async def scenario(world: World) -> None:
        assert "<Connect" in await asked(world, form())

    play(tmp_path, scenario, FLOW)


def test_no_secret_is_in_the_log_of_calls(tmp_path: Path) -> None:
    """Markers for every secret of the gateway's, a call that goes well, one that is refused and one that breaks."""

    async def scenario(world: World) -> None:
        fields = form()
        signed = {signature.HEADER: signature.sign(world.url + "/twiml", fields, AUTH_TOKEN)}
        _, body = await http(world.url + "/twiml", urlencode(fields).encode(), signed)
        given = dict(twiml.read_connect(body).parameters)
        handshake = {signature.HEADER: signature.sign(world.ws_url, {}, AUTH_TOKEN)}
        phone = await world.phone(handshake)
        await phone.start(**given)
        model = await world.model()
        await model.say(live.Ready(), live.OutputTranscript("Hello."), live.ModelAudio(b"\1\2" * 2400))
        await phone.expect(media.Play)
        again = await world.phone(handshake)
        await again.start(**given)
        await again.closed()
        assert (await http(world.url + "/twiml", urlencode(fields).encode()))[0] == 403
        await model.close(1008, "API key not valid. marker-google")
        await world.note("call-ended")
        public = [{key: value for key, value in note.items() if key != "private"} for note in world.lines()]
        written = json.dumps(public)
        assert "call-started" in written
        assert not [secret for secret in (*MARKED.values(), AUTH_TOKEN, given["token"]) if secret in written]

    play(tmp_path, scenario, RICH, **{**SECURE, **MARKED})
