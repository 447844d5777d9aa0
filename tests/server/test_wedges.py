"""Peers that read nothing or too late, capacity and drain against streams that have not started."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.world import World, play


def connections() -> list[str]:
    """Hypercorn's tasks, and ours, for connections that are still there."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return [name for name in names if name == "_handle" or name.endswith(("_server_callback", "PhoneSocket.discard"))]


async def nothing_left() -> None:
    async with asyncio.timeout(4):
        while connections():  # noqa: ASYNC110  there is nothing to wait for but their end
            await asyncio.sleep(0.01)


async def gone(world: World, within_s: float) -> None:
    await asyncio.wait_for(world.exchange.empty(), within_s)


def test_streams_that_have_not_started_count_against_the_capacity(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        first = await world.phone()
        for _ in range(3):
            with pytest.raises(InvalidStatus) as refused:
                await world.phone()
            assert refused.value.response.status_code == 503
        await first.start(line="quiet")
        await world.model()
        assert world.exchange.calls == 1

    play(tmp_path, scenario, MAX_CALLS="1")


def test_a_stream_that_has_not_started_goes_with_the_drain_and_opens_no_model(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone = await world.phone()
        world.exchange.drain()
        with contextlib.suppress(ConnectionClosed):
            await phone.start(line="quiet")
        assert (await phone.closed())[0] == 1001
        assert world.models.empty()
        assert world.exchange.calls == 0

    play(tmp_path, scenario)


def test_a_model_that_reads_nothing_does_not_hold_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.bridge.LIVE_BACKLOG", 8)
    monkeypatch.setattr("gateway.call.link.BUDGET_S", 2.0)  # the next connection is never ready
    monkeypatch.setattr("gateway.call.link.READY_S", 1.0)

    async def scenario(world: World) -> None:
        phone, model = await world.call(line="quiet")
        await world.note("model-ready")
        model._socket.transport.pause_reading()
        with contextlib.suppress(Exception):
            while not world.notes("call-ended"):
                await phone.say(b"\xff" * 8000)
        await gone(world, 4)
        assert world.notes("call-ended")[0]["ended"] == "model-gone"
        model._socket.transport.abort()

    play(tmp_path, scenario)


def test_a_phone_that_goes_on_talking_after_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await world.call(line="quiet")
        await world.note("model-ready")
        await phone.socket.send("garbage")
        for _ in range(60):
            with contextlib.suppress(Exception):
                await phone.say()
        await gone(world, 4)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(phone.socket.wait_closed(), 2)
        await nothing_left()

    play(tmp_path, scenario)


@pytest.mark.parametrize("then", ["phone leaves", "drain"])
def test_an_end_behind_an_order_that_does_not_fit_is_carried_out(tmp_path: Path, then: str) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await world.call(line="quiet")
        await world.note("model-ready")
        (bridge,) = world.exchange._calls.values()
        began = bridge._call._lapse.span._line_at
        await phone.say()  # half a message
        async with asyncio.timeout(4):
            while bridge._call._lapse.span._line_at == began:  # noqa: ASYNC110  a frame without orders leaves no other trace
                await asyncio.sleep(0.01)
        bridge._to_live._limit = 0  # the model takes nothing any more
        bridge._call._lapse.span._end = (
            0.0  # and the frame that completes the message brings the longest call's end to light
        )
        await phone.say()
        await world.note("call-ended")
        if then == "drain":
            world.exchange.drain()
        else:
            await phone.socket.close()
        await gone(world, 4)
        assert world.notes("call-ended")

    play(tmp_path, scenario)


@pytest.mark.parametrize("how", ["vanishes", "hangs up", "is refused", "is closed by us"])
def test_however_a_stream_ends_nothing_of_it_is_left(tmp_path: Path, how: str) -> None:
    async def scenario(world: World) -> None:
        if how == "is refused":
            world.exchange.draining = True
            with contextlib.suppress(InvalidStatus):
                await world.phone()
        else:
            phone, model = await world.call(line="quiet")
            await world.note("model-ready")
            match how:
                case "vanishes":
                    phone.socket.transport.abort()
                case "hangs up":
                    await phone.stop()
                case _:
                    await model.close(1011, "quota")
            await gone(world, 4)
            await asyncio.wait_for(phone.socket.wait_closed(), 4)
        await nothing_left()

    play(tmp_path, scenario)
