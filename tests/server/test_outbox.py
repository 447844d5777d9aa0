"""The outbox: order, bound, and one writer that sleeps while there is nothing."""

from __future__ import annotations

import asyncio

import pytest

from gateway.server.outbox import Full, Outbox


def test_items_come_out_in_order() -> None:
    async def scenario() -> list[int]:
        box: Outbox[int] = Outbox(10)
        for item in range(5):
            box.put(item)
        return [await box.get() for _ in range(5)]

    assert asyncio.run(scenario()) == [0, 1, 2, 3, 4]


def test_a_writer_that_waits_is_woken() -> None:
    async def scenario() -> str:
        box: Outbox[str] = Outbox(10)
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(box.get())
            await asyncio.sleep(0)
            box.put("sound")
        return writer.result()

    assert asyncio.run(scenario()) == "sound"


def test_a_writer_that_was_cancelled_loses_nothing() -> None:
    async def scenario() -> str:
        box: Outbox[str] = Outbox(10)
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(box.get())
            await asyncio.sleep(0)
            box.put("sound")
            writer.cancel()
        return await box.get()

    assert asyncio.run(scenario()) == "sound"


def test_the_bound_is_kept() -> None:
    box: Outbox[int] = Outbox(2)
    box.put(1)
    box.put(2)
    with pytest.raises(Full):
        box.put(3)
    assert len(box) == 2


def test_what_is_unwanted_is_forgotten() -> None:
    async def scenario() -> list[int]:
        box: Outbox[int] = Outbox(10)
        for item in range(6):
            box.put(item)
        box.drop(lambda item: item % 2 == 1)
        return [await box.get() for _ in range(len(box))]

    assert asyncio.run(scenario()) == [0, 2, 4]
