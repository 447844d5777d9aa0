"""The hostile mode over real sockets: what a client meets on the wire, by name."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.live import cues
from gateway.live.messages import (
    MAX_MESSAGE_BYTES,
    ResumptionUpdate,
    SendAudio,
    SendContent,
    SendText,
    SendToolResults,
    ToolCall,
    TurnComplete,
    build,
)
from gateway.live.messages import FunctionResult as Result
from gateway.rehearsal.standin.__main__ import _options
from gateway.rehearsal.standin.hostile import HOSTILE, LIFE_S, MEGABYTE, NO_OPERATION
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import Reply, Script, Tool
from gateway.rehearsal.standin.server import Kit, serving
from gateway.rehearsal.standin.talk import House
from gateway.rehearsal.standin.trouble import At, read_part
from gateway.rehearsal.standin.waiting import ON_ITS_WAY_S
from tests.rehearsal.standin.house import DEVELOPER, KEY, QUICK, SETUP, SILENCE, Client, hearing, recorded

HELLO = SendText(cues.say("one " * 45))  # three messages of speech
QUIET_S = LIFE_S + 0.5  # nothing more will come
CLOSES = {
    **{"bad-key": 1007, "bad-setup": 1007, "no-model": 1008, "quota": 1011, "cut-at-setup": 1006},
    **{"internal-error": 1011, "deadline-expired": 1011, "unavailable": 1011, "keepalive": 1011, "quota-later": 1011},
    **{"aborted": 1008, "closed": 1000, "restart": 1012, "context-full": 1007, "cut": 1006, "after-close": 1011},
    **{"going-away": 1008, "gone-away": 1008, "too-huge": 1006, "short-life": 1006},
}
GARBAGE = ("garbage", "garbage-bytes", "no-object", "wrong-shape", "error-object")
SOUNDS = ("wrong-rate", "odd", "empty")
TOOLS = {
    "tool-twice": ["d-1", "d-1"],
    "tool-again": ["d-1", "d-2"],
    "tool-swept": ["s-0", "s-1", "s-2", "s-3", "s-4"],
    "tool-cancelled": ["c-1"],
    "mute-after-tool": ["w-1"],
    "mute-after-word": ["w-2"],
}
MET = (*CLOSES, *GARBAGE, *SOUNDS, *TOOLS, "no-ready", "flood", "huge", "stall", "phantom")
OPTIONS: Mapping[str, Any] = {
    "additional_headers": KEY,
    "compression": None,
    "proxy": None,
    "max_size": MAX_MESSAGE_BYTES,
}

Meeting = tuple[list[Any], int | None]  # the frames, as JSON where they are, and the close code; None: still open


@pytest.fixture(scope="module")
def meetings() -> Mapping[str, Meeting]:
    """Every trouble as its client meets it, all at once."""
    found: dict[str, Meeting] = {}

    async def one(name: str) -> None:
        found[name] = await _met(name)

    async def everyone() -> None:
        async with asyncio.TaskGroup() as group:
            for name in MET:
                group.create_task(one(name))

    asyncio.run(everyone())
    return found


async def _met(name: str) -> Meeting:
    async with _standin(name) as url, connect(url, **OPTIONS) as socket:
        await socket.send(json.dumps({"setup": SETUP}))
        with contextlib.suppress(ConnectionClosed):
            if name in TOOLS:
                await Client(socket).speak(recorded() + SILENCE)
                await socket.send(build(SendToolResults((Result(TOOLS[name][0], "lookup", {"ok": True}),))))
            else:
                await socket.send(build(HELLO))
        frames: list[Any] = []
        try:
            while True:
                frames.append(_json(await asyncio.wait_for(socket.recv(), QUIET_S)))
        except TimeoutError:
            return frames, None
        except ConnectionClosed as closed:
            return frames, closed.rcvd.code if closed.rcvd else 1006


@asynccontextmanager
async def _standin(*names: str) -> AsyncIterator[str]:
    """The URL of the Developer API's path."""
    book = Reply("book it", "Booked.", Tool("book"))
    script = Script((book,), ("two " * 45,), tuple(read_part(name, HOSTILE) for name in names))
    async with serving(Kit(House(script, Resumption()), QUICK, hearing, lambda _event, _fields: None)) as url:
        yield url + DEVELOPER


def _json(frame: str | bytes) -> Any:
    try:
        return json.loads(frame)
    except ValueError:
        return frame


def _content(frames: list[Any], name: str) -> list[Any]:
    return [frame["serverContent"][name] for frame in frames if name in frame.get("serverContent", {})]


@pytest.mark.parametrize(("name", "code"), CLOSES.items())
def test_a_connection_ends_as_its_name_says(name: str, code: int, meetings: Mapping[str, Meeting]) -> None:
    frames, ended = meetings[name]
    assert ended == code
    ready = HOSTILE[name].at is At.SOUND or name == "short-life"
    assert any("setupComplete" in frame for frame in frames) == ready


@pytest.mark.parametrize("name", [name for name, trouble in HOSTILE.items() if trouble.status])
def test_an_upgrade_is_refused(name: str) -> None:
    async def test() -> None:
        async with _standin(f"{name}@1") as url:
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, **OPTIONS)
            assert refused.value.response.status_code == HOSTILE[name].status
            async with connect(url, **OPTIONS):
                pass  # the second connection is well

    asyncio.run(test())


