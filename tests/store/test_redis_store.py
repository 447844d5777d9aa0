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
from redis.asyncio import Redis

from gateway.store import Claim, Kept, Store, redis
from gateway.store.door import Ears, Event, opened
from gateway.store.redis import ANSWER_S
from tests.store.redis_server import Server, needs_server, server

pytestmark = needs_server
FENCED: list[tuple[str, int]] = []
Told = list[tuple[Event, Mapping[str, str | float]]]


@asynccontextmanager
async def instance(url: str) -> AsyncIterator[tuple[Store, Told]]:
    """One gateway's store, and what it tells operators."""
    told: Told = []
    ears = Ears(lambda event, fields: told.append((event, fields)), lambda *fenced: FENCED.append(fenced))
    async with opened(url, ears) as store:
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
            b.put("CA1", Kept(1, 2**40 + 2, b"b"), 60)
            await b.flush()
            a.put("CA1", Kept(1, 2**40 + 1, b"a"), 60)
            await a.flush()
            assert await a.last("CA1") == await b.last("CA1") == Kept(1, 2**40 + 2, b"b")
            a.put("CA1", Kept(1, 2**40 + 3, b"\xff\x00"), 60)
            await a.flush()
            assert await b.last("CA1") == Kept(1, 2**40 + 3, b"\xff\x00")
            assert await b.last("CA2") is None

    play(tmp_path, scenario)


def test_a_claim_fences_the_stream_that_had_the_call(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _), instance(there.url) as (b, _):
            FENCED.clear()
            assert await a.claim("CA1", "one", 1 << 10, 60) == Claim(1 << 10, None)
            a.put("CA1", Kept(1 << 10, 1, b"said"), 60)
            await a.flush()
            assert await b.claim("CA1", "two", 0, 60) == Claim((1 << 10) + 1, Kept(1 << 10, 1, b"said"))
            a.put("CA1", Kept(1 << 10, 2, b"late"), 60)
            await a.flush()
            assert FENCED == [("CA1", 1 << 10)]
            assert await b.last("CA1") == Kept(1 << 10, 1, b"said")
            assert (await a.claim("CA1", "three", 0, 60)).fence == (1 << 10) + 2

    play(tmp_path, scenario)


def test_a_claim_whose_answer_was_lost_is_the_same_claim(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, _):
            client = store._client  # type: ignore[attr-defined]
            ask = client.eval

            async def twice(*args: object) -> object:
                await ask(*args)
                return await ask(*args)

            client.eval = twice
            assert [(await store.claim("CA1", owner, 0, 60)).fence for owner in ("one", "one", "two")] == [1, 1, 2]
            assert [await store.enter("r", sid, 1, 60) for sid in ("CA1", "CA1", "CA2")] == [True, True, False]

    play(tmp_path, scenario)


def test_a_wiped_server_learns_the_order_from_the_streams(tmp_path: Path) -> None:
    """Finding of the field: a script that takes a missing key for another's drops every call after a loss of data."""

    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _), instance(there.url) as (b, _):
            FENCED.clear()
            first = await a.claim("CA1", "one", 1 << 10, 60)
            async with there.client() as client:
                await client.flushall()
            a.put("CA1", Kept(first.fence, 1, b"said"), 60)
            await a.flush()
            assert FENCED == []
            second = await b.claim("CA1", "two", 2 << 10, 60)
            assert (second.fence, second.last) == (2 << 10, Kept(1 << 10, 1, b"said"))

    play(tmp_path, scenario)


def test_a_room_is_shared_and_heals_itself(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _), instance(there.url) as (b, _):
            assert await a.enter("r", "CA1", 2, 60)
            assert await b.enter("r", "CA2", 2, 0.3)
            assert not await a.enter("r", "CA3", 2, 60)
            assert await b.enter("r", "CA1", 2, 60)  # it goes on at another instance
            assert await a.enter("r", "CA4", None, 0.3)
            await asyncio.sleep(0.35)
            assert await a.enter("r", "CA3", 2, 60)
            await b.leave("r", "CA1")
            assert await a.enter("r", "CA5", 2, 60)
            ((ttl_s, _),) = (await there.content()).values()
            assert 55 < ttl_s <= 60

    play(tmp_path, scenario)


def test_while_the_server_is_down_an_instance_counts_its_own(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, told):
            assert await a.enter("r", "CA1", 2, 60)
            await there.kill()
            assert [await a.enter("r", f"CA{nth}", 2, 60) for nth in (2, 3)] == [True, False]
            claims = [await a.claim("CA1", owner, least << 10, 60) for owner, least in (("one", 1), ("two", 2))]
            assert [claim.fence for claim in claims] == [1 << 10, 2 << 10]
            await a.leave("r", "CA1")
            assert [event for event, _ in told] == ["store-down"]

    play(tmp_path, scenario)


async def acl(client: Redis, *words: str) -> None:
    await client.execute_command("ACL", *words)  # type: ignore[no-untyped-call]


def test_a_password_that_is_a_token_is_asked_for_each_connection(tmp_path: Path) -> None:
    """Memorystore with IAM: the access token of the service account is the password, and ends after an hour."""

    async def scenario(there: Server) -> None:
        asked: list[str] = []

        async def token() -> str:
            asked.append(f"token-{len(asked)}")
            return asked[-1]

        async with there.client() as client:
            words = [f">token-{nth}" for nth in range(8)]
            await acl(client, "SETUSER", "default", "resetpass", *words)
            told: Told = []
            ears = Ears(lambda event, fields: told.append((event, fields)), lambda *_: None)
            async with opened(there.url, ears, token) as store:
                assert await store.first_use("t1", 60)
                await client.client_kill_filter(_type="normal", skipme=True)
                assert not await store.first_use("t1", 60)
                assert await store.first_use("t2", 60)
            assert (told, len(asked) >= 2) == ([], True)

    play(tmp_path, scenario)


