"""What `gateway doctor` says of Twilio Functions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.doctor import Check
from gateway.doctor.shared import shared
from gateway.release import VERSION
from gateway.twilio import token, twiml
from tests.doctor.ward import SECRET, compiled, patient, said, service, told
from tests.server.world import FLOW


@pytest.fixture
def no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers aren't asked for."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(
    "url", ["gateway-1234.twil.io:443", "https://fun MARK", "gopher://x", "https://h:port", "localhost:3000"]
)
def test_a_functions_url_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    compiled(tmp_path)
    found = told(patient(tmp_path, FUNCTIONS_URL=url))
    takes = "FUNCTIONS_URL takes https://HOST as the deploy printed it: no user, query or spaces"
    assert said(found["functions"]) == ("wrong", "FUNCTIONS_URL can't be used", takes)
    assert "functions' answer" not in found
    assert found["numbers"].health == "skipped"


@pytest.mark.parametrize("given", ["127.0.0.1", "HTTPS://127.0.0.1", " https://127.0.0.1/\n", "Https://127.0.0.1//"])
def test_functions_may_be_named_as_for_numbers(tmp_path: Path, no_npm: None, given: str) -> None:
    compiled(tmp_path)
    found = told(patient(tmp_path, FUNCTIONS_URL=given))
    assert found["functions"].text.startswith("https://127.0.0.1 doesn't answer: ")
    assert found["numbers"].text.startswith("npm is not installed")


@pytest.mark.parametrize(
    ("given", "taken"),
    [("GW-1.Twil.IO", "https://gw-1.twil.io"), ("HTTPS://GW-1.twil.io/Below/", "https://gw-1.twil.io/Below")],
)
def test_capitals_in_the_name_of_a_host_are_none(given: str, taken: str) -> None:
    assert shared({"FUNCTIONS_URL": given}).functions.url == taken


def test_functions_with_the_flows_of_here_or_others(tmp_path: Path) -> None:
    compiled(tmp_path)
    mark = json.loads((tmp_path / "flows.private.json").read_text())["hash"]
    for hash_, health in ((mark, "well"), ("0" * 64, "wrong")):
        with service(200, json.dumps({"ok": True, "version": VERSION, "hash": hash_})) as url:
            found = told(patient(tmp_path, FUNCTIONS_URL=url))
        assert said(found["functions"]) == ("well", f"{url} answers 200", "")
        assert found["functions' flows"].health == health
    assert found["functions' flows"].advice == "compile and deploy them again"
    assert said(found["functions' release"]) == ("well", f"the one of here ({VERSION})", "")
    assert found["numbers"].health == "skipped"
    assert found["numbers"].text.startswith("they can lead only to")


@pytest.mark.parametrize("here", ["the same", "other flows", "faulty flows"])
@pytest.mark.parametrize(("of_core", "health"), [("b" * 64, "well"), ("a" * 64, "wrong")])
def test_core_and_functions_are_held_against_each_other(tmp_path: Path, here: str, of_core: str, health: str) -> None:
    """Whatever the flows of here are, with which each of them is compared as well."""
    compiled(tmp_path)
    mark = json.loads((tmp_path / "flows.private.json").read_text())["hash"]
    of_functions = mark if here == "the same" else "b" * 64
    of_core = mark if here == "the same" and health == "well" else of_core
    if here == "faulty flows":
        (tmp_path / "broken.yaml").write_text("version: 1\nnumbrs: []\n", encoding="utf-8")
    with (
        service(200, json.dumps({"ready": True, "flows": {"hash": of_core, "faults": 0}})) as core,
        service(200, json.dumps({"ok": True, "hash": of_functions})) as url,
    ):
        found = told(patient(tmp_path, core, FUNCTIONS_URL=url))
    assert ("functions' flows" in found) == (here != "faulty flows")
    text = {
        "well": f"of the same flows ({of_core[:12]})",
        "wrong": f"of different flows (core {of_core[:12]}, functions {of_functions[:12]})",
    }
    advice = "compile, then deploy both from the same flows: the core serves a call by its own"
    assert said(found["core and functions"]) == (health, text[health], advice if health == "wrong" else "")


@pytest.mark.parametrize("unsaid", ["{}", '{"hash": null}', '{"hash": 5}', "[]"])
def test_who_does_not_say_its_flows_is_compared_with_nobody(tmp_path: Path, unsaid: str) -> None:
    compiled(tmp_path)
    with (
        service(200, f'{{"ready": true, "flows": {unsaid}}}') as core,
        service(200, json.dumps({"ok": True, "hash": "b" * 64})) as url,
    ):
        found = told(patient(tmp_path, core, FUNCTIONS_URL=url))
    assert "core and functions" not in found
    assert "core's flows" not in found or found["core's flows"].text.startswith("other flows (unnamed) than those")


def answering(url: str, secret: str = SECRET, late_s: float = 0) -> Callable[[dict[str, str]], Any]:
    """Functions with this CORE_URL and STREAM_SECRET, whose clock is `late_s` behind."""

    def answer(form: dict[str, str]) -> tuple[int, str]:
        assert form["To"] == "+14155550100"
        claims = token.StreamClaims(form["CallSid"], form["AccountSid"], "clinic", "front-desk", "ava")
        given = token.mint(secret, claims, time.time() - late_s, "n")
        return 200, twiml.connect(twiml.Stream(url.replace("http", "ws") + "/ws/twilio"), {"token": given})

    return answer


@pytest.mark.parametrize(
    ("to_calls", "words"),
    [
        (answering("http://127.0.0.1:1"), ("well", "its stream leads to the core, with a token that the core takes")),
        (
            answering("http://localhost:1"),
            ("wrong", "its stream leads to ws://localhost:1/ws/twilio, not to ws://127.0.0.1:1/ws/twilio"),
        ),
        (answering("http://127.0.0.1:1", "another"), ("wrong", "stream token: bad signature")),
        (answering("http://127.0.0.1:1", late_s=90), ("wrong", "stream token: expired")),
        (
            lambda _: (200, twiml.reject("busy")),
            ("wrong", "clinic/front-desk is open, but a call to it gets <Reject> and no stream"),
        ),
        (
            lambda _: (200, twiml.hang_up("Sorry, we can't take your call.")),
            ("wrong", "clinic/front-desk is open, but a call to it gets <Say>, <Hangup> and no stream"),
        ),
        (
            lambda _: (200, "<html>"),
            ("wrong", "clinic/front-desk is open, but a call to it gets no TwiML and no stream"),
        ),
        (
            lambda _: (200, "<Response/>"),
            ("wrong", "clinic/front-desk is open, but a call to it gets an empty answer and no stream"),
        ),
        (lambda _: (403, ""), ("wrong",)),
    ],
    ids=[
        "well",
        "another core url",
        "another secret",
        "a clock that is behind",
        "rejected",
        "sorry",
        "no twiml",
        "nothing",
        "another account",
    ],
)
def test_what_functions_answer_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to_calls: Callable[[dict[str, str]], Any], words: tuple[str, ...]
) -> None:
    compiled(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no npm: the numbers aren't asked for
    with service(200, '{"ok": true}', to_calls=to_calls) as url:
        found = told(patient(tmp_path, "http://127.0.0.1:1", FUNCTIONS_URL=url))["functions' answer"]
        other = told(patient(tmp_path, "http://127.0.0.1:1", FUNCTIONS_URL=url, TWILIO_AUTH_TOKEN="f" * 32))
    assert (found.health, *(found.text,)[: len(words) - 1]) == words
    assert bool(found.advice) == (found.health == "wrong")
    assert (other["functions' answer"].health, other["functions' answer"].text) == ("wrong", f"{url}/voice answers 403")


def test_functions_that_are_not_well(tmp_path: Path) -> None:
    compiled(tmp_path)
    with service(503, '{"ok": false, "why": "STREAM_SECRET is not set"}', late_s=40) as url:
        found = told(patient(tmp_path, FUNCTIONS_URL=url))
    assert said(found["functions"]) == ("wrong", f"{url} answers 503", "STREAM_SECRET is not set")
    assert found["functions' clock"].health == "wrong"


@pytest.mark.parametrize(("status", "body"), [(200, '{"ok": false}'), (200, '{"ok": 1}'), (404, '{"ok": true}')])
def test_functions_that_do_not_say_that_they_are_well(tmp_path: Path, status: int, body: str) -> None:
    compiled(tmp_path)
    with service(status, body) as url:
        found = told(patient(tmp_path, FUNCTIONS_URL=url))["functions"]
    advice = "does FUNCTIONS_URL name them? deploy them: npm run deploy in twilio-functions"
    assert said(found) == ("wrong", f"{url} answers {status}", advice)


SHUT = """
hours:
  shut:
    weekly: { mon-sun: "00:00-24:00" }
    holidays: [01-01 to 12-31]
    closed: { say: Closed., then: hangup }
