"""The stand-in as a child process: up fast, told, and never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from gateway.rehearsal import process
from gateway.rehearsal.ears import normal
from gateway.rehearsal.process import StandinError, standin
from gateway.rehearsal.standin.script import ScriptError, load
from gateway.rehearsal.voice import choose

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
DEMO = Path(process.__file__).parent / "standin" / "scripts" / "demo.yaml"
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


@pytest.mark.parametrize("stop", ["SIGTERM", "SIGINT", "stdin"])
def test_it_ends_cleanly(stop: str) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(COMMAND, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["event"] == "listening"
        if stop != "stdin":
            child.send_signal(signal.Signals[stop])
            child.wait(timeout=5)
        _out, errors = child.communicate(timeout=5)
    assert (child.returncode, errors) == (0, b"")


def test_the_demo_s_answers_are_as_long_as_a_turn() -> None:
    script, speech = load(DEMO), choose(("pico",))
    assert len(script.replies) == 5
    for reply in script.replies:
        assert 5 <= len(speech.speak(reply.say)) / 48_000 <= 8.5
        assert normal(reply.hear) == reply.hear


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[", "is neither YAML nor JSON"),
        ("1", "must be a mapping"),
        ("reply: []", "unknown key 'reply' (known: otherwise, replies)"),
        ("otherwise: []", "otherwise: must hold at least one text"),
        ("replies: [{hear: a, say: b, go_away: 5}]", "replies[0].go_away: must be a duration with a unit"),
        ("replies: [{hear: a, say: b, tool: {}}]", "replies[0].tool.name: must be a text"),
        ("replies: [{hear: a, say: b, tool: {name: x, args: 1}}]", "replies[0].tool.args: must be a mapping"),
        ("replies: 1", "replies: must be a list"),
    ],
)
def test_faults_in_a_script(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(ScriptError) as caught:
        load(file)
    assert fault in str(caught.value)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="can't be read"):
        load(tmp_path / "none.yaml")
