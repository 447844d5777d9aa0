"""The store of several instances: Redis or Valkey, through redis-py. Tuned to fail fast: its defaults hold a call for
half a minute.

    gw:once:TOKEN     string, the use that claimed it
    gw:call:CALLSID   hash: version, state

Every key has a TTL. A client that waited in vain asks again, so a command may be executed twice: each is idempotent.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.store import Kept
from gateway.store.door import Tell
from gateway.store.memory import CAPACITY, Memory

T = TypeVar("T")

ANSWER_S = 0.5  # for one answer, its retry and a new connection
TRY_S = 0.25
FLUSH_S = 1.0
PROBE_S = 1.0  # between two questions whether a store is back
PROBE = "gw:probe"
CONNECTIONS = 8

# A key that is missing belongs to nobody: it expired, or the server lost its data, and either way the call goes on.
SAVE = """
local known = redis.call('HGET', KEYS[1], 'version')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'state', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""


@asynccontextmanager
async def connected(url: str, memory: Memory, tell: Tell) -> AsyncIterator[RedisStore]:
    """The store at `url`, with its writer, which connects. Waits for nothing."""
    tuned: dict[str, Any] = {
        "socket_timeout": TRY_S,
        "socket_connect_timeout": TRY_S,
        "retry": Retry(NoBackoff(), 1),
        "health_check_interval": 15,
        "socket_keepalive": True,
        "protocol": 2,
        "max_connections": CONNECTIONS,
        "timeout": TRY_S,  # for a connection of the pool
    }
    client = Redis.from_pool(BlockingConnectionPool.from_url(url, **tuned))
    store = RedisStore(client, memory, tell)
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(store.run(), name="store-writer")
            try:
                yield store
            finally:
                await store.flush()
                writer.cancel()
    finally:
        with suppress(RedisError, OSError):
            async with asyncio.timeout(ANSWER_S):
                await client.aclose()


@dataclass(frozen=True, slots=True)
class _Waiting:
    kept: Kept
    until: float


class RedisStore:
    """A Store on `memory`, which knows what this instance did and serves alone while the server is down."""

    def __init__(self, client: Redis, memory: Memory, tell: Tell) -> None:
        self._client = client
        self._memory = memory
        self._tell = tell
        self._clock = asyncio.get_running_loop().time
        self._waiting: dict[str, _Waiting] = {}  # by CallSid, oldest first; the newest state of each
        self._down_since: float | None = None
        self._wake = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()

    async def first_use(self, token_id: str, ttl_s: float) -> bool:
        if not self._memory.use(token_id, ttl_s):
            return False
        use = secrets.token_hex(8)  # a retry that meets its own claim is the first use all the same

        async def claim() -> bool:
            before = await self._client.set(f"gw:once:{token_id}", use, nx=True, px=_ms(ttl_s), get=True)
            return before is None or before == use.encode()

        return await self._ask(claim) is not False

    def put(self, call_sid: str, kept: Kept, ttl_s: float) -> None:
        if not self._memory.learn(call_sid, kept, ttl_s):
            return
        self._waiting[call_sid] = _Waiting(kept, self._clock() + ttl_s)
        if len(self._waiting) > CAPACITY:
            del self._waiting[next(iter(self._waiting))]
        self._written.clear()
        self._wake.set()

    async def last(self, call_sid: str) -> Kept | None:
        here = self._memory.known(call_sid)
        there = await self._ask(lambda: self._read(call_sid))
        found = [kept for kept in (here, *(there or ())) if kept is not None]
        return max(found, key=lambda kept: kept.version, default=None)

    async def flush(self) -> None:
        if self._down_since is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._written.wait()

    # the writer

    async def run(self) -> None:
        """Write what was put; while the server is down, ask whether it is back. Until it is cancelled. Begins with a
        probe: operators hear of a wrong address at the start, and the first call finds a connection."""
        await self._ask(self._probed)
        while True:
            if self._down_since is not None:
                await asyncio.sleep(PROBE_S)
                await self._look(self._down_since)
            elif self._waiting:
                await self._write()
            else:
                self._written.set()
                self._wake.clear()
                await self._wake.wait()

    async def _write(self) -> None:
        call_sid, waiting = next(iter(self._waiting.items()))
        left_s = waiting.until - self._clock()
        if left_s > 0 and await self._ask(lambda: self._save(_call(call_sid), waiting.kept, left_s)) is None:
            return
        if self._waiting.get(call_sid) is waiting:  # else something newer has come meanwhile
            del self._waiting[call_sid]

    async def _look(self, since: float) -> None:
        """Whether the outage is over."""
        try:
            await _in_time(self._probed)
        except Exception:  # noqa: BLE001  whatever the library raises, it is still down
            return
        self._down_since = None
        self._tell("store-back", {"after_s": round(self._clock() - since, 1)})

    async def _probed(self) -> bool:
        """A write, because a server may answer and yet take none (read-only, out of memory). It leaves nothing."""
        return await self._save(PROBE, Kept(0, b""), 0)

    # the wire

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """The server's answer; None without one, which begins an outage, and at once during it."""
        if self._down_since is not None:
            return None
        try:
            return await _in_time(question)
        except Exception as failed:  # noqa: BLE001  whatever the library raises, a call goes on
            if self._down_since is None:
                self._down_since = self._clock()
                self._tell("store-down", {"why": _why(failed)})
                self._wake.set()
            return None

    async def _save(self, key: str, kept: Kept, ttl_s: float) -> bool:
        """Whether it was news there."""
        said = await cast(Awaitable[int], self._client.eval(SAVE, 1, key, kept.version, kept.state, _ms(ttl_s)))
        return said == 1

    async def _read(self, call_sid: str) -> tuple[Kept, ...]:
        """What the server knows of the call: one or none."""
        asked = self._client.hmget(_call(call_sid), ["version", "state"])
        version, state = await cast(Awaitable[list[bytes | None]], asked)
        return () if version is None or state is None else (Kept(int(version), state),)


async def _in_time(question: Callable[[], Awaitable[T]]) -> T:
    """The answer within ANSWER_S. Raises whatever the library raises; and CancelledError of a task that was cancelled,
    which redis-py, while it connects, may turn into another error."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await question()
    finally:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError


def _call(call_sid: str) -> str:
    return f"gw:call:{call_sid}"


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _why(failed: Exception) -> str:
    """Never the server's words: they may repeat what it was sent, and that may be a password."""
    behind = failed.__cause__ or failed.__context__
    reason = behind.strerror if isinstance(behind, OSError) else None
    return f"{type(failed).__name__}: {reason}" if reason else type(failed).__name__