"""
NOON = """
hours:
  noon: { weekly: { mon-sun: "12:00-13:00" }, timezone: UTC, closed: { say: Closed., then: hangup } }
"""


def dialled(folder: Path, to_calls: Callable[[dict[str, str]], Any], **env: str) -> Check:
    with service(200, '{"ok": true}', to_calls=to_calls) as url:
        here = {"PUBLIC_URL": "http://127.0.0.1:1", "FUNCTIONS_URL": url, **env}
        return told(patient(folder, "", 0, **here))["functions' answer"]


def test_the_line_that_is_called_is_one_that_is_open(tmp_path: Path, no_npm: None) -> None:
    """`answering` asserts that it is the front desk."""
    first = '  - { label: shut, number: "+14155550109", persona: ava, hours: shut }\n'
    compiled(tmp_path, FLOW.replace("numbers:\n", "numbers:\n" + first) + SHUT)
    assert dialled(tmp_path, answering("http://127.0.0.1:1")).health == "well"


@pytest.mark.parametrize("answer", [twiml.hang_up("Closed."), twiml.reject("rejected")])
def test_where_every_line_is_closed_no_stream_is_missed(tmp_path: Path, no_npm: None, answer: str) -> None:
    compiled(
        tmp_path,
        FLOW.replace("persona: ava }", "persona: ava, hours: shut }").replace("mute }", "mute, hours: shut }") + SHUT,
    )
    nobody = "no line takes a call from its own number now, so there is no stream to look at"
    assert said(dialled(tmp_path, lambda _: (200, answer))) == ("skipped", nobody, "")
    assert dialled(tmp_path, lambda _: (403, "")).health == "wrong"


@pytest.mark.parametrize(
    ("after_noon_s", "health"), [(-20, "skipped"), (20, "skipped"), (40, "wrong"), (3560, "wrong"), (3580, "skipped")]
)
def test_a_line_at_the_edge_of_its_hours_is_not_called_open(
    tmp_path: Path, no_npm: None, after_noon_s: int, health: str
) -> None:
    """By Functions' clock it may be closed."""
    quiet = '  - { label: quiet, number: "+14155550101", persona: mute }\n'
    compiled(tmp_path, FLOW.replace(quiet, "").replace("ava }", "ava, hours: noon }") + NOON)
    with service(200, '{"ok": true}', to_calls=lambda _: (200, twiml.hang_up("Closed."))) as url:
        seen = patient(tmp_path, "http://127.0.0.1:1", FUNCTIONS_URL=url)
        found = told(replace(seen, clock=lambda: 12 * 3600.0 + after_noon_s))
    assert found["functions' answer"].health == health


