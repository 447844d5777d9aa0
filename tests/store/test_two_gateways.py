"""Two gateways and one store: what one did, the other knows; what happens to the store, no caller hears."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import pytest

from gateway.live import messages as live
from gateway.server import lifecycle
from gateway.server.afterwards import Tries
from gateway.store import redis
from gateway.store.door import Ears, opened
from gateway.store.redis import CONNECTIONS
from gateway.telemetry.log import Log
from gateway.twilio import token, twiml
from tests.server.served import child
from tests.server.test_exchange import SECURE, signed_phone, stream_parameters
from tests.server.world import FLOW, PATIENCE_S, Model, Phone, World, http, world
from tests.store.redis_server import Server, needs_server, server

pytestmark = needs_server
FORM = {"To": "+14155550101", "From": "+14155550199", "CallSid": "CA1", "AccountSid": "AC1"}
Scenario = Callable[[World, World, Server], Coroutine[object, object, None]]
MUTE = {"flow": "clinic", "line": "quiet", "persona": "mute"}
STREAM = {"next": "stream", "attempt": 2, "failed": 1, **MUTE}
MOVED = {**STREAM, "failed": 0}


def play(folder: Path, scenario: Scenario, flow: str = FLOW, **env: str) -> None:
    """Two gateways of the same flows on one store."""

    async def run() -> None:
        async with (
            server(folder) as there,
            gateway(folder, flow, there.url, env) as a,
            gateway(folder, flow, there.url, env) as b,
        ):
            await scenario(a, b, there)

    asyncio.run(run())


@asynccontextmanager
async def gateway(folder: Path, flow: str, url: str, env: dict[str, str]) -> AsyncIterator[World]:
    shared = {"REDIS_URL": url, "STREAM_SECRET": "s3cret", **env}
    async with world(folder, flow, **shared) as here:
        ears = Ears(lifecycle.teller(Log(), here.exchange.metrics), here.exchange.fenced)
        async with opened(url, ears) as store:
            here.exchange.store = store
            yield here


async def following(world: World, sid: str = "CA1", attempt: int = 1) -> tuple[dict[str, object], str]:
    """What the core says of the call: to Functions, and in its own TwiML."""
    status, body = await http(f"{world.url}/calls/{sid}/next?attempt={attempt}")
    form = urlencode({**FORM, "CallSid": sid}).encode()
    after, document = await http(f"{world.url}/twiml/after?attempt={attempt}", form)
    assert (status in (200, 404), after) == (True, 200)
    said: dict[str, object] = json.loads(body)
    return said, document


async def over(world: World) -> None:
    await asyncio.wait_for(world.exchange.empty(), PATIENCE_S)


async def secure_call(world: World, sid: str) -> tuple[Phone, Model, float]:
    """A call with its token, and the seconds from its handshake to its session."""
    claims = token.StreamClaims(sid, "AC1", "clinic", "quiet", "mute")
    pass_ = token.mint(SECURE["STREAM_SECRET"], claims, time.time(), "nonce-" + sid)
    began = time.perf_counter()
    phone = await signed_phone(world)
    await phone.start_as(sid, token=pass_)
    model = await world.model()
    await model.expect(live.Setup)
    await model.say(live.Ready())
    return phone, model, time.perf_counter() - began


async def short_call(world: World, sid: str) -> float:
    """A call that its caller ends. Returns the seconds until it was there."""
    phone, _, waited = await secure_call(world, sid)
    await phone.stop()
    await phone.closed()
    return waited


def test_a_token_used_at_one_is_refused_at_the_other(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        parameters = await stream_parameters(a)
        first = await signed_phone(a)
        await first.start_as("CA1", **parameters)
        await a.model()
        second = await signed_phone(b)
        await second.start_as("CA1", **parameters)
        assert await second.closed() == (1008, "stream token: used before")
        assert b.models.empty()

    play(tmp_path, scenario, **SECURE)


def test_a_token_used_at_both_at_once_opens_one_call(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _there: Server) -> None:
        parameters = await stream_parameters(a)
        phones = [await signed_phone(here) for here in (a, b)]
        async with asyncio.TaskGroup() as group:
            for phone in phones:
                group.create_task(phone.start_as("CA1", **parameters))
        async with asyncio.timeout(PATIENCE_S):
            while a.models.qsize() + b.models.qsize() == 0:  # noqa: ASYNC110  a queue of each
                await asyncio.sleep(0.01)
            _, open_ = await asyncio.wait(
                [asyncio.ensure_future(phone.closed()) for phone in phones], return_when=asyncio.FIRST_COMPLETED
            )
        for still in open_:
            still.cancel()
        assert a.exchange.calls + b.exchange.calls == 1

    play(tmp_path, scenario, **SECURE)


def test_a_call_that_ended_at_one_is_hung_up_by_the_other(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        phone, _model = await a.call(line="quiet")
        await phone.stop()
        await over(a)
        await a.exchange.store.flush()  # nobody asks after a caller who hung up, so nothing waits for this write
        assert await following(b) == ({"next": "hangup"}, twiml.hang_up())

    play(tmp_path, scenario)


def test_what_the_gateway_ends_is_known_elsewhere_before_the_phone_is_told(tmp_path: Path) -> None:
    """Twilio asks as soon as the stream is closed. The model's socket is slow to close: the call is not over yet."""

    async def scenario(a: World, b: World, _: Server) -> None:
        phone, model = await a.call(line="quiet")
        await b.exchange.store.last("CA1")  # connected
        model._socket.transport.pause_reading()
        await phone.socket.send("nonsense")
        await phone.closed()
        assert (await following(b))[0] == (await following(a))[0] == {"next": "fallback"}
        assert a.exchange.calls == 1
        model._socket.transport.resume_reading()

    play(tmp_path, scenario)


