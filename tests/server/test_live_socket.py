"""Our client of the Live API's socket: in order, whatever the peer's pace, and never ended by its own pings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from gateway.call.facts import ModelGone
from gateway.live.endpoint import Endpoint
from gateway.live.messages import ClientMessage, SendText, ServerMessage, Setup
from gateway.server import live_socket
from gateway.server.live_socket import LiveConnection, converse, dial, hang_up
from gateway.server.outbox import Full, Outbox

SETUP = Setup({"model": "models/m"})
LARGE = "x" * 400_000  # a few of them fill what the kernel keeps for a peer that doesn't read


@asynccontextmanager
async def served(act: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[LiveConnection]:
    """A connection of ours to a server that does `act` with it."""

    async def one(socket: ServerConnection) -> None:
        try:
            await act(socket)
        except ConnectionClosed:
            return

    async with serve(one, "127.0.0.1", 0, max_size=None, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        socket = await dial(Endpoint(f"ws://127.0.0.1:{port}", {}))
        assert isinstance(socket, LiveConnection)
        try:
            yield socket
        finally:
            await hang_up(socket)


async def until(true: Callable[[], bool]) -> None:
    """Let the others run until it is so."""
    for _ in range(100_000):
        if true():
            return
        await asyncio.sleep(0)
    raise TimeoutError


def fill(box: Outbox[ClientMessage]) -> None:
    for _ in range(1000):
        box.put(SendText(LARGE))


def ignore(_message: ServerMessage) -> None:
    return


async def end(talking: asyncio.Task[ModelGone]) -> None:
    talking.cancel()
    await asyncio.wait([talking])


def test_messages_go_out_at_once_and_after_the_setup() -> None:
    heard: list[bytes] = []
    got = asyncio.Event()

    async def listen(socket: ServerConnection) -> None:
        while True:
            heard.append(await socket.recv(decode=False))
            if len(heard) == 4:
                got.set()

    async def scenario() -> None:
        box: Outbox[ClientMessage] = Outbox(10)
        async with served(listen) as socket, asyncio.timeout(10):
            box.put(SendText("0"))  # before there is a socket to take it
            async with asyncio.TaskGroup() as group:
                talking = group.create_task(converse(socket, SETUP, box, ignore))
                await until(lambda: box.through is not None)
                await until(lambda: not len(box))
                box.put(SendText("1"))
                assert len(box) == 0  # nobody had to wake for it
                box.put(SendText("2"))
                await got.wait()
                await end(talking)
            assert box.through is None

    asyncio.run(scenario())
    assert [orjson.loads(frame) for frame in heard] == [
        {"setup": SETUP.setup},
        *({"realtimeInput": {"text": text}} for text in "012"),
    ]


def test_a_peer_that_reads_late_hears_everything_in_order() -> None:
    heard: list[str] = []
    reads, done = asyncio.Event(), asyncio.Event()

    async def listen(socket: ServerConnection) -> None:
        await reads.wait()
        await socket.recv()
        while len(heard) < 60:
            heard.append(orjson.loads(await socket.recv())["realtimeInput"]["text"][:4])
        done.set()

    async def scenario() -> int:
        box: Outbox[ClientMessage] = Outbox(100)
        async with served(listen) as socket, asyncio.timeout(20), asyncio.TaskGroup() as group:
            talking = group.create_task(converse(socket, SETUP, box, ignore))
            await until(lambda: box.through is not None)
            for number in range(60):
                box.put(SendText(f"{number:04}{LARGE}"))
                await asyncio.sleep(0)
            waited = len(box)
            reads.set()
            await done.wait()
            await end(talking)
        return waited

    assert asyncio.run(scenario()) > 0  # the socket was full, and the rest waited
    assert heard == [f"{number:04}" for number in range(60)]


def test_a_peer_that_never_reads_fills_the_outbox_and_no_more() -> None:
    async def deaf(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async def scenario() -> None:
        box: Outbox[ClientMessage] = Outbox(5)
        async with served(deaf) as socket, asyncio.timeout(20):
            socket.transport.set_write_buffer_limits(high=1000)
            async with asyncio.TaskGroup() as group:
                talking = group.create_task(converse(socket, SETUP, box, ignore))
                await until(lambda: box.through is not None)
                with pytest.raises(Full):
                    fill(box)
                await end(talking)

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
def test_every_length_of_message_arrives_as_it_was(size: int) -> None:
    heard: list[str | bytes] = []
    done = asyncio.Event()

    async def listen(socket: ServerConnection) -> None:
        while len(heard) < 3:
            heard.append(await socket.recv())
        done.set()

    async def scenario() -> None:
        async with served(listen) as socket, asyncio.timeout(10):
            assert socket.post("é" * (size // 2) + "e" * (size % 2))
            await socket.send("between")
            assert socket.post("after")
            await done.wait()

    asyncio.run(scenario())
    assert heard == ["é" * (size // 2) + "e" * (size % 2), "between", "after"]


def test_no_mask_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    async def stay(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async def scenario() -> None:
        async with served(stay) as socket:
            with monkeypatch.context() as patch:
                patch.setattr(socket.transport, "write", written.append)
                assert all(socket.post("{}") for _ in range(1000))

    asyncio.run(scenario())
    masks = {frame[2:6] for frame in written[:1000]}
    assert len(masks) > 990  # four random bytes may well be equal once


def test_a_closed_connection_takes_nothing() -> None:
    async def leave(socket: ServerConnection) -> None:
        await socket.close(1011)

    async def scenario() -> tuple[bool, ModelGone]:
        async with served(leave) as socket, asyncio.timeout(10):
            gone = await converse(socket, SETUP, Outbox(5), ignore)
            return socket.post("{}"), gone

    assert asyncio.run(scenario()) == (False, ModelGone(1011, ""))


def test_no_pings_are_sent() -> None:
    """The Live API answers them after up to 30 s: a time-out of ours would end a living call (sip-to-ai#14)."""

    async def stay(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async def scenario() -> float | None:
        async with served(stay) as socket:
            return socket.ping_interval

    assert asyncio.run(scenario()) is None
    assert live_socket.OPEN_TIMEOUT_S < 8
