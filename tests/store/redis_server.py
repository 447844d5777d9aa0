"""A real Valkey or Redis server on this machine, that a test may kill, freeze and wipe."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.rehearsal.failure.processes import die_with_us
from gateway.rehearsal.failure.valkey import NoServer, binary

try:
    BINARY = binary()
except NoServer:
    BINARY = ""
START_S = 10.0
needs_server = pytest.mark.skipif(
    not BINARY, reason="no valkey-server or redis-server on the PATH: apt-get install valkey-server (or redis-server)"
)


class Server:
    """One server on a port of its own."""

    def __init__(self, folder: Path, tls: tuple[Path, Path] | None = None) -> None:
        """`tls`: a certificate and its key, for a second port."""
        self.port = _free_port()
        self.tls_port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._tls = tls
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Empty, as after a loss of everything. Returns when it answers."""
        fixed = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder))
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            BINARY, *fixed, *self._secure(), stdout=quiet, preexec_fn=die_with_us
        )
        async with asyncio.timeout(START_S), self.client() as client:
            while True:
                with contextlib.suppress(RedisError, OSError):
                    await client.ping()
                    return
                await asyncio.sleep(0.01)

    def _secure(self) -> tuple[str, ...]:
        if self._tls is None:
            return ()
        pem, key = (str(path) for path in self._tls)
        port = ("--tls-port", str(self.tls_port), "--tls-auth-clients", "no")
        return (*port, "--tls-cert-file", pem, "--tls-key-file", key, "--tls-ca-cert-file", pem)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        client = Redis(port=self.port, protocol=2)
        try:
            yield client
        finally:
            await client.aclose()

    async def content(self) -> dict[str, tuple[float, str]]:
        """Every key: its TTL in seconds (negative: none), and its value as text."""
        found: dict[str, tuple[float, str]] = {}
        async with self.client() as client:
            async for key in client.scan_iter():
                ttl_s = await client.pttl(key) / 1000
                found[key.decode()] = ttl_s, repr(await _value(client, key))
        return found


async def _value(client: Redis, key: bytes) -> object:
    match await client.type(key):
        case b"hash":
            return await client.hgetall(key.decode())
        case b"zset":
            return await client.zrange(key, 0, -1)
        case _:
            return await client.get(key)


def has_tls() -> bool:
    """Whether the server on this machine was built with TLS: without, it doesn't know the option."""
    if not BINARY:
        return False
    asked = subprocess.run([BINARY, "--tls-port", "0", "--port", "-1"], capture_output=True, text=True, check=False)
    return "tls-port" not in asked.stdout + asked.stderr


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Server]:
    here = Server(folder)
    await here.start()
    try:
        yield here
    finally:
        await here.kill()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
