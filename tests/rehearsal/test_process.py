"""The stand-in as a child process: up fast, told, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from gateway.live import cues
from gateway.rehearsal import process
from gateway.rehearsal.process import StandinError, standin

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
COMMAND = (sys.executable, "-m", "gateway.rehearsal.standin", "--voice", "tones")
ROOT = Path(process.__file__).parents[2]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_listens_tells_its_events_and_is_gone_afterwards() -> None:
    async def run() -> tuple[int, list[str]]:
        names = []
        async with standin(voice="tones", connection_s=100) as handle:
            assert handle.first["voice"] == "tones"
            assert handle.first["note"] == "rehearsal: scripted, not a model"
            async with connect(handle.url + PATH, additional_headers={"x-goog-api-key": "x"}, proxy=None) as socket:
                await socket.send(json.dumps({"setup": {"model": "models/gemini-3.8-live"}}))
                await socket.recv()
            async for event in handle.events():
                assert event["t"] > handle.first["t"]
                names.append(str(event["event"]))
                if names[-1] == "closed":
                    break
        return handle.pid, [name for name in names if name != "ears"]

    pid, names = asyncio.run(run())
    assert names == ["session-opened", "setup", "closed"]
    assert gone(pid)


def test_a_signal_breaks_every_connection_and_the_sessions_can_be_resumed_at_once() -> None:
    async def run() -> None:
        async with standin(voice="count") as handle, asyncio.timeout(10):
            key = {"x-goog-api-key": "x"}
            first = {"model": "models/gemini-3.8-live", "sessionResumption": {}}
            async with connect(handle.url + PATH, additional_headers=key, proxy=None) as socket:
                await socket.send(json.dumps({"setup": first}))
                await socket.send(json.dumps({"realtimeInput": {"text": cues.say("7")}}))
                messages = [json.loads(await socket.recv())]
                while not messages[-1].get("sessionResumptionUpdate", {}).get("newHandle"):
                    messages.append(json.loads(await socket.recv()))
                os.kill(handle.pid, signal.SIGUSR1)
                with pytest.raises(ConnectionClosedError) as closed:
                    await socket.recv()
                assert closed.value.rcvd is None
            again = {**first, "sessionResumption": {"handle": messages[-1]["sessionResumptionUpdate"]["newHandle"]}}
            async with connect(handle.url + PATH, additional_headers=key, proxy=None) as socket:
                await socket.send(json.dumps({"setup": again}))
                assert "setupComplete" in json.loads(await socket.recv())

    asyncio.run(run())


def test_it_is_gone_when_its_user_fails() -> None:
    pids: list[int] = []

    async def run() -> None:
        async with standin(voice="tones") as handle:
            pids.append(handle.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
    assert gone(pids[0])


def test_events_end_with_the_process() -> None:
    async def run() -> None:
        async with standin(voice="tones") as handle:
            os.kill(handle.pid, signal.SIGTERM)
            async with asyncio.timeout(5):
                assert [event async for event in handle.events() if event["event"] != "ears"] == []

    asyncio.run(run())


def test_a_bad_script_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("replies: [{hear: x}]")

    async def run() -> None:
        async with standin(script=script):
            raise AssertionError

    with pytest.raises(StandinError, match=r"exit code 1: .*script\.yaml: replies\[0\]\.say: must be a text"):
        asyncio.run(run())


def test_it_ends_cleanly() -> None:
    pipe = subprocess.PIPE
    stops = (signal.SIGTERM, signal.SIGINT, None)  # None: the end of stdin
    with contextlib.ExitStack() as stack:
        children = [
            stack.enter_context(subprocess.Popen(COMMAND, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe))
            for _ in stops
        ]
        for child, stop in zip(children, stops, strict=True):
            assert child.stdout is not None
            assert json.loads(child.stdout.readline())["event"] == "listening"
            if stop is not None:
                child.send_signal(stop)
                child.wait(timeout=5)
            _out, errors = child.communicate(timeout=5)
            assert (child.returncode, errors) == (0, b"")


def test_a_line_that_is_too_long_is_passed_over() -> None:
    async def run() -> list[object]:
        handle = process.Standin({"url": "ws://127.0.0.1:1"}, 1)
        lines = asyncio.StreamReader(limit=1_000)
        lines.feed_data(b'{"event": "one"}\n' + b"x" * 5_000 + b'\nno event\n[1]\n{"event": "two"}\n')
        lines.feed_eof()
        await handle.follow(lines)
        return [event["event"] async for event in handle.events()]

    assert asyncio.run(run()) == ["one", "two"]
