"""A call's place while the store is asked: from `start` to the list of calls others come, and earlier streams end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from gateway.store import Claim
from gateway.store.memory import Memory
from tests.server.world import World, play


class Slow(Memory):
    """Answers a claim when the test says so."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def claim(self, call_sid: str, owner: str, least: int, ttl_s: float) -> Claim:
        self.asked.set()
        await self.may_answer.wait()
        return await super().claim(call_sid, owner, least, ttl_s)


def test_a_call_has_its_place_from_its_start_on(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        store = world.exchange.store = Slow()
        await (await world.phone()).start(line="quiet")
        await asyncio.wait_for(store.asked.wait(), 5)
        assert not world.exchange.room_for("CA9")
        other = await world.phone()  # it may be of the call that is on its way
        with pytest.raises(InvalidStatus):
            await world.phone()
        await other.start(line="quiet")
        assert await other.closed() == (1013, "full")
        store.may_answer.set()
        await world.model()
        assert world.exchange.calls == 1

    play(tmp_path, scenario, MAX_CALLS="1")


def test_a_call_whose_earlier_stream_has_gone_keeps_its_place(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        phone, _ = await world.call(line="quiet")
        store = world.exchange.store = Slow()
        again = await world.phone()
        await again.start_as("CA1", line="quiet", attempt="2")
        await asyncio.wait_for(store.asked.wait(), 5)
        assert (await phone.closed())[0] == 1000
        await asyncio.wait_for(world.exchange.empty(), 5)
        assert world.exchange.calls == 0
        assert (world.exchange.room_for("CA1"), world.exchange.room_for("CA9")) == (True, False)
        other = await world.phone()
        await other.start_as("CA9", line="quiet")
        assert await other.closed() == (1013, "full")
        store.may_answer.set()
        await world.model()
        assert (world.exchange.calls, world.exchange.room_for("CA9")) == (1, False)

    play(tmp_path, scenario, MAX_CALLS="1")
