"""The real process: it says where it listens, serves, and is gone within seconds of SIGTERM, whatever clients do."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from gateway.addresses import SettingsError
from gateway.live import messages as live
from gateway.live.endpoint import Endpoint
from gateway.server.lifecycle import endpoints
from gateway.server.listener import listen
from gateway.settings import read
from tests.clients.test_google import account
from tests.server.served import child
from tests.server.world import Phone, http


def test_serve_and_drain(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(tmp_path) as gateway:
            assert (await http(gateway.url + "/healthz"))[0] == 200
            async with connect("ws" + gateway.url[4:] + "/ws/twilio", compression=None, proxy=None) as socket_:
                phone = Phone(socket_, "MZ1")
                await phone.start(line="quiet")
                model = await gateway.models.get()
                await model.expect(live.Setup)
                await model.say(live.Ready())
                stopped = asyncio.ensure_future(gateway.stop(within_s=4))
                assert (await phone.closed())[0] == 1001
                assert await stopped == 0
            messages = [line["message"] for line in await gateway.lines()]
            assert messages[-2:] == ["draining", "call-ended"]

    asyncio.run(scenario())


def test_a_crowd_waits_in_the_kernels_queue_not_outside(tmp_path: Path) -> None:
    """One connection is accepted in a turn of the loop; asyncio would make the kernel's queue as short as that."""

    async def scenario() -> None:
        async with child(tmp_path) as gateway:
            host, port = gateway.url.removeprefix("http://").split(":")
            assert (await http(gateway.url + "/healthz"))[0] == 200
            gateway.process.send_signal(signal.SIGSTOP)
            try:
                crowd = [asyncio.open_connection(host, int(port)) for _ in range(200)]
                opened = await asyncio.wait_for(asyncio.gather(*crowd), 10)
            finally:
                gateway.process.send_signal(signal.SIGCONT)
            for _, writer in opened:
                writer.close()
            assert (await http(gateway.url + "/healthz"))[0] == 200

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_deaf_peer_does_not_hold_the_exit(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(tmp_path) as gateway:
            host, port = gateway.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                f"GET /ws/twilio HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert b"101" in await reader.readline()
            assert await gateway.stop(within_s=4) == 0
            writer.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_sigint_drains_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(tmp_path) as gateway:
            gateway.process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(gateway.process.wait(), 4) == 0

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize("ask", ["1", "0"])
def test_it_ends_with_its_parents_pipe_only_where_that_was_asked_for(tmp_path: Path, ask: str) -> None:
    async def scenario() -> None:
        async with child(tmp_path, END_WITH_STDIN=ask) as gateway:
            assert gateway.process.stdin is not None
            gateway.process.stdin.close()
            if ask == "1":
                assert await asyncio.wait_for(gateway.process.wait(), 4) == 0
            else:
                assert (await http(gateway.url + "/healthz"))[0] == 200

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_terminal_that_hangs_up_ends_it(tmp_path: Path) -> None:
    """SIGHUP with the terminal still there is an operator's; without it, it is the end, as for any program."""
    ours, theirs = os.openpty()

    async def scenario() -> None:
        async with child(tmp_path, stdin=theirs) as gateway:
            os.close(theirs)
            gateway.process.send_signal(signal.SIGHUP)
            await gateway.note("flows-unchanged")
            os.close(ours)
            gateway.process.send_signal(signal.SIGHUP)
            assert await asyncio.wait_for(gateway.process.wait(), 4) == 0

    asyncio.run(scenario())


def test_a_port_in_use_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as raised:
            listen("127.0.0.1", port)
    assert str(raised.value) == f"PORT: {port} is in use (take another, or 0 for a free one)"


def test_a_host_that_is_not_ours_is_told() -> None:
    with pytest.raises(SettingsError, match=r"HOST: cannot listen on '192\.0\.2\.1'"):
        listen("192.0.2.1", 0)


def test_the_loopback_of_version_6_will_do() -> None:
    with listen("::1", 0) as listener:
        assert listener.getsockname()[0] == "::1"


@pytest.mark.parametrize(
    ("env", "backend", "url", "header"),
    [
        (
            {"LIVE_BACKEND": "developer", "GOOGLE_API_KEY": "k"},
            "developer",
            "wss://generativelanguage.googleapis.com//ws/"
            "google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            ("x-goog-api-key", "k"),
        ),
        (
            {"GOOGLE_GEMINI_BASE_URL": "ws://127.0.0.1:7"},
            "developer",
            "ws://127.0.0.1:7/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            ("x-goog-api-key", "rehearsal"),
        ),
        (
            {"GOOGLE_GEMINI_BASE_URL": "ws://127.0.0.1:7"},
            "vertex",
            "ws://127.0.0.1:7/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent",
            ("Authorization", "Bearer rehearsal"),
        ),
    ],
)
def test_where_the_model_is(env: dict[str, str], backend: Any, url: str, header: tuple[str, str]) -> None:
    async def find() -> tuple[str, dict[str, str]]:
        found = await endpoints(read(env))(backend)
        return found.url, dict(found.headers)

    found, headers = asyncio.run(find())
    assert found == url
    assert {name.lower(): value for name, value in headers.items()}[header[0].lower()] == header[1]


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_where_vertex_ai_is_and_who_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, host: str
) -> None:
    """By Application Default Credentials, refreshed between two calls."""
    env = {"LIVE_BACKEND": "vertex", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": location}

    async def find() -> list[Endpoint]:
        at = endpoints(read(env))
        return [await at("vertex") for _ in range(2)]

    with account(tmp_path, monkeypatch) as server:
        server.lifetime_s = 1
        found = asyncio.run(find())
    url = f"wss://{host}//ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    payer = {"Content-Type": "application/json", "x-goog-user-project": "billed"}
    assert found == [Endpoint(url, {**payer, "Authorization": f"Bearer token-{nth}"}) for nth in (1, 2)]
