"""Both balancers, between a client of the test's and servers that fail as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from gateway.rehearsal.failure.balancer import Balancer, Frozen, Kind, Patience, Rules
from gateway.rehearsal.failure.haproxy import Haproxy
from gateway.rehearsal.failure.own_balancer import OwnBalancer
from gateway.rehearsal.failure.ports import free_port
from gateway.rehearsal.failure.requests import ask
from tests.rehearsal.failure.balancers import BALANCERS
from tests.rehearsal.failure.servers import Asked, Server, serving

PATIENCE_S = 10.0
HASTY = Rules(patience=Patience(0.5, 2))

Scene = Callable[[Balancer, list[Server], list[int]], Awaitable[None]]
Play = Callable[..., None]


def answer(_: Asked) -> tuple[int, str]:
    return 200, "here"


@asynccontextmanager
async def staying(balancer: Balancer, count: int) -> AsyncIterator[list[Client]]:
    """So many clients whose connections stay."""
    clients: list[Client] = []
    try:
        for _ in range(count):
            clients.append(await Client.stay(balancer))
        yield clients
    finally:
        for client in clients:
            client.writer.close()


@asynccontextmanager
async def balanced(
    make: Callable[[Rules, Frozen], Balancer], count: int, rules: Rules
) -> AsyncIterator[tuple[Balancer, list[Server], list[int]]]:
    """A balancer, `count` servers behind it, and the ports that it found frozen."""
    frozen: list[int] = []
    balancer = make(rules, frozen.append)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        servers = [await stack.enter_async_context(serving(answer)) for _ in range(count)]
        await balancer.start()
        try:
            watching = group.create_task(balancer.watch())
            for server in servers:
                await balancer.add(server.port)
            yield balancer, servers, frozen
            watching.cancel()
        finally:
            await balancer.stop()


@pytest.fixture(params=BALANCERS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def play(kind: Kind, tmp_path: Path) -> Play:
    """A scene with so many servers behind that balancer."""

    def make(rules: Rules, frozen: Frozen) -> Balancer:
        return Haproxy(tmp_path, rules, frozen) if kind == "haproxy" else OwnBalancer(rules, frozen)

    def played(count: int, scene: Scene, rules: Rules = HASTY) -> None:
        async def run() -> None:
            async with balanced(make, count, rules) as here:
                await scene(*here)

        asyncio.run(run())

    return played


async def request(balancer: Balancer, path: str = "/") -> int:
    status, _ = await ask(("127.0.0.1", balancer.port), f"GET {path} HTTP/1.1", {"Host": "x"}, within_s=PATIENCE_S)
    return status


class Client:
    """A connection that stays."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def stay(cls, balancer: Balancer) -> Client:
        """Returns once a server answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", balancer.port)
        writer.write(b"GET /stay HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"here"), PATIENCE_S)
        return cls(reader, writer)

    async def gone(self) -> None:
        """Returns once it was cut."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                assert await self.reader.read() == b""
        except ConnectionError:
            pass

    @property
    def open(self) -> bool:
        return not self.reader.at_eof()


async def status(balancer: Balancer, wanted: int) -> None:
    """Returns when a request is answered so."""
    async with asyncio.timeout(PATIENCE_S):
        while await request(balancer) != wanted:  # noqa: ASYNC110  a check finds out
            await asyncio.sleep(0.01)


async def carried(balancer: Balancer, servers: list[Server], wanted: int) -> None:
    """Returns when it has so many connections to them."""
    async with asyncio.timeout(PATIENCE_S):
        while sum([await balancer.carried(server.port) for server in servers]) != wanted:  # noqa: ASYNC110  a check
            await asyncio.sleep(0.01)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not reached():  # noqa: ASYNC110  plain data
            await asyncio.sleep(0.01)


def test_the_least_busy_is_asked_and_told_of_https(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], _: list[int]) -> None:
        async with staying(balancer, 4) as clients:
            assert [await balancer.carried(server.port) for server in servers] == [2, 2]
            assert {server.asked[0].headers["x-forwarded-proto"] for server in servers} == {"https"}
            assert all(client.open for client in clients)

    play(2, scene)


def test_another_is_asked_where_one_takes_no_connection(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], _: list[int]) -> None:
        await balancer.add(free_port())  # nobody listens there
        assert [await request(balancer) for _ in range(3)] == [200, 200, 200]

    play(1, scene)


def test_nobody_behind_it(play: Play) -> None:
    async def scene(balancer: Balancer, _servers: list[Server], _: list[int]) -> None:
        assert await request(balancer) == 503

    play(0, scene)


def test_one_that_is_removed_keeps_what_it_has(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], _: list[int]) -> None:
        async with staying(balancer, 1) as (client,):
            await balancer.remove(servers[0].port)
            assert await request(balancer) == 503
            assert client.open
            assert await balancer.carried(servers[0].port) == 1

    play(1, scene)


def test_one_that_is_removed_is_checked_no_more(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], frozen: list[int]) -> None:
        async with staying(balancer, 1) as (client,):
            (there,) = (server for server in servers if server.asked)
            (other,) = (server for server in servers if server is not there)
            await balancer.remove(there.port)
            there.ready = None
            for _ in range(2):  # the second time the other has been silent for longer than is needed
                frozen.clear()
                other.ready = None
                await until(lambda: bool(frozen))
                assert frozen == [other.port]
                other.ready = 200
                await status(balancer, 200)
            assert client.open

    play(2, scene)


def test_one_that_says_it_leaves_gets_no_more_and_keeps_what_it_has(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], frozen: list[int]) -> None:
        async with staying(balancer, 1) as (client,):
            servers[0].ready = 503
            await status(balancer, 503)
            assert client.open
            servers[0].ready = 200
            await status(balancer, 200)
            assert frozen == []

    play(1, scene)


def test_one_that_answers_no_check_is_cut_off(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], frozen: list[int]) -> None:
        async with staying(balancer, 2) as clients:
            servers[0].ready = None
            await until(lambda: bool(frozen))
            assert frozen == [servers[0].port]
            await carried(balancer, servers, 1)
            assert [await request(balancer) for _ in range(3)] == [200, 200, 200]
            await clients[0].gone()
            assert clients[1].open

    play(2, scene)


def test_a_connection_lasts_no_longer_than_the_limit(play: Play) -> None:
    async def scene(balancer: Balancer, _servers: list[Server], _: list[int]) -> None:
        async with staying(balancer, 1) as (client,):
            await client.gone()

    play(1, scene, Rules(limit_s=0.2))


def test_all_are_cut_and_it_goes_on(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], frozen: list[int]) -> None:
        async with staying(balancer, 4) as clients:
            await balancer.cut()
            for client in clients:
                await client.gone()
            assert (await request(balancer), frozen) == (200, [])

    play(2, scene)


def test_a_restart_cuts_all_and_serves_at_the_same_address(play: Play) -> None:
    async def scene(balancer: Balancer, _servers: list[Server], _: list[int]) -> None:
        port = balancer.port
        async with staying(balancer, 1) as (client,):
            await balancer.restart()
            await client.gone()
            assert (await request(balancer), balancer.port) == (200, port)

    play(1, scene)


def test_what_was_removed_is_not_back_after_a_restart(play: Play) -> None:
    async def scene(balancer: Balancer, servers: list[Server], _: list[int]) -> None:
        await balancer.remove(servers[0].port)
        await balancer.restart()
        assert [await request(balancer) for _ in range(3)] == [200, 200, 200]
        assert [len(server.asked) for server in servers] == [0, 3]

    play(2, scene)
