"""The model's session across connections, over real sockets: the caller goes on talking to the same agent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio import media
from tests.server.world import Model, Phone, World, play

HANDLE = live.ResumptionUpdate("h1", True)


def sound(ms: int) -> live.ModelAudio:
    return live.ModelAudio(b"\x10\x20" * (24 * ms))


async def call(world: World) -> tuple[Phone, Model]:
    """A call whose session can be resumed."""
    phone, model = await world.call(line="quiet")
    await world.note("model-ready")
    await model.say(HANDLE)
    return phone, model


async def back(world: World) -> tuple[Model, live.Setup]:
    """The next session that the gateway opens, ready."""
    model = await world.model()
    setup = await model.expect(live.Setup)
    await model.say(live.Ready())
    return model, setup


def handle(setup: live.Setup) -> Any:
    return setup.setup["sessionResumption"].get("handle")


async def talks(phone: Phone, model: Model) -> None:
    """Both ways are open."""
    await phone.say()
    await phone.say()
    await model.expect(live.SendAudio)
    await model.say(sound(100))
    await phone.expect(media.Play)


@pytest.mark.parametrize(
    ("code", "reason"), [(1011, "Internal error"), (1008, "The operation was aborted"), (1000, ""), (1006, "")]
)
def test_a_connection_that_ends_is_followed_by_another(tmp_path: Path, code: int, reason: str) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        if code == 1006:
            model._socket.transport.abort()
        else:
            await model.close(code, reason)
        again, setup = await back(world)
        assert handle(setup) == "h1"
        await talks(phone, again)
        assert (await world.note("model-back"))["how"] == "resumed"

    play(tmp_path, scenario)


def test_a_session_that_lacks_its_last_turn_is_told_it_first(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.say(live.InputTranscript("What time is it?"))
        await model.say(live.OutputTranscript("Four."), sound(100))
        await model.say(live.GenerationComplete(), live.TurnComplete())
        await phone.expect(media.Play)
        await phone.say()
        await model.close(1011, "Internal error")
        again, setup = await back(world)
        assert handle(setup) == "h1"
        turns = live.ContentTurn("user", "What time is it?"), live.ContentTurn("model", "Four.")
        assert await asyncio.wait_for(again.got.get(), 5) == live.SendContent(turns, complete=False)
        await talks(phone, again)

    play(tmp_path, scenario)


async def turn(world: World, phone: Phone, model: Model, words: str, tokens: int) -> None:
    """The agent says something, is heard, and it is billed."""
    nth = len(world.notes("turn")) + 1
    await model.say(live.OutputTranscript(words), sound(60), live.GenerationComplete())
    await model.say(live.TurnComplete(), live.Usage(tokens, 10, tokens + 10))
    await phone.played((await phone.expect(media.Mark)).name)
    await world.note("turn", nth)


def test_a_session_that_took_its_handle_and_knows_nothing_is_left_for_one_that_is_told(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        for nth, tokens in enumerate((500, 700, 1_000), start=2):
            await turn(world, phone, model, f"Sentence {nth}.", tokens)
            await model.say(live.ResumptionUpdate(f"h{nth}", True))
        await model.close(1011, "Internal error")
        again, setup = await back(world)
        assert handle(setup) == "h4"
        await turn(world, phone, again, "How can I help?", 40)
        await phone.say()
        third, setup = await back(world)
        assert handle(setup) is None
        told = setup.setup["systemInstruction"]["parts"][0]["text"]
        assert [told.count(said) for said in ("Sentence 2.", "Sentence 4.", "How can I help?")] == [1, 1, 1]
        assert again.code == 1000
        await talks(phone, third)
        assert third.got.empty()  # nobody is to be greeted
        assert [note["how"] for note in world.notes("model-back")] == ["resumed", "fresh"]
        assert world.exchange.metrics.get("gateway_sessions_forgotten_total") == 1

    play(tmp_path, scenario)


def test_a_model_that_talks_nonsense_is_left_for_a_fresh_session(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.send_raw(b"\x00 not json")
        again, setup = await back(world)
        assert handle(setup) is None
        await talks(phone, again)
        assert (await world.note("model-gone"))["code"] == 1007

    play(tmp_path, scenario)


def test_go_away_moves_the_session_and_closes_the_old_socket_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.call.link.PREPARE_S", 0.2)

    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.say(live.GoingAway(50.0))
        prepared = await world.model()
        assert prepared.got.empty()
        await asyncio.wait_for(model.closed.wait(), 5)
        assert model.code == 1000
        setup = await prepared.expect(live.Setup)
        assert handle(setup) == "h1"
        await prepared.say(live.Ready())
        await talks(phone, prepared)
        assert (await world.note("model-back"))["gap_ms"] < 1000
        assert not world.notes("model-gone")

    play(tmp_path, scenario)


def test_what_an_old_connection_still_says_is_not_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.call.link.PREPARE_S", 0.0)

    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.say(live.GoingAway(50.0))
        again, _ = await back(world)
        await world.note("model-back")
        with pytest.raises(Exception, match=r".*"):
            await model.say(sound(500))
        await again.say(sound(100))
        assert len((await phone.expect(media.Play)).mulaw) <= 800

    play(tmp_path, scenario)


def test_a_prepared_socket_that_dies_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.call.link.PREPARE_S", 0.3)

    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.say(live.GoingAway(50.0))
        prepared = await world.model()
        prepared._socket.transport.abort()
        again, setup = await back(world)
        assert handle(setup) == "h1"
        await talks(phone, again)

    play(tmp_path, scenario)


def test_a_prepared_socket_is_closed_with_its_call(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.say(live.GoingAway(50.0))
        prepared = await world.model()
        await phone.stop()
        await asyncio.wait_for(prepared.closed.wait(), 5)
        await asyncio.wait_for(world.exchange.empty(), 5)

    play(tmp_path, scenario)


def test_a_refused_handle_leads_to_a_fresh_session_that_was_told(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.say(live.InputTranscript("My name is Robin."))
        await model.say(
            live.OutputTranscript("Hello Robin."), sound(60), live.GenerationComplete(), live.TurnComplete()
        )
        for mark in [await phone.expect(media.Mark)]:
            await phone.played(mark.name)
        await world.note("turn")
        await model.close(1011, "Internal error")
        refused = await world.model()
        await refused.expect(live.Setup)
        await refused.close(1007, "Request contains an invalid argument.")
        again, setup = await back(world)
        assert handle(setup) is None
        assert "caller: My name is Robin." in str(setup.setup["systemInstruction"])
        await talks(phone, again)

    play(tmp_path, scenario)


def test_a_sentence_that_broke_off_goes_on(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.say(live.OutputTranscript("One two three"), sound(2000))
        await phone.expect(media.Play)
        await model.close(1011, "Internal error")
        again, _ = await back(world)
        assert (await again.expect(live.SendText)).text == cues.go_on("One two three")

    play(tmp_path, scenario)


def test_a_caller_who_hangs_up_in_the_gap_leaves_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, model = await call(world)
        await model.close(1011, "Internal error")
        again = await world.model()
        await phone.stop()
        await asyncio.wait_for(again.closed.wait(), 5)
        await asyncio.wait_for(world.exchange.empty(), 5)

    play(tmp_path, scenario)


@pytest.mark.slow
def test_a_hundred_moves_lose_and_double_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said is counted: the sessions together hear each of the caller's frames once."""
    monkeypatch.setattr("gateway.call.link.PREPARE_S", 0.0)
    monkeypatch.setattr("gateway.call.link.STEADY_S", 0.0)

    async def scenario(world: World) -> None:
        phone, model = await call(world)
        sent, heard = 0, 0
        for _ in range(100):
            for _ in range(6):
                await phone.say()
                sent += 1
            await model.say(HANDLE, live.GoingAway(50.0))
            again, _ = await back(world)
            await asyncio.wait_for(model.closed.wait(), 5)
            heard += drained(model)
            model = again
        await phone.stop()
        await asyncio.wait_for(model.closed.wait(), 5)
        heard += drained(model)
        assert sent * 20 - 40 <= heard <= sent * 20

    play(tmp_path, scenario, LIVE_FRAME_MS="20")