@pytest.mark.parametrize("fault", [{"LIVE_BACKEND": "developer"}, {"LOG_LEVEL": "loud"}])
def test_a_fault_elsewhere_in_the_settings_hides_nothing_of_functions(
    tmp_path: Path, no_npm: None, fault: dict[str, str]
) -> None:
    compiled(tmp_path)
    assert dialled(tmp_path, answering("http://127.0.0.1:1"), **fault).health == "well"
    assert dialled(tmp_path, answering("http://127.0.0.1:1", "another"), **fault).text == "stream token: bad signature"


def test_without_a_public_url_the_token_is_judged_all_the_same(tmp_path: Path, no_npm: None) -> None:
    compiled(tmp_path)
    fault = {"PUBLIC_URL": "http://example.com"}
    unknown = "a stream with a good token, but without PUBLIC_URL nobody knows where it must lead"
    assert said(dialled(tmp_path, answering("http://127.0.0.1:1"), **fault)) == ("skipped", unknown, "")
    assert dialled(tmp_path, answering("http://127.0.0.1:1", "another"), **fault).health == "wrong"


def test_with_faulty_flows_a_line_of_the_artefact_is_called(tmp_path: Path, no_npm: None) -> None:
    compiled(tmp_path)
    (tmp_path / "broken.yaml").write_text("version: 1\nnumbrs: []\n", encoding="utf-8")
    assert dialled(tmp_path, answering("http://127.0.0.1:1")).health == "well"
    (tmp_path / "flows.private.json").unlink()
    nobody = "there are no flows to say which line is open"
    assert said(dialled(tmp_path, answering("http://127.0.0.1:1"))) == ("skipped", nobody, "")
