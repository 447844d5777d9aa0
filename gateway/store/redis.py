"""The store of several instances: Redis or Valkey, through redis-py. Tuned to fail fast: its defaults hold a call for
half a minute.

    gw:once:TOKEN     string, the use that claimed it
    gw:call:CALLSID   hash: fence and owner of the last claim; saved (the fence of the state), seq, state
    gw:room:ROOM      sorted set: the calls in it by the moment (ms) until which they count; it heals itself

Every key has a TTL. A client that waited in vain asks again, so a script may be executed twice: each is idempotent. A
key that is missing belongs to nobody: it expired, or the server lost its data, and either way the call goes on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.store import Claim, Kept
from gateway.store.credentials import Passwords
from gateway.store.door import Ears, Token
from gateway.store.memory import CAPACITY, Memory
from gateway.store.scripts import CLAIM, ENTER, FENCED, SAVE

T = TypeVar("T")

ANSWER_S = 0.5  # for one answer, its retry and a new connection
TRY_S = 0.25
FLUSH_S = 1.0
PROBE_S = 1.0  # between two questions whether a store is back
PROBE = "gw:probe"
CONNECTIONS = 32  # so many questions may wait for a slow server at a time: calls that move come together
BATCH, BATCH_BYTES = 64, 500_000  # states that are written with one wait: a slow server takes as many waits as before


@asynccontextmanager
async def connected(url: str, memory: Memory, ears: Ears, token: Token | None = None) -> AsyncIterator[RedisStore]:
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
        "driver_info": None,  # else two answers more before the first one that counts
        **({"credential_provider": Passwords(token)} if token else {}),
    }
    client = Redis.from_pool(BlockingConnectionPool.from_url(url, **tuned))
    store = RedisStore(client, memory, ears)
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(store.run(), name="store-writer")
            try:
                yield store
            finally:
                await store.flush()
                writer.cancel()
    finally:
        await store.close()
        with suppress(RedisError, OSError):
            async with asyncio.timeout(ANSWER_S):
                await client.aclose()


@dataclass(frozen=True, slots=True)
class _Waiting:
    kept: Kept
    until: float


class RedisStore:
    """A Store on `memory`, which knows what this instance did and serves alone while the server is down."""

    def __init__(self, client: Redis, memory: Memory, ears: Ears) -> None:
        self._client = client
        self._memory = memory
        self._tell, self._fenced = ears.tell, ears.fenced
        self._clock = asyncio.get_running_loop().time
        self._waiting: dict[str, _Waiting] = {}  # by CallSid, oldest first; the newest state of each
        self._down_since: float | None = None
        self._asking = 0  # questions that wait for an answer
        self._closed = False
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

    async def claim(self, call_sid: str, owner: str, least: int, ttl_s: float) -> Claim:
        here = self._memory.take(call_sid, owner, least, ttl_s)

        async def take() -> Claim:
            key, args = _call(call_sid), (owner, here.fence, _ms(ttl_s))
            said = await cast(Awaitable[list[Any]], self._client.eval(CLAIM, 1, key, *args))
            return Claim(int(said[0]), _kept(said[1:]))

        there = await self._ask(take)
        if there is None:
            return replace(here, sure=False)
        fence = self._memory.take(call_sid, owner, there.fence, ttl_s).fence
        return Claim(fence, _newest(here.last, there.last))

    def put(self, call_sid: str, kept: Kept, ttl_s: float) -> None:
        if not self._memory.learn(call_sid, kept, ttl_s):
            return
        self._waiting[call_sid] = _Waiting(kept, self._clock() + ttl_s)
        if len(self._waiting) > CAPACITY:
            del self._waiting[next(iter(self._waiting))]
        self._written.clear()
        self._wake.set()

    async def last(self, call_sid: str) -> Kept | None:
        there = await self._ask(lambda: self._read(call_sid))
        return _newest(self._memory.known(call_sid), *(there or ()))

    async def enter(self, room: str, call_sid: str, limit: int | None, ttl_s: float) -> bool:
        async def come_in() -> bool:
            args = call_sid, -1 if limit is None else limit, _ms(ttl_s)
            return await cast(Awaitable[int], self._client.eval(ENTER, 1, _room(room), *args)) == 1

        there = await self._ask(come_in)
        if there is None:
            return self._memory.come_in(room, call_sid, limit, ttl_s)
        if there:
            self._memory.come_in(room, call_sid, None, ttl_s)  # for the time when the server is down
        return there

    async def leave(self, room: str, call_sid: str) -> None:
        self._memory.go(room, call_sid)
        await self._ask(lambda: self._client.zrem(_room(room), call_sid))

    async def flush(self) -> None:
        if self._down_since is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._written.wait()

    async def close(self) -> None:
        """Ask nothing more: what still waits is answered or given up first, or it would connect anew, and nobody would
        close that connection."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                while self._asking:  # noqa: ASYNC110  each ends by itself, in ANSWER_S
                    await asyncio.sleep(0.01)

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
        """The oldest of what waits."""
        batch = self._batch()
        said = await self._ask(lambda: self._save_all(batch)) if batch else []
        if said is None:
            return
        for (call_sid, waiting), answer in zip(batch, said, strict=True):
            if self._waiting.get(call_sid) is waiting:  # else something newer has come meanwhile
                del self._waiting[call_sid]
            if answer == FENCED:
                self._fenced(call_sid, waiting.kept.fence)

    def _batch(self) -> list[tuple[str, _Waiting]]:
        size, batch = 0, list[tuple[str, _Waiting]]()
        for call_sid, waiting in [*islice(self._waiting.items(), BATCH)]:
            size += len(waiting.kept.state)
            if batch and size > BATCH_BYTES:
                break
            if self._clock() < waiting.until:
                batch.append((call_sid, waiting))
            else:
                del self._waiting[call_sid]
        return batch

    async def _look(self, since: float) -> None:
        """Whether the outage is over."""
        try:
            await _in_time(self._probed)
        except Exception:  # noqa: BLE001  whatever the library raises, it is still down
            return
        self._down_since = None
        self._tell("store-back", {"after_s": round(self._clock() - since, 1)})

    async def _probed(self) -> int:
        """A write, because a server may answer and yet take none (read-only, out of memory). It leaves nothing."""
        return await self._save(PROBE, Kept(0, 0, b""), 0)

    # the wire

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """The server's answer; None without one, which begins an outage, and at once during it."""
        if self._down_since is not None or self._closed:
            return None
        self._asking += 1
        try:
            return await _in_time(question)
        except Exception as failed:  # noqa: BLE001  whatever the library raises, a call goes on
            if self._down_since is None:
                self._down_since = self._clock()
                self._tell("store-down", {"why": _why(failed)})
                self._wake.set()
            return None
        finally:
            self._asking -= 1

    async def _save(self, key: str, kept: Kept, ttl_s: float) -> int:
        """What SAVE says: 1 of news, 0 of what was known, FENCED."""
        args = kept.fence, kept.seq, kept.state, _ms(ttl_s)
        return await cast(Awaitable[int], self._client.eval(SAVE, 1, key, *args))

    async def _save_all(self, batch: Sequence[tuple[str, _Waiting]]) -> list[int]:
        """What SAVE says of each."""
        async with self._client.pipeline(transaction=False) as pipe:
            for call_sid, waiting in batch:
                kept, ttl_ms = waiting.kept, max(1, _ms(waiting.until - self._clock()))
                pipe.eval(SAVE, 1, _call(call_sid), kept.fence, kept.seq, kept.state, ttl_ms)
            return cast(list[int], await pipe.execute())

    async def _read(self, call_sid: str) -> tuple[Kept | None]:
        """What the server knows of the call."""
        asked = self._client.hmget(_call(call_sid), ["saved", "seq", "state"])
        return (_kept(await cast(Awaitable[list[bytes | None]], asked)),)


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


def _room(room: str) -> str:
    return f"gw:room:{room}"


def _kept(said: Sequence[bytes | None]) -> Kept | None:
    """saved, seq, state."""
    saved, seq, state = said
    return None if saved is None or seq is None or state is None else Kept(int(saved), int(seq), state)


def _newest(*known: Kept | None) -> Kept | None:
    return max((kept for kept in known if kept is not None), key=lambda kept: kept.version, default=None)


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _why(failed: Exception) -> str:
    """Never the server's words: they may repeat what it was sent, and that may be a password."""
    behind = failed.__cause__ or failed.__context__
    reason = behind.strerror if isinstance(behind, OSError) else None
    return f"{type(failed).__name__}: {reason}" if reason else type(failed).__name__
