"""One gateway: `gateway serve` as a child process, to be asked to leave, killed, or frozen."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from gateway.rehearsal.failure.ports import free_port
from gateway.rehearsal.failure.processes import spawn
from gateway.rehearsal.failure.requests import get

START_S = 60.0  # imports on a loaded machine
ANSWER_S = 5.0
STOP_S = 12.0  # its own drain ends before


class InstanceFailed(Exception):
    """A gateway did not come up. The text is the end of its log."""


class Instance:
    """`name` is its name in the table and of its log; `port` is where it listens."""

    def __init__(self, name: str, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.left_after_s: float | None = None  # from SIGTERM to its end
        self.code: int | None = None
        self._log = folder / f"{name}.log"
        self._env = {**env, "PORT": str(self.port), "HOST": "127.0.0.1", "END_WITH_STDIN": "1"}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it takes calls. Raises InstanceFailed."""
        self._process = await spawn((sys.executable, "-m", "gateway", "serve"), self._env, self._log)
        try:
            async with asyncio.timeout(START_S):
                while not await self._ready():
                    if self._process.returncode is not None:
                        raise InstanceFailed(self._tail())
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise InstanceFailed(f"not ready within {START_S:.0f} s\n{self._tail()}") from None

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def leave(self) -> None:
        """SIGTERM, as a platform sends it: SIGKILL follows where that isn't enough."""
        begun = time.monotonic()
        self.signal(signal.SIGTERM)
        await self.gone(STOP_S)
        self.left_after_s = time.monotonic() - begun

    async def gone(self, within_s: float) -> None:
        """Waits for its end; SIGKILL after that time."""
        if self._process is None:
            return
        try:
            async with asyncio.timeout(within_s):
                await self._process.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
        self.code = await self._process.wait()

    async def kill(self) -> None:
        """At once, whatever state it is in."""
        self.signal(signal.SIGKILL)
        await self.gone(STOP_S)

    async def _ready(self) -> bool:
        try:
            return await get(self.port, "/readyz", ANSWER_S) == 200
        except TimeoutError:
            return False

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]