@pytest.mark.parametrize("noticed", [True, False])
def test_a_broken_stream_goes_on_at_the_other_with_the_same_persona(tmp_path: Path, noticed: bool) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        phone, _model = await a.call(line="quiet")
        if noticed:
            phone.socket.transport.abort()
            await over(a)
        await a.exchange.store.flush()
        said, document = await following(b)
        assert said == STREAM
        opening = twiml.read_connect(document)
        assert (opening.parameters["persona"], opening.parameters["attempt"]) == ("mute", "2")

    play(tmp_path, scenario)


def test_an_instance_that_notices_late_does_not_undo_what_came_after(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        first, _model = await a.call(line="quiet")
        second = await b.phone()
        await second.start_as("CA1", line="quiet", attempt="2")
        model = await b.model()
        await model.expect(live.Setup)
        await model.say(live.Ready())
        await second.stop()
        await over(b)
        await b.exchange.store.flush()
        first.socket.transport.abort()
        await over(a)
        await a.exchange.store.flush()
        for here in (a, b):
            assert (await following(here, attempt=2))[0] == {"next": "hangup"}

    play(tmp_path, scenario)


def test_a_call_that_was_refused_has_its_fallback_everywhere(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        a.exchange._uses.began(a.exchange.flows.flows[0], "CA9", None, 0)
        phone = await a.phone()
        await phone.start(line="quiet")
        assert (await phone.closed())[0] == 1013
        await a.exchange.store.flush()
        assert (await following(b))[0] == {"next": "fallback"}

    play(tmp_path, scenario, FLOW.replace("max_duration: 30s", "concurrent_calls: 1"))


def test_no_key_and_no_value_holds_a_number(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, there: Server) -> None:
        parameters = await stream_parameters(a)
        phone = await signed_phone(b)
        await phone.start_as("CA1", **parameters)
        await b.model()
        await b.exchange.store.flush()
        content = await there.content()
        assert sorted(key.rpartition(":")[0] for key in content) == ["gw:call", "gw:once"]
        assert all(ttl_s > 0 for ttl_s, _ in content.values())
        (used,) = (ttl_s for key, (ttl_s, _) in content.items() if key.startswith("gw:once:"))
        assert used > token.MAX_LEFT_S - 5  # as long as any token may still be valid
        assert "front-desk" in content["gw:call:CA1"][1]
        assert "1415555" not in str(content)

    play(tmp_path, scenario, **SECURE)


# the store is lost


@pytest.mark.parametrize("trouble", ["absent", "killed", "frozen", "wiped"])
def test_calls_go_on_without_the_store(tmp_path: Path, trouble: str) -> None:
    async def scenario(a: World, _: World, there: Server) -> None:
        if trouble == "absent":
            await there.kill()
        phone, model, waited = await secure_call(a, "CA0")
        assert waited < 1.0
        await befall(there, trouble)
        waits = [await short_call(a, f"CA{nth}") for nth in range(1, 6)]
        assert max(waits) < 1.0
        assert median(waits) < 0.5  # one finds out, the others don't wait
        await phone.say(b"\x80" * 160)
        await phone.say(b"\x80" * 160)
        await model.expect(live.SendAudio)
        await phone.stop()
        await over(a)
        for sid in ("CA0", "CA5"):
            assert (await a.exchange.next(sid, Tries(1))).next == "hangup"
        lost = 0 if trouble == "wiped" else 1
        assert a.exchange.metrics.get("gateway_store_down") == lost
        assert a.exchange.metrics.get("gateway_store_outages_total") == lost

    play(tmp_path, scenario, **SECURE)


async def befall(there: Server, trouble: str) -> None:
    match trouble:
        case "killed":
            await there.kill()
        case "frozen":
            there.freeze()
        case "wiped":
            async with there.client() as client:
                await client.flushall()
        case _:
            assert trouble == "absent"


def test_an_outage_is_two_lines_of_the_log(tmp_path: Path) -> None:
    async def scenario(_: World, b: World, there: Server) -> None:
        await short_call(b, "CA1")
        await there.kill()
        for sid in ("CA2", "CA3", "CA4"):
            await short_call(b, sid)
        await there.start()
        await b.note("store-back")
        await short_call(b, "CA5")
        (down,), (back,) = b.notes("store-down"), b.notes("store-back")
        assert (down["severity"], back["severity"]) == ("WARNING", "INFO")
        assert back["after_s"] > 0
        assert b.notes("bug") == []

    play(tmp_path, scenario, **SECURE)


def test_many_calls_at_once_find_a_frozen_store(tmp_path: Path) -> None:
    """More than the pool has connections: who waits for one waits no longer than the others."""

    async def scenario(a: World, _: World, there: Server) -> None:
        tokens = [str(nth) for nth in range(4 * CONNECTIONS)]
        assert await a.exchange.store.first_use("warm", 60)
        there.freeze()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            uses = [group.create_task(a.exchange.store.first_use(token, 60)) for token in tokens]
        assert time.perf_counter() - began < 1.0
        assert all(use.result() for use in uses)
        assert a.exchange.metrics.get("gateway_store_outages_total") == 1
        there.thaw()
        async with asyncio.timeout(PATIENCE_S), there.client() as client:
            while a.exchange.metrics.get("gateway_store_down"):  # noqa: ASYNC110  a figure in a table
                await asyncio.sleep(0.05)
            assert len(await client.client_list()) <= 2 * CONNECTIONS + 1

    play(tmp_path, scenario)


def test_a_drain_does_not_wait_for_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSWER_S", "TRY_S"):
        monkeypatch.setattr(redis, name, 4.0)

    async def scenario(a: World, _: World, there: Server) -> None:
        parameters = await stream_parameters(a)
        phone = await signed_phone(a)
        assert await a.exchange.store.first_use("warm", 60)
        there.freeze()
        await phone.start_as("CA1", **parameters)
        await asyncio.sleep(0.1)
        assert a.exchange.calls == 0  # it asks the store
        a.exchange.drain()
        assert await asyncio.wait_for(phone.closed(), 2) == (1001, "draining")
        there.thaw()
        assert a.models.empty()

    play(tmp_path, scenario, **SECURE)


# two processes


@pytest.mark.slow
def test_a_gateway_that_goes_away_leaves_its_calls_to_the_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        async with server(tmp_path) as there:
            first, second = (child(tmp_path / name, REDIS_URL=there.url) for name in ("a", "b"))
            async with first as a, second as b:
                ours = World(a.url, None, None, a.models)  # type: ignore[arg-type]
                theirs = World(b.url, None, None, b.models)  # type: ignore[arg-type]
                phone, _ = await ours.call(line="quiet")
                stopped = asyncio.ensure_future(a.stop(within_s=4))
                assert (await phone.closed())[0] == 1001
                assert (await following(theirs))[0] == MOVED
                assert await stopped == 0
                assert (await following(theirs))[0] == MOVED
                again = await theirs.phone()
                await again.start_as("CA1", line="quiet", attempt="2")
                await theirs.model()
                b.process.kill()
                assert 'ending":null' in (await there.content())["gw:call:CA1"][1]
                for here in (ours, theirs):
                    await here.close()

    asyncio.run(scenario())
