"""Calls that outlive their instance: two gateways of the same flows, one store, real sockets, and a phone that follows
TwiML by hand."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from gateway.call.facts import Draining
from gateway.flow.route import Usage
from gateway.live import cues
from gateway.live import messages as live
from gateway.server import custody
from gateway.server.bridge import Bridge
from gateway.server.rooms import LEASE_S, Rooms
from gateway.store import Kept
from gateway.store.memory import Memory
from gateway.twilio import media
from tests.flow.samples import flows
from tests.server.test_exchange import SECURE, signed_phone, stream_parameters
from tests.server.world import FLOW, Model, Phone, World
from tests.store.redis_server import Server, needs_server
from tests.store.test_two_gateways import MUTE, following, over, play

pytestmark = needs_server
TONE = (9000 * np.sin(2 * np.pi * 440 * np.arange(24_000 * 2) / 24_000)).astype(np.int16).tobytes()  # 2 s
LOUD = b"\x80" * 160


async def settled_call(world: World, sid: str = "CA1", handle: str = "h1") -> tuple[Phone, Model]:
    """A call in a pause, with a handle, that the store knows."""
    phone = await world.phone()
    await phone.start_as(sid, line="quiet")
    model = await world.model()
    await model.expect(live.Setup)
    await model.say(live.Ready())
    if handle:
        await model.say(live.ResumptionUpdate(handle, True))
    for _ in range(2):  # a message holds 40 ms
        await phone.say()
    await model.expect(live.SendAudio)
    return phone, model


async def next_stream(world: World, sid: str = "CA1", attempt: int = 2) -> tuple[Phone, Model, live.Setup]:
    """The call's next stream, at that instance."""
    phone = await world.phone()
    await phone.start_as(sid, line="quiet", attempt=str(attempt))
    model = await world.model()
    return phone, model, await model.expect(live.Setup)


def handle_of(setup: live.Setup) -> str | None:
    found: str | None = setup.setup["sessionResumption"].get("handle")
    return found


@pytest.mark.parametrize("trouble", ["draining", "limit", "cut", "unnoticed"])
def test_the_same_session_goes_on_at_the_other_instance(tmp_path: Path, trouble: str) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        phone, model = await settled_call(a)
        match trouble:
            case "draining":
                a.exchange.drain()
                assert (await phone.closed())[0] == 1001
                await asyncio.wait_for(model.closed.wait(), 1)  # one connection a session at a time
            case "limit":
                next(iter(a.exchange._calls.values())).tell(Draining("stream-limit", 0.0, 1.0))
                assert (await phone.closed())[0] == 1001
            case "cut":
                phone.socket.transport.abort()
                await over(a)
        await a.exchange.store.flush()
        said, _document = await following(b)
        assert said == {"next": "stream", "attempt": 2, "failed": 0 if trouble in ("draining", "limit") else 1, **MUTE}
        _again, other, setup = await next_stream(b)
        assert handle_of(setup) == "h1"
        await other.say(live.Ready())
        note = await b.note("handed-over")
        why = {"draining": "sigterm", "limit": "limit"}.get(trouble, "crash")
        assert (note["reason"], note["resumed"]) == (why, True)
        assert b.exchange.metrics.get("gateway_handover_total", reason=why, resumed="true") == 1

    play(tmp_path, scenario)


