"""A socket that is dialled beforehand: taken where it is open, and never left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from gateway.call.facts import ModelGone
from gateway.live.messages import Setup
from gateway.server.bridge import Bridge
from gateway.server.outbox import Outbox
from gateway.server.prepared import Found, close, take
from tests.server.test_warm import Service, service

GONE = ModelGone(503, "overloaded")


def served(scenario: Callable[[Service], Awaitable[None]]) -> None:
    """One scenario, after which no socket is open."""

    async def run() -> None:
        async with service() as here:
            await scenario(here)
            await here.idle()
            assert here.most <= 2

    asyncio.run(run())


async def _gone() -> Found:
    return GONE


async def _died(service: Service) -> Found:
    socket = await service.dial()
    assert isinstance(socket, ClientConnection)
    await socket.close()
    return socket


def test_the_socket_that_was_prepared_is_taken() -> None:
    async def scenario(service: Service) -> None:
        prepared = asyncio.ensure_future(service.dial())
        assert await take(prepared, _gone) is prepared.result()
        await close(prepared)

    served(scenario)


@pytest.mark.parametrize("prepare", [lambda _: None, lambda _: _gone(), _died], ids=["none", "refused", "died"])
def test_another_is_dialled_where_none_is_open(prepare: Any) -> None:
    async def scenario(service: Service) -> None:
        made = prepare(service)
        found = await take(None if made is None else asyncio.ensure_future(made), service.dial)
        assert isinstance(found, ClientConnection)
        await found.close()

    served(scenario)


def test_what_was_prepared_in_vain_is_closed_in_whatever_state() -> None:
    async def scenario(service: Service) -> None:
        on_its_way, ready, refused, given_up = (
            asyncio.ensure_future(work) for work in (service.dial(), service.dial(), _gone(), _gone())
        )
        given_up.cancel()
        await asyncio.wait({ready, refused, given_up})
        for prepared in (None, on_its_way, ready, refused, given_up):
            await close(prepared)

    served(scenario)


def test_a_call_that_ends_as_its_socket_is_ready_leaves_none() -> None:
    """Cancelled in the very moment, nobody is handed the socket."""

    async def scenario(service: Service) -> None:
        nobody: Any = None
        bridge, talking = Bridge(nobody, nobody, nobody, nobody, nobody), asyncio.Event()

        async def dial() -> Found:
            await talking.wait()
            found = await service.dial()
            asyncio.get_running_loop().call_soon(talk.cancel)
            return found

        prepared = asyncio.ensure_future(dial())
        talk = asyncio.ensure_future(bridge._talk(Setup({}), Outbox(1), None, prepared))
        talking.set()
        await asyncio.wait({talk}, timeout=5)
        assert talk.cancelled()
        assert isinstance(prepared.result(), ClientConnection)

    served(scenario)