def test_of_many_changes_the_last_is_written(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _), instance(there.url) as (b, _):
            for version in range(1_000):
                a.put(f"CA{version % 10}", Kept(1, version, b"%d" % version), 60)
            await a.flush()
            for nth in range(10):
                assert await b.last(f"CA{nth}") == Kept(1, 990 + nth, b"%d" % (990 + nth))

    play(tmp_path, scenario)


@asynccontextmanager
async def slow(there: Server, answer_s: float) -> AsyncIterator[str]:
    """The URL of that server, each of whose answers takes so long."""
    loop = asyncio.get_running_loop()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection("127.0.0.1", there.port)

        async def ask() -> None:
            while asked := await reader.read(65_536):
                questions.write(asked)
            questions.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(ask())
            while said := await answers.read(65_536):
                loop.call_later(answer_s, writer.write, said)
        writer.close()

    async with await asyncio.start_server(connection, "127.0.0.1", 0) as proxy:
        yield f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"


def test_a_slow_server_is_no_outage_and_calls_that_move_together_are_written_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """150 ms an answer: its first connection, a question on it, twenty claims at once, and eighty states.

    All times are four times as long, the server's too, so that a busy machine's lateness is small beside them.
    """
    times = {name: 4 * getattr(redis, name) for name in ("ANSWER_S", "TRY_S", "FLUSH_S")}
    for name, length_s in times.items():
        monkeypatch.setattr(redis, name, length_s)

    async def scenario(there: Server) -> None:
        async with slow(there, 4 * 0.15) as url, instance(url) as (store, told):
            async with asyncio.TaskGroup() as group:
                claims = [group.create_task(store.claim(f"CA{nth}", "o", 1024, 60)) for nth in range(20)]
            assert [claim.result().sure for claim in claims] == [True] * 20
            for nth in range(80):
                store.put(f"CA{nth}", Kept(2048, 1, b"x" * 2000), 60)
            began = time.perf_counter()
            await store.flush()
            assert time.perf_counter() - began < times["FLUSH_S"]
            assert len(await there.content()) == 80
            assert told == []

    play(tmp_path, scenario)


def test_what_waits_too_long_is_not_written(tmp_path: Path) -> None:
    """Nor does it take away what is there."""

    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, _):
            await store.claim("CA1", "o", 1024, 60)
            store.put("CA1", Kept(1024, 1, b"late"), 0.05)
            time.sleep(0.06)  # noqa: ASYNC251  the writer may not have been there
            store.put("CA2", Kept(1024, 1, b""), 60)
            await store.flush()
            assert sorted(await there.content()) == ["gw:call:CA1", "gw:call:CA2"]
            assert "late" not in str(await there.content())

    play(tmp_path, scenario)


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "CAPACITY", 5)

    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, _):
            for nth in range(50):
                a.put(f"CA{nth}", Kept(1, 1, b""), 60)
            await a.flush()
            assert sorted(await there.content()) == [f"gw:call:CA{nth}" for nth in range(45, 50)]

    play(tmp_path, scenario)


def test_every_key_has_a_ttl_and_none_outlives_it(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (store, _):
            await store.first_use("t1", 0.3)
            store.put("CA1", Kept(1, 1, b"x"), 60)
            store.put("CA1", Kept(1, 2, b"x"), 0.3)
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
    store.put(f"CA{nth}", Kept(1, nth, b"x"), 60)
    assert await store.last(f"CA{nth}") == Kept(1, nth, b"x")
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
            assert await other.last("CA19") == Kept(1, 19, b"x")  # what was put meanwhile
            assert not await other.first_use("t0", 60) or trouble == "killed"  # it lost what it knew
            await busy(store, 20)
            assert len(told) == 2

    play(tmp_path, scenario)


def test_a_wiped_server_is_filled_again(tmp_path: Path) -> None:
    async def scenario(there: Server) -> None:
        async with instance(there.url) as (a, told), instance(there.url) as (b, _):
            a.put("CA1", Kept(1, 7, b"began"), 60)
            await a.flush()
            async with there.client() as client:
                await client.flushall()
            assert await b.last("CA1") is None
            assert await a.last("CA1") == Kept(1, 7, b"began")
            a.put("CA1", Kept(1, 8, b"ended"), 60)
            await a.flush()
            assert await b.last("CA1") == Kept(1, 8, b"ended")
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
            store.put("CA1", Kept(1, 1, b""), 60)
            await store.flush()
        assert time.perf_counter() - began < 2.0

    play(tmp_path, scenario)


@pytest.mark.slow
def test_nobody_without_it_loads_redis() -> None:
    code = "import gateway.server.lifecycle, sys; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_whoever_asks_while_it_closes_leaves_no_connection(tmp_path: Path) -> None:
    """A call that ends meanwhile: a connection that is made after the others were closed is nobody's to close."""

    async def scenario(there: Server) -> None:
        for _ in range(20):
            async with instance(there.url) as (store, _told):
                leaving = [asyncio.create_task(store.leave("room", f"CA{n}")) for n in range(20)]
                await asyncio.sleep(0)
            await asyncio.gather(*leaving)
            await store.leave("room", "CA1")
            async with there.client() as client:
                assert len(await client.client_list()) == 1  # this one

    play(tmp_path, scenario)
