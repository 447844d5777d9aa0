"""What `gateway doctor` says of cores that really run, of whom something may be wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from gateway.doctor import Check, Patient
from gateway.problem import Place, Problem
from gateway.release import VERSION
from tests.doctor.ward import AUTH_TOKEN, SECRET, compiled, patient, said, service, told
from tests.server.world import FLOW, World, play

SECURE = {"AUTH": "required", "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": SECRET}
SAME = "the core needs the same PUBLIC_URL and TWILIO_AUTH_TOKEN as here"
BUSY = "it is full or shutting down: ask again in a minute"
STRANGE = "something else than the core answers there: a proxy, or another service"
SECRETS = "the core, Twilio Functions and this machine need the same one, and clocks that agree"


async def asked(examined: Patient) -> dict[str, Check]:
    return await asyncio.to_thread(told, examined)


def core(
    folder: Path,
    env: dict[str, str],
    *,
    late_s: float = 0,
    before: Callable[[World], None] = lambda _: None,
    **own: str,
) -> dict[str, Check]:
    """What is said of a core that runs with `env`; `own` is this machine's environment."""
    found: dict[str, Check] = {}

    async def scenario(world: World) -> None:
        before(world)
        found.update(await asked(patient(folder, world.url, late_s, **own)))

    play(folder, scenario, **env)
    return found


def test_a_core_that_is_well(tmp_path: Path) -> None:
    compiled(tmp_path)
    found = core(tmp_path, SECURE)
    mark = found["artefact"].text
    assert mark.startswith("the flows are those of here (")
    assert [(check.name, check.health, check.text) for check in found.values()] == [
        ("settings", "well", "LIVE_BACKEND=rehearsal"),
        ("TWILIO_ACCOUNT_SID", "well", "has the right shape"),
        ("TWILIO_AUTH_TOKEN", "well", "has the right shape"),
        ("STREAM_SECRET", "well", "is there and long enough"),
        ("flows", "well", "1 flows, 2 lines"),
        ("artefact", "well", mark),
        ("core", "well", f"{found['core'].text.split()[0]} answers 200"),
        ("core's release", "well", f"the one of here ({VERSION})"),
        ("core's flows", "well", mark),
        ("core's clock", "well", "agrees with this machine's"),
        ("core's secret", "well", "the core has the same STREAM_SECRET as here"),
        ("handshake", "well", "a signed one is let in, an unsigned one refused"),
        ("functions", "skipped", "FUNCTIONS_URL is not set"),
        ("numbers", "skipped", "TWILIO_ACCOUNT_SID and FUNCTIONS_URL are needed to look"),
    ]


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PUBLIC_URL": "https://gw.example.com"}, ("wrong", "a signed one is answered 403", SAME)),
        ({"TWILIO_AUTH_TOKEN": "f" * 32}, ("wrong", "a signed one is answered 403", SAME)),
        ({"TWILIO_AUTH_TOKEN_PREVIOUS": AUTH_TOKEN, "TWILIO_AUTH_TOKEN": "f" * 32}, ("well",)),
        ({"AUTH": "off"}, ("wrong", "an unsigned handshake is let in", "leave AUTH out of the core's environment")),
    ],
    ids=["another public url", "another token", "the previous token", "no checks"],
)
def test_the_handshake(tmp_path: Path, env: dict[str, str], words: tuple[str, ...]) -> None:
    assert said(core(tmp_path, {**SECURE, **env})["handshake"])[: len(words)] == words


