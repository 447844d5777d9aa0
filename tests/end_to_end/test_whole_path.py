"""A flow file -> compiled -> deployed -> numbers pointed at it -> a call. Everything is real but Twilio, the model and
the front door of the core's host, which are played on this machine."""

from __future__ import annotations

import json
import re

import pytest

from gateway.rehearsal.caller import Manner, Owned
from gateway.rehearsal.scene import Event
from gateway.twilio import twiml
from tests.end_to_end.calls import (
    CONVERSATION,
    SAID,
    dial,
    functions_log,
    get,
    listener,
    spoken,
)
from tests.end_to_end.people import Listener, talker
from tests.end_to_end.world import CLOSED, DESK, ON_SALE, STREAM_SECRET, Core, World, command, gated, run

pytestmark = pytest.mark.slow


def test_the_whole_path(here: World, core: Core) -> None:
    state = here.twilio.state()
    assert [one["runtime"] for one in state["builds"]] == ["node22"]
    assert sorted(one["key"] for one in state["variables"]) == [
        *("ADMIN_SECRET", "CORE_URL", "PREWARM_MS", "STREAM_SECRET")
    ]
    assert {one["phone_number"]: one["friendly_name"] for one in state["numbers"]} == {
        DESK: "gw:clinic/desk",
        CLOSED: "gw:clinic/workshop",
        ON_SALE: "gw:clinic/overflow",
    }
    assert here.number(DESK) == Owned(DESK, f"https://{here.domain}/voice", f"{here.edge.url}/twiml")
    command(here.project, "numbers", "status", **here.twilio.environment())  # all is well

    happened: list[Event] = []
    warm_before = warm_sessions_used(here)
    call = dial(here, here.number(DESK), lambda stream: talker(happened))
    assert list(call.script) == [
        "POST /voice 200",
        "stream gw-1: the caller hung up",
        "POST /after?attempt=1 200",
        "the caller has gone",
    ]
    assert [type(event) for event in happened] == CONVERSATION
    assert spoken(core, call) == SAID
    assert call.streams[0].complaints == ()
    assert "<Hangup" in call.documents[1].answer
    assert [report.form["StreamEvent"] for report in call.reports] == ["stream-started", "stream-stopped"]

    # what the call was answered with, what was deployed and what the core serves are the same flows
    given = twiml.read_connect(call.documents[0].answer).parameters
    mark = here.artefact["hash"]
    assert (given["hash"], given["flow"], given["line"], given["persona"]) == (mark, "clinic", "desk", "ava")
    assert mark in get(here.gate, here.domain, "/health")[1]
    assert json.loads(get(here.edge.plain, "core", "/readyz")[1])["flows"]["hash"] == mark
    assert core.notes("flows-differ") == []
    # the core heard of the call before its stream came, and the call went on with the session that it opened
    assert f"POST /calls/{call.call_sid}/warm HTTP/1.1" in here.edge.logged
    assert warm_sessions_used(here) == warm_before + 1
    [answered] = functions_log(here, call.call_sid, "call-routed")
    assert (answered["flow"], answered["line"], answered["outcome"]) == ("clinic", "desk", "answer")
    [over] = functions_log(here, call.call_sid, "stream-over")
    assert (over["heard_core"], over["next"]) == (True, "hangup")


def test_a_bought_line_is_reached_by_its_url_and_the_core_ends_the_call(here: World, core: Core) -> None:
    """The model is frozen before its socket is closed: that may take seconds, and Twilio asks at once what follows."""
    began = len(core.notes("turn"))

    def prompted() -> None:
        if len(core.notes("turn")) == began + 2:
            core.freeze_model()

    try:
        call = dial(here, here.number(ON_SALE), lambda stream: Listener(meanwhile=prompted))
    finally:
        core.thaw_model()
    assert list(call.script) == [
        "POST /voice?line=clinic/overflow 200",
        "stream gw-1: the gateway ended the stream (1000)",
        "POST /after?attempt=1&line=clinic/overflow 200",
        "hang up",
    ]
    assert spoken(core, call) == [("agent", "Hello."), ("agent", "Are you there?")]
    assert core.notes("call-ended", call.call_sid)[0]["ended"] == "idle"
    assert core.notes("call-started", call.call_sid)[0]["persona"] == "brief"


