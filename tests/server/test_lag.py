"""How late the event loop is."""

from __future__ import annotations

import asyncio
import time

from gateway.server.lag import PERIOD_S, Lag


def test_a_loop_that_was_held_up_is_late_by_so_much() -> None:
    seen: list[float] = []

    async def scenario() -> None:
        lag = Lag(seen.append)
        await lag.start()
        while not seen:  # noqa: ASYNC110  the first look, on time
            await asyncio.sleep(0.01)
        time.sleep(PERIOD_S + 0.3)  # noqa: ASYNC251  that is the case
        while len(seen) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await lag.stop()
        assert not [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    asyncio.run(scenario())
    assert max(seen[1:]) >= 0.25
    assert min(seen) >= 0


def test_stopped_before_it_was_started() -> None:
    asyncio.run(Lag(print).stop())
