"""A machine that stands still is told from a gateway that does."""

from __future__ import annotations

import asyncio
import time

from tests.server.hostile_table import BEAT_S, STILL_S, Pulse


def test_a_pulse_notices_a_loop_that_stands_still() -> None:
    async def scenario() -> tuple[bool, bool]:
        pulse, loop = Pulse(), asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            heart = group.create_task(pulse.beat())
            await asyncio.sleep(2 * BEAT_S)
            began = loop.time()
            time.sleep(BEAT_S + 2 * STILL_S)  # noqa: ASYNC251  the machine stands still
            await asyncio.sleep(2 * BEAT_S)
            stood = not pulse.steady(began)
            heart.cancel()
        return stood, pulse.steady(loop.time())

    assert asyncio.run(scenario()) == (True, True)
