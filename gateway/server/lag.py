"""How late the event loop is: one timer, ten times a second, that says by how much it missed its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PERIOD_S = 0.1  # some 50 µs each: 0.05 % of a core


class Lag:
    """`observe` is told seconds, from `start` to `stop`."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """In the loop that is looked at."""
        self._arm(asyncio.get_running_loop())

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + PERIOD_S
        self._timer = loop.call_at(due, self._look, loop, due)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._observe(max(0.0, loop.time() - due))
        self._arm(loop)