def test_a_core_that_takes_no_calls(tmp_path: Path) -> None:
    def drained(world: World) -> None:
        world.exchange.draining = True

    found = core(tmp_path, SECURE, before=drained)
    assert found["core"].text.endswith(" answers 503")
    assert (found["core"].health, found["core"].advice) == ("wrong", BUSY)
    assert said(found["handshake"]) == ("wrong", "a signed one is answered 503", BUSY)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"STREAM_SECRET": "another"}, ("wrong", "the core has another STREAM_SECRET than here", SECRETS)),
        ({"STREAM_SECRET": "another", "STREAM_SECRET_PREVIOUS": SECRET}, ("well",)),
        ({"AUTH": "off"}, ("skipped", "the core asks nobody for it (AUTH=off)", "")),
    ],
    ids=["another", "rotated", "no checks"],
)
def test_the_streams_secret(tmp_path: Path, env: dict[str, str], words: tuple[str, ...]) -> None:
    assert said(core(tmp_path, {**SECURE, **env})["core's secret"])[: len(words)] == words


@pytest.mark.parametrize(("late_s", "health"), [(0, "well"), (20, "well"), (45, "wrong"), (-45, "wrong")])
def test_the_clocks(tmp_path: Path, late_s: float, health: str) -> None:
    found = core(tmp_path, SECURE, late_s=late_s)["core's clock"]
    assert found.health == health
    if health == "wrong":
        assert found.text in [f"{abs(late_s) + off:.0f} s apart from this machine's" for off in (-1, 0, 1)]
        assert found.advice == "set this machine's clock"


def test_other_flows_than_those_of_here(tmp_path: Path) -> None:
    def edited(_: World) -> None:
        compiled(tmp_path)
        (tmp_path / "clinic.yaml").write_text(FLOW.replace("Good day", "Hello"), encoding="utf-8")

    found = core(tmp_path, SECURE, before=edited)
    for name, advice in (("artefact", "run: gateway compile"), ("core's flows", "deploy the core again")):
        assert (found[name].health, found[name].advice) == ("wrong", advice)
        assert found[name].text.startswith("other flows (")


def test_why_the_core_refused_an_edit_is_told_to_who_holds_its_secret(tmp_path: Path) -> None:
    fault = Problem(Place("clinic.yaml", 4, 2), "numbers", "what is wrong", "what to do")

    def refused(world: World) -> None:
        world.exchange.generations.refuse([fault], 0)

    found = core(tmp_path, SECURE, before=refused)["core's flows"]
    assert said(found) == ("wrong", "it refused an edit and serves those before", str(fault))
    found = core(tmp_path, SECURE, before=refused, STREAM_SECRET="another long secret")["core's flows"]
    assert said(found) == ("wrong", "it refused an edit and serves those before", "run: gateway validate")


def test_a_core_and_functions_of_another_release(tmp_path: Path) -> None:
    compiled(tmp_path)
    with service(200, '{"ready": true, "ok": true, "version": "0.0.9"}') as url:
        found = told(patient(tmp_path, url, FUNCTIONS_URL=url))
    another = f"another (0.0.9) than that of here ({VERSION})"
    assert said(found["core's release"]) == ("wrong", another, "deploy the core again")
    assert said(found["functions' release"])[:2] == ("wrong", another)
    with service(200, '{"ready": true}') as url:
        found = told(patient(tmp_path, url))
    assert "one that doesn't say" in found["core's release"].text


@pytest.mark.parametrize("body", ["<html>", "{}", "[1]"])
def test_another_service_at_the_cores_address(tmp_path: Path, body: str) -> None:
    compiled(tmp_path)
    with service(200, body) as url:
        found = told(patient(tmp_path, url))
    assert said(found["core"]) == ("wrong", f"{url} answers 200, but isn't a core", "does PUBLIC_URL name the core?")
    assert "handshake" not in found


def test_a_core_behind_something_that_takes_no_handshakes(tmp_path: Path) -> None:
    compiled(tmp_path)
    with service(200, '{"ready": true}') as url:
        found = told(patient(tmp_path, url))
    assert said(found["handshake"]) == ("wrong", "a signed one is answered 200", STRANGE)
    assert found["core's secret"].health == "wrong"


def test_nobody_at_the_cores_address(tmp_path: Path) -> None:
    compiled(tmp_path)
    with create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    found = told(patient(tmp_path, url))["core"]
    assert (found.health, found.advice) == ("wrong", "is it deployed, and does PUBLIC_URL name it?")
    assert found.text.startswith(f"{url} doesn't answer: ")


