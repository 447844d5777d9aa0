"""Calls over real sockets: sound both ways, barge-in, and every way a call may end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.call.facts import ToolDone
from gateway.call.toolbox import Toolbox
from gateway.live import messages as live
from gateway.live.cues import parse_say
from gateway.server import bridge
from gateway.server.bridge import Bridge
from gateway.tools.outcome import Outcome
from gateway.twilio import media
from tests.server.world import World, play

SPEECH = bytes(np.tile(np.array([0x00, 0x80], dtype=np.uint8), 80))  # full scale, both signs


def sound(ms: int) -> live.ModelAudio:
    time = np.arange(24 * ms) / 24_000
    return live.ModelAudio((9000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16).tobytes())


def test_a_call_both_ways(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await world.call()
        greeting = await model.expect(live.SendText)
        assert parse_say(greeting.text) == "Good day."
        await model.say(live.OutputTranscript("Good day."), sound(240), live.GenerationComplete())
        assert len((await phone.expect(media.Play)).mulaw) == 240 * 8
        for _ in range(2):  # its end, and the filter's tail
            await phone.played((await phone.expect(media.Mark)).name)
        for _ in range(4):
            await phone.say(SPEECH)
        assert [len((await model.expect(live.SendAudio)).pcm) for _ in range(2)] == [1280, 1280]
        await phone.stop()
        assert await phone.closed() == (1000, "")
        await model.closed.wait()
        assert model.code == 1000
        note = await world.note("call-ended")
        assert note["ended"] == "caller-hung-up"
        assert (await world.note("turn"))["private"] == {"text": "Good day."}

    play(tmp_path, scenario)


def test_the_setup_is_the_personas(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.start()
        setup = (await (await world.model()).expect(live.Setup)).setup
        assert setup["model"] == "models/gemini-3.8-live"
        text = setup["systemInstruction"]["parts"][0]["text"]
        assert text.startswith("You answer front-desk, called from +14155550199.")

    play(tmp_path, scenario)


def test_a_callers_sound_from_before_the_model_is_ready_is_not_lost(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.start(line="quiet")
        for _ in range(25):
            await phone.say(SPEECH)
        model = await world.model()
        await model.expect(live.Setup)
        await asyncio.sleep(0.05)
        assert model.got.empty()
        await model.say(live.Ready())
        got = 0
        while got < 480 * 32:  # 25 frames of 20 ms in messages of 40 ms: the last one waits for its pair
            got += len((await model.expect(live.SendAudio)).pcm)

    play(tmp_path, scenario)


def test_a_barge_in_clears_at_once(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await world.call(line="quiet")
        await model.say(live.OutputTranscript("One two three four."), *[sound(240)] * 12)
        await phone.expect(media.Play)
        await model.say(live.Interrupted())
        await phone.expect(media.Clear)
        sent = sum(len(message.mulaw) for message in phone.got if isinstance(message, media.Play)) / 8
        assert sent <= 400
        await model.say(live.TurnComplete())
        await model.say(sound(100))
        assert len((await phone.expect(media.Play)).mulaw) == 800
        assert (await world.note("barge-in"))["heard_ms"] < 400

    play(tmp_path, scenario)


def test_a_model_that_has_no_room_ends_the_call(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await world.call(line="quiet")
        await world.note("model-ready")
        await model.close(1011, "RESOURCE_EXHAUSTED: quota")
        assert await phone.closed() == (1011, "")
        note = await world.note("model-gone")
        assert (note["code"], note["kind"]) == (1011, "quota")
        assert note["private"]["reason"] == "RESOURCE_EXHAUSTED: quota"
        assert (await world.note("call-ended"))["ended"] == "model-gone"

    play(tmp_path, scenario)


def test_unknown_messages_of_the_model_are_survived(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await world.call(line="quiet")
        await model.send_raw(b'{"somethingNew": {"a": 1}}')
        await model.say(sound(100))
        await phone.expect(media.Play)
        assert (await world.note("model-unknown-message"))["keys"] == ["somethingNew"]

    play(tmp_path, scenario)


def test_a_model_that_cannot_be_reached_ends_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.call.link.FIRST_BUDGET_S", 0.2)

    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.start()
        assert (await phone.closed())[0] == 1011
        assert (await world.note("call-ended"))["ended"] == "model-unavailable"

    play(tmp_path, scenario, GOOGLE_GEMINI_BASE_URL="ws://127.0.0.1:9")


def test_a_tool_call_is_answered(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        _, model = await world.call(line="quiet")
        await model.say(live.ToolCall((live.FunctionCall("7", "book", {}),)))
        (result,) = (await model.expect(live.SendToolResults)).results
        assert (result.id, result.response["status"]) == ("7", "error")

    play(tmp_path, scenario)


def test_a_caller_who_vanishes_ends_the_call(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await world.call(line="quiet")
        phone.socket.transport.abort()
        await asyncio.wait_for(model.closed.wait(), 5)
        assert (await world.note("call-ended"))["ended"] == "phone-gone"

    play(tmp_path, scenario)


def test_draining_ends_every_call_with_going_away(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        calls = [await world.call(line="quiet") for _ in range(3)]
        world.exchange.drain()
        assert [(await phone.closed())[0] for phone, _ in calls] == [1001] * 3
        await asyncio.wait_for(world.exchange.empty(), 5)

    play(tmp_path, scenario)


BROKEN = [
    ("not json", 1007),
    ("[]", 1007),
    ('{"event": "media"}', 1007),
    ('{"event": "media", "sequenceNumber": "9", "media": {"track": "inbound", "chunk": "1", "timestamp": "5", '
     '"payload": "!!"}, "streamSid": "MZ1"}', 1007),
    ('{"event": "connected", "protocol": "Call", "version": "1.0.0"}', 1002),
    ("x" * 70_000, 1009),
    (b"\x00\x01", 1003),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "code"), BROKEN, ids=[str(code) + str(raw)[:12] for raw, code in BROKEN])
def test_garbage_ends_its_call_and_no_other(tmp_path: Path, raw: str | bytes, code: int) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await world.call(line="quiet")
        other, model = await world.call(line="quiet")
        await phone.socket.send(raw)
        assert (await phone.closed())[0] == code
        assert (await world.note("phone-fault"))["code"] == code
        await model.say(sound(100))
        assert len((await other.expect(media.Play)).mulaw) == 800

    play(tmp_path, scenario)


def test_the_longest_call_is_bounded(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        flow = (tmp_path / "clinic.yaml").read_text(encoding="utf-8")
        assert "30s" in flow
        phone, _ = await world.call(line="quiet")
        bridge = next(iter(world.exchange._calls.values()))
        bridge._call._lapse.span._end -= 30
        await phone.say()
        assert (await phone.closed())[0] == 1000
        assert (await world.note("call-ended"))["ended"] == "max-duration"

    play(tmp_path, scenario)


def test_many_calls_at_once_do_not_mix(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        calls = [await world.call(line="quiet") for _ in range(12)]
        for nth, (_, model) in enumerate(calls):
            await model.say(sound(20 + 20 * nth))
        got = [len((await phone.expect(media.Play)).mulaw) // 8 for phone, _ in calls]
        assert got == [20 + 20 * nth for nth in range(12)]

    play(tmp_path, scenario)


def test_a_tool_that_was_stopped_at_its_deadline_while_the_model_was_away_is_not_run_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have booked the table before it was stopped, and a model that is told so must not book it twice."""

    class Books:
        async def run(self, args: object) -> Outcome:
            await asyncio.sleep(60)
            raise AssertionError

    toolbox = Toolbox({"book": "books"}, asynchronous=False)
    nobody: Any = None

    async def scenario() -> ToolDone:
        shell, told = Bridge(nobody, nobody, nobody, nobody, nobody), list[Any]()
        monkeypatch.setattr(shell, "tell", told.append)
        (order,) = toolbox.called(live.ToolCall((live.FunctionCall("1", "book", {"at": 8}),)), 0.0).run
        await shell._run(replace(order, deadline=asyncio.get_running_loop().time() + 0.01))
        (done,) = told
        assert isinstance(done, ToolDone)
        return done

    monkeypatch.setattr(bridge, "KINDS", {"books": Books()})
    done = asyncio.run(scenario())
    toolbox.lost(7.0)
    toolbox.done(done.id, done.result, 8.0, closes=done.closes)
    (told,) = toolbox.resumed(9.0, handle_at=1.0).results
    assert (told.response["status"], told.response["retryable"]) == ("error", False)
    assert "don't call it again" in told.response["error"]
    assert toolbox.called(live.ToolCall((live.FunctionCall("2", "book", {"at": 8}),)), 10.0).run == ()