def drained(model: Model) -> int:
    """Milliseconds of the caller's sound that a session has heard and nobody has looked at."""
    ms = 0
    while not model.got.empty():
        message = model.got.get_nowait()
        ms += len(message.pcm) // 32 if isinstance(message, live.SendAudio) else 0
    return ms


def test_a_socket_that_was_prepared_is_closed_when_the_caller_hangs_up_in_the_middle_of_a_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old connection's closing handshake is waited for: meanwhile nobody has taken the new one yet."""
    monkeypatch.setattr("gateway.call.link.PREPARE_S", 0.2)
    monkeypatch.setattr("gateway.server.bridge.CLOSE_S", 5.0)
    monkeypatch.setattr("gateway.server.live_socket.CLOSE_TIMEOUT_S", 5.0)

    async def scenario(world: World) -> None:
        phone, model = await call(world)
        model._socket.transport.pause_reading()  # it answers no close frame
        await model.say(live.GoingAway(50.0))
        prepared = await world.model()
        await until_closing(world)
        await phone.stop()
        await asyncio.wait_for(prepared.closed.wait(), 5)
        assert prepared.got.empty()
        model._socket.transport.abort()

    play(tmp_path, scenario)


async def until_closing(world: World) -> None:
    """The session has left its connection, and the next one isn't asked for."""
    (bridge,) = world.exchange._calls.values()
    async with asyncio.timeout(5):
        while bridge._call._recovery.live:  # noqa: ASYNC110  a state
            await asyncio.sleep(0.005)
        await asyncio.sleep(0)