def test_what_speaks_no_http_is_said_and_no_crash(tmp_path: Path) -> None:
    compiled(tmp_path)
    with create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            caller, _ = server.accept()
            caller.recv(4096)
            caller.sendall(b"220 mail.example.com ESMTP\r\n")
            caller.close()

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        found = told(patient(tmp_path, url))["core"]
        thread.join()
    assert (found.health, found.text) == ("wrong", f"{url} doesn't answer: BadStatusLine")


@pytest.mark.parametrize("url", ["https://ann:MARK@gw.example.com", "https://gw MARK.example.com", "MARK"])
def test_a_public_url_that_is_none_is_not_repeated(tmp_path: Path, url: str) -> None:
    compiled(tmp_path)
    found = told(patient(tmp_path, url))
    assert found["settings"].text.startswith("PUBLIC_URL: takes https://HOST as Twilio sees it")
    assert found["core"].health == "skipped"
    assert "MARK" not in " ".join(str(check) for check in found.values())


@pytest.mark.parametrize(
    ("fault", "named"), [({"LIVE_BACKEND": "developer"}, "GOOGLE_API_KEY: "), ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: ")]
)
def test_a_fault_elsewhere_in_the_settings_hides_nothing_of_the_core(
    tmp_path: Path, fault: dict[str, Any], named: str
) -> None:
    compiled(tmp_path)
    found = core(tmp_path, SECURE, **fault)
    assert found["settings"].health == "wrong"
    assert found["settings"].text.startswith(named)
    assert [found[name].health for name in ("core", "core's flows", "core's secret", "handshake")] == ["well"] * 4


@pytest.mark.parametrize(
    ("url", "takes"),
    [
        (
            "http://example.com",
            "PUBLIC_URL must be https:// (Twilio streams to wss:// only); http:// is for this machine",
        ),
        ("gw.example.com", "PUBLIC_URL takes https://HOST as Twilio sees it: no user, query or spaces"),
    ],
)
def test_a_public_url_that_is_set_is_not_called_unset(tmp_path: Path, url: str, takes: str) -> None:
    compiled(tmp_path)
    found = told(patient(tmp_path, url, LOG_LEVEL="loud"))
    assert said(found["core"]) == ("skipped", "PUBLIC_URL can't be used", takes)


def test_without_a_stream_secret_there_is_nothing_to_sign_with(tmp_path: Path) -> None:
    compiled(tmp_path)
    found = core(tmp_path, SECURE, STREAM_SECRET=" ", STREAM_SECRET_PREVIOUS=SECRET)
    assert said(found["core's secret"]) == ("skipped", "no STREAM_SECRET to sign with", "")
    assert found["handshake"].health == "well"


@pytest.mark.parametrize("refused", ["{}", '{"a": 1}', "[]", "7", "null"])
def test_a_refused_edit_in_no_shape_of_ours_is_said_and_no_crash(tmp_path: Path, refused: str) -> None:
    compiled(tmp_path)
    with service(200, f'{{"ready": true, "flows": {{"faults": 1, "refused": {refused}}}}}') as url:
        found = told(patient(tmp_path, url))["core's flows"]
    assert said(found) == ("wrong", "it refused an edit and serves those before", "run: gateway validate")


def test_a_core_that_answers_strangely_comes_with_advice(tmp_path: Path) -> None:
    compiled(tmp_path)
    with service(500, '{"ready": true}') as url:
        assert said(told(patient(tmp_path, url))["core"]) == ("wrong", f"{url} answers 500", STRANGE)


def test_an_answer_without_a_date_says_nothing_of_the_clock(tmp_path: Path) -> None:
    compiled(tmp_path)
    with service(200, '{"ready": true}', late_s=None) as url:
        assert said(told(patient(tmp_path, url))["core's clock"]) == ("skipped", "the answer has no date", "")
