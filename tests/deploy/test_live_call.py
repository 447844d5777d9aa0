"""The instrument, with the rehearsal's Twilio in the place of the real one: for each way in which Twilio may behave,
the table says just that."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from deploy import live_call
from deploy.probe import documents, wire
from deploy.probe.ask import Account, placing
from deploy.probe.questions import QUESTIONS, Bounds
from gateway.audio import mulaw
from gateway.rehearsal import phone
from gateway.rehearsal.failure.ports import free_port
from gateway.rehearsal.failure.requests import ask
from gateway.twilio import signature
from tests.deploy.played import BOUNDS, NUMBER, PUBLIC, RECORDING, SID, TESTER, TOKEN, Played, Twilio


@dataclass
class Probe:
    """One run of the instrument against a Twilio of ours, in this process."""

    capture: pytest.CaptureFixture[str]
    port: int = field(default_factory=free_port)

    def run(self, twilio: Twilio, *more: str, bounds: Bounds = BOUNDS) -> int:
        given = ["--public-url", PUBLIC, "--number", NUMBER, "--to", TESTER, "--port", str(self.port), "--yes", *more]
        options = live_call._options().parse_args(given)
        place = placing(Client(SID, TOKEN, http_client=twilio), PUBLIC, NUMBER, TESTER)
        code = live_call.run(options, Account(SID, TOKEN), place, bounds)
        for thread in twilio.threads:
            thread.join(10)
        return code

    def rows(self) -> tuple[list[str], list[int | None], str]:
        """What Twilio did by the table, after how many ms, and the steps that were told."""
        out, told = self.capture.readouterr()
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()[2:]]
        assert [row[1] for row in rows] == [question.name for question in QUESTIONS.values()]
        times = [int(row[3].removesuffix(" ms")) if row[3] else None for row in rows]
        return [row[2] for row in rows], times, told


@pytest.fixture
def probe(capsys: pytest.CaptureFixture[str]) -> Probe:
    return Probe(capsys)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twilio gives a handshake up after 700 ms."""
    monkeypatch.setattr(phone, "OPEN_S", 0.7)


ACTION = "asked <Connect action>"
ENDED = "ended the call (completed)"
SOUND = ", before the sound can have been played"


@pytest.mark.usefixtures("hasty")
def test_a_twilio_that_goes_on_is_asked_everything_in_one_call(probe: Probe) -> None:
    twilio = Twilio(probe.port, "continue")
    assert probe.run(twilio) == 0
    did, after, told = probe.rows()
    held = did.pop(2)
    assert did == [ACTION, ACTION, ACTION, ACTION, ACTION + SOUND]
    assert re.fullmatch(rf"nothing for 4\d\d ms; then: {ACTION}", held)
    assert [ms is not None and ms >= 700 for ms in after] == [False] * 4 + [True, False], "a handshake takes its time"
    [call] = twilio.calls
    assert call.end == "hung up by the gateway, which said: That is all. Goodbye."
    assert [(s.ending.who, s.ending.code) for s in call.streams] == [
        ("gateway", 1001),
        ("lost", 1006),
        ("gateway", 1001),
        ("refused", 503),
        ("refused", 0),
        ("gateway", 1001),
    ]
    assert not any(s.complaints for s in call.streams)
    assert "question 4: +" in told
    assert "StreamEvent=stream-error, StreamError=503" in told
    assert f"recorded (CallStatus=in-progress, RecordingUrl={RECORDING})" in told
    assert "Twilio gave the handshake up" in told
    assert told.count("Twilio's side of the stream: close frame 1001") == 3
    assert TOKEN not in told


@pytest.mark.usefixtures("hasty")
def test_a_twilio_that_hangs_up_is_called_again_for_what_is_left(probe: Probe) -> None:
    twilio = Twilio(probe.port, "hang-up")
    assert probe.run(twilio) == 0
    did, after, _ = probe.rows()
    assert did[:2] + did[3:] == [ACTION, ENDED, ENDED, ENDED, ACTION + SOUND]
    assert did[2].endswith(f"ms; then: {ACTION}")
    assert all(ms is not None for ms in after)
    assert [len(call.streams) for call in twilio.calls] == [2, 2, 1, 1]
    assert {form["Url"] for form in twilio.forms} == {f"{PUBLIC}/voice"}
    assert twilio.forms[0]["TimeLimit"] == 600


def test_sound_that_twilio_plays_out_is_told_by_its_time(probe: Probe) -> None:
    twilio = Twilio(probe.port, "continue", plays_out=True)
    assert probe.run(twilio, "--questions", "6", "--json") == 0
    [found] = json.loads(probe.capture.readouterr().out)
    assert found["asked"]
    assert found["twilio"] == ACTION
    assert found["after_ms"] >= 1000
    assert any("1 s of sound sent, and 1001 at once" in note for note in found["notes"])
    assert any(f"RecordingUrl={RECORDING}" in note for note in found["notes"]), "what came after the answer is noted"


def test_a_handshake_that_twilio_waits_for_is_ended_by_us(probe: Probe) -> None:
    assert probe.run(Twilio(probe.port, "continue"), "--questions", "5", "--json") == 0
    [found] = json.loads(probe.capture.readouterr().out)
    assert found["twilio"] == ACTION
    assert 1500 <= found["held_ms"] < 4000


def test_a_call_that_nobody_takes_up_asks_nothing_and_is_not_repeated(probe: Probe) -> None:
    class NobodyThere(Twilio):
        def request(self, method: str, url: str, *_: Any, data: Any = None, **__: Any) -> Response:
            self.forms.append(data)
            sid = "CA" + "7" * 32
            later = threading.Timer(0.2, lambda: signed(self.port, "/call-status", CallSid=sid, CallStatus="no-answer"))
            self.threads.append(later)
            later.start()
            return Response(201, json.dumps({"sid": sid}))

    twilio = NobodyThere(probe.port, "continue")
    assert probe.run(twilio) == 1
    did, _, told = probe.rows()
    assert did == ["not asked"] * 6
    assert len(twilio.forms) == 1
    assert "the call ended: no-answer" in told