def test_an_upgrade_lets_wait_but_not_for_one_who_has_left() -> None:
    async def test() -> None:
        async with asyncio.timeout(5), _standin("no-upgrade") as url:
            with pytest.raises(TimeoutError):
                await connect(url, open_timeout=0.2, **OPTIONS)

    asyncio.run(test())


def test_a_session_that_is_never_ready_says_nothing(meetings: Mapping[str, Meeting]) -> None:
    assert meetings["no-ready"] == ([], None)


def test_handles_are_refused() -> None:
    async def test() -> None:
        async with _standin("handle-refused") as url:
            async with connect(url, **OPTIONS) as socket:
                client = Client(socket)
                await socket.send(json.dumps({"setup": SETUP}))
                await client.send(HELLO)
                came = await client.until(TurnComplete, ResumptionUpdate)
            handle = next(one.handle for one in reversed(came) if isinstance(one, ResumptionUpdate))
            async with connect(url, **OPTIONS) as socket:
                await socket.send(json.dumps({"setup": {**SETUP, "sessionResumption": {"handle": handle}}}))
                assert (await Client(socket).closed())[0] == 1007

    asyncio.run(test())


def test_history_is_refused() -> None:
    async def test() -> None:
        async with _standin("history-refused") as url, connect(url, **OPTIONS) as socket:
            client = Client(socket)
            await socket.send(json.dumps({"setup": SETUP}))
            await client.send(SendContent((), complete=False))
            assert (await client.closed())[0] == 1007

    asyncio.run(test())


def test_speech_is_marked_with_another_rate_or_cut_in_half(meetings: Mapping[str, Meeting]) -> None:
    def blobs(name: str) -> list[Any]:
        return [part["inlineData"] for turn in _content(meetings[name][0], "modelTurn") for part in turn["parts"]]

    assert {blob["mimeType"] for blob in blobs("wrong-rate")} == {"audio/pcm;rate=16000"}
    assert all(len(blob["data"].rstrip("=")) * 6 // 8 % 2 for blob in blobs("odd"))
    assert [bool(blob["data"]) for blob in blobs("empty")] == [False, True, False] * 3


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_stands_among_good_frames(name: str, meetings: Mapping[str, Meeting]) -> None:
    frames, ended = meetings[name]
    assert ended is None
    assert sum(not isinstance(frame, dict) or "error" in frame or 5 in frame.values() for frame in frames) == 1


def test_floods_and_giants(meetings: Mapping[str, Meeting]) -> None:
    assert len(meetings["flood"][0]) > 2_000
    assert max(len(frame.get("novelty", "")) for frame in meetings["huge"][0]) == 10 * MEGABYTE


def test_a_stall_and_a_phantom_leave_a_turn_half_said(meetings: Mapping[str, Meeting]) -> None:
    assert _content(meetings["stall"][0], "generationComplete") == []
    assert [list(frame["serverContent"]) for frame in meetings["phantom"][0][-2:]] == [
        ["interrupted"],
        ["turnComplete"],
    ]


@pytest.mark.parametrize("name", TOOLS)
def test_tools_are_called_when_the_caller_has_spoken(name: str, meetings: Mapping[str, Meeting]) -> None:
    frames, _ = meetings[name]
    calls = [call["id"] for frame in frames for call in frame.get("toolCall", {}).get("functionCalls", [])]
    assert calls == TOOLS[name]
    cancelled = [id for frame in frames for id in frame.get("toolCallCancellation", {}).get("ids", [])]
    assert cancelled == (["c-1"] if name == "tool-cancelled" else [])
    assert bool(_content(frames, "turnComplete")) == (name != "mute-after-tool")


def test_sound_and_words_while_a_tool_call_waits_end_the_connection() -> None:
    async def test(*meanwhile: Any) -> tuple[int, str]:
        async with _standin("talk-at-tool") as url, connect(url, **OPTIONS) as socket:
            client = Client(socket)
            await socket.send(json.dumps({"setup": SETUP}))
            await client.send(SendText("book it"))
            await client.until(ToolCall)
            await asyncio.sleep(ON_ITS_WAY_S)
            await client.send(*meanwhile, SendToolResults((Result("call-session-1-1", "book", {"ok": True}),)))
            return await client.closed() if meanwhile else (0, str(await client.until(TurnComplete)))

    assert asyncio.run(test(SendAudio(bytes(640)))) == (1008, NO_OPERATION)
    assert asyncio.run(test(SendText("Hello?"))) == (1008, NO_OPERATION)
    assert "OutputTranscript(text='Booked" in asyncio.run(test())[1]


def test_the_command_line_names_troubles(capsys: pytest.CaptureFixture[str]) -> None:
    assert _options(["--hostile", "cut@2#5", "--hostile", "http-503"]).hostile == [
        read_part("cut@2#5", HOSTILE),
        read_part("http-503", HOSTILE),
    ]
    with pytest.raises(SystemExit):
        _options(["--hostile", "smoke"])
    assert "no such trouble (known: aborted, " in capsys.readouterr().err


def test_every_trouble_says_what_it_is() -> None:
    assert all(trouble.about for trouble in HOSTILE.values())