def test_a_closed_line_takes_a_message(here: World, core: Core) -> None:
    call = dial(here, here.number(CLOSED), listener)
    assert list(call.script) == [
        "POST /voice 200",
        "say en-US: The workshop is closed.",
        "record 3 s",
        "POST /done 200",
        "hang up",
    ]
    [left] = call.reports
    assert (left.url, left.status) == (f"https://{here.domain}/voicemail", 204)
    [told] = functions_log(here, call.call_sid, "voicemail")
    assert (told["status"], told["duration_s"]) == ("completed", "3")
    silent = dial(here, here.number(CLOSED), listener, Manner(message=False))
    assert list(silent.script[1:]) == ["say en-US: The workshop is closed.", "record 0 s", "hang up"]


def test_the_doctor_finds_core_and_functions_well(here: World, core: Core) -> None:
    env = {
        "PUBLIC_URL": here.edge.url,
        "SSL_CERT_FILE": str(here.edge.certificate),
        "STREAM_SECRET": STREAM_SECRET,
        "NO_PROXY": "127.0.0.1,core.example.com",
        **here.twilio.environment(),
    }
    with gated(here.twilio.deployed / here.domain, here.upstream) as gate:
        told = examined(here, **env, FUNCTIONS_URL=f"http://127.0.0.1:{gate}")
    # On this machine Functions are not where Twilio has them, so the numbers lead elsewhere.
    assert [name for name, check in told.items() if check["health"] != "well"] == ["numbers"], told
    assert {"core's flows", "core's secret", "handshake", "functions' flows", "functions' answer"} < set(told)
    elsewhere = {"STREAM_SECRET": "x" * 20, "TWILIO_AUTH_TOKEN": "e" * 32}
    told = examined(here, **env | elsewhere)
    assert {"core's secret", "handshake"} <= {name for name, check in told.items() if check["health"] == "wrong"}


def test_the_doctor_finds_a_number_that_was_changed_by_hand_and_apply_mends_it(here: World) -> None:
    env = {**here.twilio.environment(), "FUNCTIONS_URL": f"https://{here.domain}"}
    assert examined(here, **env)["numbers"]["health"] == "well"
    here.by_hand(DESK, VoiceUrl="https://elsewhere.example.com/")
    try:
        found = examined(here, **env)["numbers"]
        assert (found["health"], found["advice"]) == ("wrong", "run: gateway numbers plan")
        plan = run(here.project, "numbers", "plan", "--json", **env).stdout
        [drift] = [change for change in json.loads(plan)["changes"] if change["kind"] != "noop"]
        told = [f"https://{here.domain}/voice", "https://elsewhere.example.com/"]
        assert (drift["kind"], drift["number"]) == ("drift", DESK)
        assert drift["fields"] == {"voiceUrl": told[::-1]}
    finally:
        command(here.project, "numbers", "apply", "--yes", **env)
    assert examined(here, **env)["numbers"]["health"] == "well"


def warm_sessions_used(here: World) -> int:
    metrics = get(here.edge.plain, "core", "/metrics")[1]
    [used] = re.findall(r'^gateway_warm_sessions_total\{result="used"\} (\d+)', metrics, re.MULTILINE) or ["0"]
    return int(used)


def examined(here: World, **env: str) -> dict[str, dict[str, str]]:
    """What the doctor says, by the name of each check."""
    told = run(here.project, "doctor", "--json", **env).stdout
    return {check["name"]: check for check in json.loads(told)["checks"]}
