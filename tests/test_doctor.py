"""What `gateway doctor` says of cores and Functions that really run, of whom something may be wrong."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.doctor import Check, Patient, examine
from gateway.flow.compile import text
from gateway.flow.load import load
from gateway.problem import Place, Problem
from gateway.release import VERSION
from gateway.twilio import signature, token, twiml
from tests.server.world import FLOW, World, play

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "a long secret of the tests"
SECURE = {"AUTH": "required", "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": SECRET}
HERE = {"TWILIO_ACCOUNT_SID": "AC" + "a" * 32, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": SECRET}
SAME = "the core needs the same PUBLIC_URL and TWILIO_AUTH_TOKEN as here"
BUSY = "it is full or shutting down: ask again in a minute"
STRANGE = "something else than the core answers there: a proxy, or another service"
SECRETS = "the core, Twilio Functions and this machine need the same one, and clocks that agree"


def patient(folder: Path, url: str = "", late_s: float = 0, **env: str) -> Patient:
    """A machine whose clock is `late_s` behind."""
    given = {**HERE, **({"PUBLIC_URL": url} if url else {}), **env}
    return Patient(given, folder, folder / "flows.private.json", lambda: time.time() - late_s)


def told(examined: Patient) -> dict[str, Check]:
    return {check.name: check for check in examine(examined)}


async def asked(examined: Patient) -> dict[str, Check]:
    return await asyncio.to_thread(told, examined)


def said(check: Check) -> tuple[str, str, str]:
    return check.health, check.text, check.advice


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


def compiled(folder: Path) -> None:
    (folder / "clinic.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "flows.private.json").write_text(text(load(folder, {})), encoding="utf-8")


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


class Canned(BaseHTTPRequestHandler):
    """Answers each request with `status`, `body` and a clock that is `late_s` behind."""

    protocol_version = "HTTP/1.1"
    status, body, late_s = 200, "{}", 0.0
    to_calls: Callable[[dict[str, str]], tuple[int, str]]  # what a webhook's form is answered

    def do_GET(self) -> None:
        self._say(self.status, self.body)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        url = f"http://{self.headers['Host']}{self.path}"
        signed = signature.valid(url, form, self.headers[signature.HEADER], signature.Keys((AUTH_TOKEN,)))
        status, body = type(self).to_calls({name: values[0] for name, values in form.items()})
        self._say(status if signed else 403, body)

    def _say(self, status: int, body: str) -> None:
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() - self.late_s, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def service(
    status: int,
    body: str,
    late_s: float = 0,
    to_calls: Callable[[dict[str, str]], tuple[int, str]] = lambda _: (405, ""),
) -> Iterator[str]:
    """Somebody else's server, or Twilio Functions as the doctor sees them."""
    own = {"status": status, "body": body, "late_s": late_s, "to_calls": staticmethod(to_calls)}
    answers = type("Answers", (Canned,), own)
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


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


@pytest.mark.parametrize("url", ["https://fun MARK", "gopher://x", "https://h:port"])
def test_a_functions_url_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    compiled(tmp_path)
    assert told(patient(tmp_path, FUNCTIONS_URL=url))["functions"].health == "wrong"


def test_functions_with_the_flows_of_here_or_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no npm: the numbers aren't asked for
    mark = json.loads((tmp_path / "flows.private.json").read_text())["hash"]
    for hash_, health in ((mark, "well"), ("0" * 64, "wrong")):
        with service(200, json.dumps({"ok": True, "version": VERSION, "hash": hash_})) as url:
            found = told(patient(tmp_path, FUNCTIONS_URL=url))
        assert said(found["functions"]) == ("well", f"{url} answers 200", "")
        assert found["functions' flows"].health == health
    assert found["functions' flows"].advice == "compile and deploy them again"
    assert said(found["functions' release"]) == ("well", f"the one of here ({VERSION})", "")
    assert found["numbers"].text.startswith("npm is not installed")


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
            ("skipped", "the first line takes no call now, so there is no stream to look at"),
        ),
        (lambda _: (200, "<html>"), ("skipped",)),
        (lambda _: (403, ""), ("wrong",)),
    ],
    ids=[
        "well",
        "another core url",
        "another secret",
        "a clock that is behind",
        "closed",
        "no twiml",
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


@pytest.mark.parametrize(("code", "health"), [(0, "well"), (1, "wrong")])
def test_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, health: str) -> None:
    compiled(tmp_path)
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\n[ "$4 $5" = "-- status" ] && exit {code}\nexit 3\n')
    npm.chmod(0o755)
    (tmp_path / "twilio-functions" / "node_modules").mkdir(parents=True)
    (tmp_path / "twilio-functions" / "package.json").write_text("{}")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    with service(200, '{"ok": true}') as url:
        found = told(patient(tmp_path, FUNCTIONS_URL=url))["numbers"]
    assert found.health == health
    assert found.advice == ("" if code == 0 else "run: gateway numbers plan")


def test_what_is_missing_or_has_the_wrong_shape(tmp_path: Path) -> None:
    compiled(tmp_path)
    (tmp_path / "flows.private.json").unlink()
    (tmp_path / "broken.yaml").write_text("version: 1\nnumbrs: []\n", encoding="utf-8")
    env = {"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": "'MARK'", "STREAM_SECRET": "MARK", "PORT": "x"}
    found = told(patient(tmp_path, "", 0, **env))
    assert said(found["TWILIO_ACCOUNT_SID"]) == ("wrong", "is not set", "copy it from the Twilio console")
    assert said(found["TWILIO_AUTH_TOKEN"])[1:] == (
        "hasn't the shape that Twilio's have",
        "copy it again, without spaces or quotes",
    )
    assert said(found["STREAM_SECRET"])[1:] == ("is shorter than 16 characters", "set a long random text")
    assert found["settings"].text.startswith("PORT: ")
    assert found["flows"].advice == "run: gateway validate"
    assert found["artefact"].text.endswith("flows.private.json is not there")
    assert "MARK" not in " ".join(str(check) for check in found.values())
    assert all(check.advice for check in found.values() if check.health == "wrong")


def test_credentials_that_need_not_be_there_have_a_shape_too(tmp_path: Path) -> None:
    compiled(tmp_path)
    good = {
        "TWILIO_AUTH_TOKEN_PREVIOUS": "b" * 32,
        "TWILIO_API_KEY": "SK" + "1" * 32,
        "TWILIO_API_SECRET": "aB3" + "c" * 29,
    }
    for name, value in good.items():
        assert name not in told(patient(tmp_path))
        assert told(patient(tmp_path, "", 0, **{name: value}))[name].health == "well"
        for wrong in (f'"{value}"', value[:-1], "MARK"):
            found = told(patient(tmp_path, "", 0, **{name: wrong}))
            assert found[name].health == "wrong"
            assert "MARK" not in " ".join(str(check) for check in found.values())