def test_a_twilio_that_says_no_more_is_waited_for_so_long(probe: Probe) -> None:
    class Mute(Twilio):
        def ring(self) -> Played:
            call = super().ring()
            call.reports_end = False
            return call

    twilio = Mute(probe.port, "hang-up")
    code = probe.run(twilio, "--questions", "2", "--json", bounds=replace(BOUNDS, patience_s=1.5))
    [found] = json.loads(probe.capture.readouterr().out)
    assert (code, found["twilio"], found["after_ms"]) == (0, "nothing within 1.5 s", None)


def test_a_reset_is_one() -> None:
    async def cut() -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            wire.reset(writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            await reader.read()
        finally:
            writer.close()
            server.close()

    with pytest.raises(ConnectionResetError):
        asyncio.run(cut())


def test_a_port_that_is_taken_is_told(probe: Probe) -> None:
    with socket.create_server(("127.0.0.1", probe.port)):
        assert probe.run(Twilio(probe.port, "continue"), "--questions", "1") == 1
    assert f"port {probe.port} is not free" in probe.capture.readouterr().err


def test_the_sound_counts_itself() -> None:
    for second in range(1, 6):
        level = np.abs(mulaw.decode(documents.counted(second))).reshape(-1, 80).max(axis=1) > 1000
        assert len(level) == 100
        assert np.count_nonzero(np.diff(level.astype(int), prepend=0) == 1) == second


def test_a_call_that_twilio_refuses_to_place_is_told(probe: Probe) -> None:
    class Refusing(Twilio):
        def request(self, *_: Any, **__: Any) -> Response:
            raise TwilioRestException(400, "/Calls.json", "'To' is not verified", 21219)

    assert probe.run(Refusing(probe.port, "continue"), "--questions", "1") == 1
    assert "Twilio places no call: 'To' is not verified (21219)" in probe.capture.readouterr().err


def test_a_stream_that_never_begins_is_offered_twice_and_left_out(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "valid_handshake", lambda *_: False)
    twilio = Twilio(probe.port, "continue")
    assert probe.run(twilio, "--questions", "1,2") == 1
    [call] = twilio.calls
    assert [s.ending.code for s in call.streams] == [403] * 4
    assert probe.capture.readouterr().out.count("not asked") == 2


def test_a_tester_who_dials_is_waited_for(probe: Probe) -> None:
    twilio = Twilio(probe.port, "hang-up")
    given = ["--public-url", PUBLIC, "--number", NUMBER, "--wait", "--port", str(probe.port), "--questions", "2,4"]
    options = live_call._options().parse_args(given)
    calls = iter((twilio.ring, twilio.ring))

    def tester(text: str) -> None:
        if text.endswith("dial the number now"):
            next(calls)()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_call, "_tell", tester)
        assert live_call.run(options, Account(SID, TOKEN), None, BOUNDS) == 0
    for thread in twilio.threads:
        thread.join(10)
    assert probe.capture.readouterr().out.count(ENDED) == 2


def signed(port: int, path: str, key: str = TOKEN, **form: str) -> int:
    """A webhook as Twilio would send it; its status."""
    headers = {
        "Host": "tunnel.example",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature.sign(PUBLIC + path, form, key),
    }
    request = ask(("127.0.0.1", port), f"POST {path} HTTP/1.1", headers, urlencode(form).encode(), within_s=5)
    return asyncio.run(request)[0]


def test_nobody_but_twilio_is_answered(probe: Probe) -> None:
    statuses: list[int] = []

    class Attacked(Twilio):
        def request(self, *_: Any, data: Any = None, **__: Any) -> Response:
            statuses.append(signed(self.port, "/voice", "x" * 32, CallSid="CA1"))
            statuses.append(signed(self.port, "/call-status", "x" * 32, CallSid="CA1", CallStatus="completed"))
            statuses.append(signed(self.port, "/action/9", CallSid="CA1"))
            statuses.append(asyncio.run(ask(("127.0.0.1", self.port), "PUT / HTTP/1.1", {}, within_s=5))[0])
            raise TwilioRestException(400, "/Calls.json", "enough", 1)

    assert probe.run(Attacked(probe.port, "continue")) == 1
    assert statuses == [403, 403, 404, 405]


SCRIPT = Path(live_call.__file__)


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--to", TESTER], 0, "Nothing was done. Add --yes"),
        (["--wait"], 0, "Set by hand: webhook https://tunnel.example/voice"),
        (["--to", TESTER, "--yes"], 2, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN must be set"),
        (["--to", "0123"], 2, "a number in E.164"),
        (["--to", TESTER, "--questions", "7"], 2, "numbers from 1 to 6"),
        ([], 2, "one of the arguments --to --wait is required"),
    ],
)
def test_the_script_does_nothing_unless_told(more: list[str], code: int, says: str) -> None:
    command = [sys.executable, str(SCRIPT), "--public-url", PUBLIC, "--number", NUMBER, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={"PATH": ""})
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr


@pytest.mark.parametrize("url", ["http://tunnel.example", "https://tunnel.example:8443", "https://tunnel.example/a"])
def test_a_public_url_that_signatures_would_not_fit_is_refused(url: str, probe: Probe) -> None:
    with pytest.raises(SystemExit):
        live_call.main(["--public-url", url, "--number", NUMBER, "--to", TESTER], {})
    assert "an https:// URL of a host" in probe.capture.readouterr().err