def test_what_the_caller_had_not_heard_is_heard_before_the_model_is_there(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        phone, model = await settled_call(a)
        await model.say(live.OutputTranscript("One two three four."), live.ModelAudio(TONE), live.GenerationComplete())
        await phone.expect(media.Play)
        phone.socket.transport.abort()
        await over(a)
        again = await b.phone()
        await again.start_as("CA1", line="quiet", attempt="2")
        sent = await again.expect(media.Play)
        assert len(sent.mulaw) >= 800
        other = await b.model()
        assert handle_of(await other.expect(live.Setup)) == "h1"

    play(tmp_path, scenario)


def test_a_stream_that_comes_before_its_break_is_noticed_fences_the_first(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, there: Server) -> None:
        phone, model = await settled_call(a)
        await a.exchange.store.flush()
        _again, other, setup = await next_stream(b)
        assert handle_of(setup) == "h1"
        await other.say(live.Ready(), live.ResumptionUpdate("h2", True))
        await b.exchange.store.flush()
        await model.say(live.ResumptionUpdate("h3", True))  # the first one still talks to its session
        await asyncio.wait_for(model.closed.wait(), 5)  # and is told that the call is not its own any more
        await over(a)
        assert b.notes("stream-fenced")  # the log of both
        assert (await phone.closed())[0] == 1000
        assert b.exchange.calls == 1
        await b.exchange.store.flush()
        assert "h3" not in str(await there.content())

    play(tmp_path, scenario)


async def telling(world: World) -> None:
    """Models with news for ever: a stream hears that it has lost its call when it next tells the store."""
    async with asyncio.TaskGroup() as sessions:
        while True:
            sessions.create_task(news(await world.models.get()))


async def news(model: Model) -> None:
    with suppress(ConnectionClosed):
        await model.say(live.Ready())
        for nth in count():
            await model.say(live.ResumptionUpdate(f"h{nth}", True))
            await asyncio.sleep(0.05)


def test_two_streams_of_one_call_at_once_leave_one(tmp_path: Path) -> None:
    """Whichever claims last has it, fifty times: together, and one after the other."""

    async def scenario(a: World, b: World, _: Server) -> None:
        models = [asyncio.ensure_future(telling(world)) for world in (a, b)]
        for nth in range(50):
            phones = [await world.phone() for world in (a, b)]
            for phone in phones:
                await phone.start_as(f"CA{nth}", line="quiet", attempt="2")
                await asyncio.sleep(0.05 * (nth % 2))
            ends = [asyncio.ensure_future(phone.closed()) for phone in phones]
            ended, going = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            assert (len(ended), len(going)) == (1, 1)
            assert ended.pop().result()[0] == 1000
            async with asyncio.timeout(5):
                while a.exchange.calls + b.exchange.calls > 1:  # noqa: ASYNC110  a dict
                    await asyncio.sleep(0.01)
            assert a.exchange.calls + b.exchange.calls == 1
            for phone in phones:
                await phone.socket.close()
            await asyncio.wait(going)
            await over(a)
            await over(b)
        for model in models:
            model.cancel()

    play(tmp_path, scenario)


def test_a_call_whose_instance_died_without_a_word_is_resumed(tmp_path: Path) -> None:
    """The store was told at each turn: here the first instance simply never says anything more."""

    async def scenario(a: World, b: World, _: Server) -> None:
        phone, model = await settled_call(a)
        await model.say(live.OutputTranscript("It is four."), live.ModelAudio(TONE))
        await phone.expect(media.Play)
        await a.exchange.store.flush()
        _again, other, setup = await next_stream(b)
        assert handle_of(setup) == "h1"
        await other.say(live.Ready())
        told = await other.expect(live.SendText)
        assert told.text == cues.interrupted("agent: It is four.")

    play(tmp_path, scenario)


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
def test_without_the_store_the_call_goes_on_and_says_that_it_forgot(tmp_path: Path, trouble: str) -> None:
    async def scenario(a: World, b: World, there: Server) -> None:
        phone, _model = await settled_call(a)
        if trouble == "killed":
            await there.kill()
        else:
            there.freeze()
        a.exchange.drain()
        assert (await phone.closed())[0] == 1001
        said, _document = await following(b)
        assert said == {"next": "stream", "attempt": 2, "failed": 1}
        _again, other, setup = await next_stream(b)
        assert handle_of(setup) is None
        await other.say(live.Ready())
        assert (await other.expect(live.SendText)).text == cues.forgotten()
        if trouble == "frozen":
            there.thaw()

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    "changed",
    [{"state": "DREAMING"}, {"ledger": {}}, {"of-another-release": 1}, {"left": {"reason": "x", "end_s": 9.0}}],
    ids=str,
)
def test_what_another_release_left_and_this_one_cannot_read_ends_no_call(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    """Nor is the caller greeted again."""

    async def scenario(a: World, b: World, _: Server) -> None:
        phone, _model = await settled_call(a)
        a.exchange.drain()
        assert (await phone.closed())[0] == 1001
        kept = await b.exchange.store.last("CA1")
        assert kept is not None
        said = orjson.loads(kept.state)
        state = orjson.dumps({**said, "call": {**said["call"], **changed}})
        b.exchange.store.put("CA1", Kept(kept.fence, kept.seq + 1, state), 60.0)
        _again, other, setup = await next_stream(b)
        assert handle_of(setup) is None
        await other.say(live.Ready())
        assert (await other.expect(live.SendText)).text == cues.forgotten()

    play(tmp_path, scenario)


def test_a_wiped_store_is_told_again_by_the_calls_that_go_on(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, there: Server) -> None:
        phone, _model = await settled_call(a)
        await a.exchange.store.flush()
        async with there.client() as client:
            await client.flushall()
        a.exchange.drain()
        assert (await phone.closed())[0] == 1001
        _again, _other, setup = await next_stream(b)
        assert handle_of(setup) == "h1"

    play(tmp_path, scenario)


def test_a_call_that_comes_while_its_instance_goes_away_is_sent_on(tmp_path: Path) -> None:
    """Accepted and closed: a stream that the server closes goes on by TwiML; one that is refused may not."""

    async def scenario(a: World, b: World, _: Server) -> None:
        parameters = await stream_parameters(a)
        a.exchange.drain()
        phone = await signed_phone(a)
        await phone.start_as("CA1", **parameters)
        assert await phone.closed() == (1001, "draining")
        assert a.models.empty()
        after = await b.exchange.store.last("CA1")
        assert after is not None
        assert json.loads(after.state)["ending"] == "draining"

    play(tmp_path, scenario, **SECURE)


def test_what_a_call_knew_survives_an_instance_that_is_going_away_itself(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        first, _model = await settled_call(a)
        b.exchange.drain()
        a.exchange.drain()
        assert (await first.closed())[0] == 1001
        second = await b.phone()
        await second.start_as("CA1", line="quiet", attempt="2")
        assert (await second.closed())[0] == 1001
        kept = await a.exchange.store.last("CA1")
        assert kept is not None
        assert json.loads(kept.state)["call"]["handle"] == "h1"

    play(tmp_path, scenario)


def test_webhooks_are_answered_while_the_instance_goes_away(tmp_path: Path) -> None:
    """Another one gets the stream."""

    async def scenario(a: World, _: World, _there: Server) -> None:
        a.exchange.drain()
        assert await stream_parameters(a)

    play(tmp_path, scenario, **SECURE)


def test_a_persona_that_an_edit_took_away_does_not_end_a_call(tmp_path: Path) -> None:
    async def scenario(_: World, b: World, _there: Server) -> None:
        phone = await b.phone()
        await phone.start_as("CA1", line="quiet", attempt="2", persona="gone")
        assert (await b.note("call-started"))["persona"] == "mute"

    play(tmp_path, scenario)


# calls at a time, over all instances

ONE = FLOW.replace("max_duration: 30s", "concurrent_calls: 1")


def test_a_flow_has_so_many_calls_over_all_instances(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        first, _model = await settled_call(a)
        second = await b.phone()
        await second.start_as("CA2", line="quiet")
        assert await second.closed() == (1013, "limits: concurrent")
        assert (await following(a, "CA2"))[0] == {"next": "fallback"}
        await first.stop()
        await over(a)
        async with asyncio.timeout(5):
            while "CA1" in a.exchange._rooms._inside:  # noqa: ASYNC110  a dict
                await asyncio.sleep(0.01)
        await settled_call(b, "CA3")

    play(tmp_path, scenario, ONE)


def test_a_call_that_goes_on_is_counted_once_and_never_turned_away(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, there: Server) -> None:
        phone, _model = await settled_call(a)
        a.exchange.drain()
        assert (await phone.closed())[0] == 1001
        third = await b.phone()
        await third.start_as("CA9", line="quiet")
        assert (await third.closed())[0] == 1013  # its place is kept
        await next_stream(b)
        content = await there.content()
        assert content["gw:room:clinic"][1] == "[b'CA1']"
        assert 0 < content["gw:room:clinic"][0] <= LEASE_S

    play(tmp_path, scenario, ONE)


@pytest.mark.parametrize("attempt", [1, 2], ids=["a webhook that came twice", "the next stream"])
@pytest.mark.parametrize("limits", ["concurrent_calls: 1", "per_caller: 1/h", "max_duration: 30s"])
def test_what_an_instance_would_hold_back_holds_no_call_back_that_another_has(
    tmp_path: Path, limits: str, attempt: int
) -> None:
    """The later stream has ended the earlier by its claim: whatever this instance knows of its own calls, of the caller
    and of quota, it may not be refused then. Nor is the caller counted for it here."""

    async def scenario(a: World, b: World, _: Server) -> None:
        (flow,), caller = b.exchange.flows.flows, "+14155550199"
        first, before = await settled_call(a)
        await a.exchange.store.flush()
        b.exchange._uses.began(flow, "CA9", caller, asyncio.get_running_loop().time())
        b.exchange._breaker.quota(b.exchange._project(flow.personas["mute"]), asyncio.get_running_loop().time())
        second, model, setup = await next_stream(b, attempt=attempt)
        assert handle_of(setup) == "h1"
        await before.say(live.ResumptionUpdate("h3", True))  # a stream hears that it is over when it has news
        assert (await first.closed())[0] == 1000
        await model.say(live.Ready(), live.ModelAudio(TONE[:4800]))
        await second.expect(media.Play)
        assert (await b.note("handed-over"))["resumed"]
        b.exchange._uses.ended(flow, "CA9")
        assert b.exchange.usage(flow, caller, "CA2") == Usage(1, 1 if "per_caller" in limits else 0)

    play(tmp_path, scenario, FLOW.replace("max_duration: 30s", limits))


def test_a_call_that_was_refused_is_held_back_again_where_its_webhook_came_twice(tmp_path: Path) -> None:
    async def scenario(a: World, b: World, _: Server) -> None:
        await settled_call(a)
        for here in (a, b):
            phone = await here.phone()
            await phone.start_as("CA2", line="quiet")
            assert await phone.closed() == (1013, "limits: concurrent")
            await here.exchange.store.flush()
        assert (a.exchange.calls, b.exchange.calls) == (1, 0)

    play(tmp_path, scenario, ONE)


def test_calls_that_last_are_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LEASE_S", 0.6), ("RENEW_S", 0.1)):
        monkeypatch.setattr(f"gateway.server.rooms.{name}", value)

    async def scenario(a: World, b: World, there: Server) -> None:
        renewing = asyncio.ensure_future(a.exchange.run())
        await settled_call(a)
        await asyncio.sleep(1.0)
        late = await b.phone()
        await late.start_as("CA2", line="quiet")
        assert (await late.closed())[0] == 1013
        renewing.cancel()  # as if the instance had died
        await asyncio.sleep(0.8)
        await settled_call(b, "CA3")

    play(tmp_path, scenario, ONE)


def test_a_bug_that_ends_a_call_gives_its_place_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    async def scenario(a: World, b: World, _: Server) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Bridge, "run", broken)
            phone = await a.phone()
            await phone.start_as("CA1", line="quiet")
            assert (await phone.closed())[0] == 1011
        await settled_call(b, "CA2")
        assert a.exchange._rooms._inside == {}

    play(tmp_path, scenario, ONE)


def test_a_call_whose_next_stream_comes_here_is_renewed(tmp_path: Path) -> None:
    async def scenario(a: World, _: World, _there: Server) -> None:
        first, _model = await settled_call(a)
        _again, other, _setup = await next_stream(a)
        await other.say(live.Ready())
        assert (await first.closed())[0] == 1000
        async with asyncio.timeout(5):
            while a.exchange.calls > 1:  # noqa: ASYNC110  a dict
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # its room is left afterwards
        assert a.exchange._rooms._inside == {"CA1": "clinic"}

    play(tmp_path, scenario, ONE)


def test_a_call_that_ends_while_others_are_renewed_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.rooms.RENEW_S", 0.01)

    class Slow(Memory):
        """Answers when it may."""

        def __init__(self) -> None:
            super().__init__(asyncio.get_running_loop().time)
            self.asked, self.may = asyncio.Event(), asyncio.Event()
            self.may.set()

        async def enter(self, room: str, call_sid: str, limit: int | None, ttl_s: float) -> bool:
            self.asked.set()
            await self.may.wait()
            return await super().enter(room, call_sid, limit, ttl_s)

    async def scenario() -> None:
        store = Slow()
        rooms, flow = Rooms(lambda: store), flows(tmp_path, ONE).flows[0]
        for sid in ("CA1", "CA2"):
            assert await rooms.enter(flow, sid, first=False)
        store.asked.clear()
        store.may.clear()
        renewing = asyncio.ensure_future(rooms.run())
        await store.asked.wait()  # for the first
        await rooms.leave("CA2", goes_on=False)
        store.asked.clear()
        store.may.set()
        await asyncio.wait_for(store.asked.wait(), 5)  # the next round
        renewing.cancel()
        assert [*store._rooms["clinic"]] == ["CA1"]

    asyncio.run(scenario())


def test_a_stream_that_was_overtaken_does_not_end_the_one_that_has_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both come here; the first waits longer for its flow's room."""

    async def scenario(a: World, _: World, _there: Server) -> None:
        overtaken, enter = asyncio.Event(), a.exchange.store.enter
        waits = [overtaken]

        async def slow(*args: object) -> bool:
            if waits:
                await waits.pop().wait()
            return await enter(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(a.exchange.store, "enter", slow)
        first, second = await a.phone(), await a.phone()
        await first.start_as("CA1", line="quiet", attempt="2")
        async with asyncio.timeout(5):
            while waits:  # noqa: ASYNC110  a list
                await asyncio.sleep(0.01)
        await second.start_as("CA1", line="quiet", attempt="2")
        model = await a.model()
        overtaken.set()
        assert (await first.closed())[0] == 1000
        assert a.exchange.calls == 1
        await model.expect(live.Setup)
        await model.say(live.Ready(), live.ResumptionUpdate("h2", True))
        async with asyncio.timeout(5):
            while b"h2" not in ((await a.exchange.store.last("CA1")) or Kept(0, 0, b"")).state:  # noqa: ASYNC110  a store
                await asyncio.sleep(0.01)
        await second.stop()

    play(tmp_path, scenario, ONE)


def test_what_is_kept_of_a_call_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custody, "CLAIM_S", 0.5)
    monkeypatch.setattr(custody, "KEPT_S", 0.5)

    async def scenario(a: World, b: World, there: Server) -> None:
        phone, _model = await settled_call(a)
        a.exchange.drain()
        await phone.closed()
        again, other, _setup = await next_stream(b)
        await other.say(live.Ready())
        await again.stop()
        await over(b)
        await b.exchange.store.flush()
        state = (await there.content())["gw:call:CA1"][1]
        assert "h1" not in state  # of a call that is over nothing is kept but how it ended
        await asyncio.sleep(0.6)
        assert await there.content() == {}

    play(tmp_path, scenario)


def test_a_stream_with_a_bad_token_ends_nobodys_call(tmp_path: Path) -> None:
    async def scenario(a: World, _: World, _there: Server) -> None:
        parameters = await stream_parameters(a)
        phone = await signed_phone(a)
        await phone.start_as("CA1", **parameters)
        await a.model()
        thief = await signed_phone(a)
        await thief.start_as("CA1", **{**parameters, "token": "no.token"})
        assert (await thief.closed())[0] == 1008
        assert a.exchange.calls == 1

    play(tmp_path, scenario, **SECURE)
