"""The store of several instances, against a real server that is killed, frozen and wiped."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.store import Kept, Store, redis
from gateway.store.door import Event, opened
from gateway.store.redis import ANSWER_S
from tests.store.redis_server import Server, needs_server, server

pytestmark = needs_server
Told = list[tuple[Event, Mapping[str, str | float]]]


@asynccontextmanager
async def instance(url: str) -> AsyncIterator[tuple[Store, Told]]:
    """One gateway's store, and what it tells operators."""
    told: Told = []
    async with opened(url, lambda event, fields: told.append((event, fields))) as store:
        yield store, told


def play(folder: Path, scenario: Callable[[Server], Coroutine[object, object, None]]) -> None:
    async def run() -> None:
        async with server(folder) as there:
            await scenario(there)

    asyncio.run(run())


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110  what is waited for is a list
            await asyncio.sleep(0.01)


def test_a_token_opens_once_whichever_instance_is_asked(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _), instance(there.url) as (b, _):
            assert await a.first_use("t1", 60)
            assert not await b.first_use("t1", 60)
            assert not await a.first_use("t1", 60)
            async with asyncio.TaskGroup() as group:
                uses = [group.create_task(store.first_use("t2", 60)) for store in (a, b) for _ in range(20)]
            assert sum(use.result() for use in uses) == 1

    play(tmp_path, scenario)


def test_a_claim_that_is_asked_twice_stays_the_first(tmp_path: Path) -> None:
    """The server did it and its answer was lost: the client asks again."""

    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, told):
            client = store._client  # type: ignore[attr-defined]
            ask = client.set

            async def twice(*args: object, **options: object) -> object:
                await ask(*args, **options)
                return await ask(*args, **options)

            client.set = twice
            assert await store.first_use("t1", 60)
            assert told == []

    play(tmp_path, scenario)


def test_the_newest_counts_whichever_instance_writes_last(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _), instance(there.url) as (b, _):
            b.put("CA1", Kept(2**46 + 2, b"b"), 60)
            await b.flush()
            a.put("CA1", Kept(2**46 + 1, b"a"), 60)
            await a.flush()
            assert await a.last("CA1") == await b.last("CA1") == Kept(2**46 + 2, b"b")
            a.put("CA1", Kept(2**46 + 3, b"\xff\x00"), 60)
            await a.flush()
            assert await b.last("CA1") == Kept(2**46 + 3, b"\xff\x00")
            assert await b.last("CA2") is None

    play(tmp_path, scenario)


def test_of_many_changes_the_last_is_written(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _), instance(there.url) as (b, _):
            for version in range(1_000):
                a.put(f"CA{version % 10}", Kept(version, b"%d" % version), 60)
            await a.flush()
            for nth in range(10):
                assert await b.last(f"CA{nth}") == Kept(990 + nth, b"%d" % (990 + nth))

    play(tmp_path, scenario)


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "CAPACITY", 5)

    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _):
            for nth in range(50):
                a.put(f"CA{nth}", Kept(1, b""), 60)
            await a.flush()
            assert sorted(await there.content()) == [f"gw:call:CA{nth}" for nth in range(45, 50)]

    play(tmp_path, scenario)


def test_every_key_has_a_ttl_and_none_outlives_it(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, _):
            await store.first_use("t1", 0.3)
            store.put("CA1", Kept(1, b"x"), 60)
            store.put("CA1", Kept(2, b"x"), 0.3)
            await store.flush()
            content = await there.content()
            assert set(content) == {"gw:once:t1", "gw:call:CA1"}
            assert all(0 < ttl_s <= 0.3 for ttl_s, _ in content.values())
            await asyncio.sleep(0.35)
            assert await there.content() == {}
            assert await store.last("CA1") is None

    play(tmp_path, scenario)


async def busy(store: Store, nth: int) -> float:
    """What a call asks of the store at its start and end. Returns how long the call waited."""
    began = time.perf_counter()
    assert await store.first_use(f"t{nth}", 60)
    store.put(f"CA{nth}", Kept(nth, b"x"), 60)
    assert await store.last(f"CA{nth}") == Kept(nth, b"x")
    return time.perf_counter() - began


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        nobody = Server(tmp_path)
        async with instance(nobody.url) as (store, told):
            await until(lambda: len(told) == 1)  # at the start, whether there are calls or not
            waits = [await busy(store, nth) for nth in range(20)]
            assert max(waits) < ANSWER_S + 0.2
            assert not await store.first_use("t3", 60)
            (down,) = told
            assert down[0] == "store-down"
            assert str(down[1]["why"]).startswith("ConnectionError: Connect call failed")

    asyncio.run(scenario())


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
def test_an_outage_is_told_once_and_so_is_its_end(tmp_path: Path, trouble: str) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, told), instance(there.url) as (other, _):
            await busy(store, 0)
            if trouble == "killed":
                await there.kill()
            else:
                there.freeze()
            waits = [await busy(store, nth) for nth in range(1, 20)]
            assert waits[0] < ANSWER_S + 0.3  # the one that finds out
            assert max(waits[1:]) < 0.3
            assert [event for event, _ in told] == ["store-down"]
            if trouble == "killed":
                await there.start()
            else:
                there.thaw()
            await until(lambda: len(told) == 2)
            assert told[1][0] == "store-back"
            await store.flush()
            assert await other.last("CA19") == Kept(19, b"x")  # what was put meanwhile
            assert not await other.first_use("t0", 60) or trouble == "killed"  # it lost what it knew
            await busy(store, 20)
            assert len(told) == 2

    play(tmp_path, scenario)


def test_a_wiped_server_is_filled_again(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, told), instance(there.url) as (b, _):
            a.put("CA1", Kept(7, b"began"), 60)
            await a.flush()
            async with there.client() as client:
                await client.flushall()
            assert await b.last("CA1") is None
            assert await a.last("CA1") == Kept(7, b"began")
            a.put("CA1", Kept(8, b"ended"), 60)
            await a.flush()
            assert await b.last("CA1") == Kept(8, b"ended")
            assert told == []

    play(tmp_path, scenario)


def test_a_server_that_takes_no_writes_is_down(tmp_path: Path) -> None:
    """A replica after a fail-over answers, and keeps nothing."""

    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, told), there.client() as client:
            await client.replicaof("127.0.0.1", "1")
            assert await store.first_use("t1", 60)
            assert told == [("store-down", {"why": "ReadOnlyError"})]
            await client.replicaof("NO", "ONE")
            await until(lambda: len(told) == 2)

    play(tmp_path, scenario)


def test_no_outage_names_the_password(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with there.client() as client:
            await client.config_set("requirepass", "right")
        url = there.url.replace("redis://", "redis://:MARK@")
        async with instance(url) as (store, told):
            assert await store.first_use("t1", 60)
            assert told == [("store-down", {"why": "AuthenticationError"})]
        async with instance(there.url.replace("redis://", "redis://:right@")) as (store, told):
            assert await store.first_use("t1", 60)
            assert told == []

    play(tmp_path, scenario)


def test_a_flush_and_a_close_wait_for_no_frozen_server(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, _):
            await busy(store, 0)
            there.freeze()
            began = time.perf_counter()
            store.put("CA1", Kept(1, b""), 60)
            await store.flush()
        assert time.perf_counter() - began < 2.0

    play(tmp_path, scenario)


def test_nobody_without_it_loads_redis() -> None:
    code = "import gateway.server.lifecycle, sys; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
