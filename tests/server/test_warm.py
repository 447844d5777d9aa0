"""Sessions opened before their stream comes, over real sockets: used, or closed and counted; nothing stays behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from gateway.call.facts import ModelGone
from gateway.live import messages as live
from gateway.live.cues import parse_say
from gateway.live.endpoint import Endpoint
from gateway.live.messages import Ready, Setup
from gateway.server.live_socket import dial, hang_up
from gateway.server.warm import EARLY, Opened, Warmed, WarmRoom
from gateway.telemetry.metrics import Metrics
from gateway.twilio import knock, media
from tests.server.test_bridge import sound
from tests.server.world import FLOW, Model, World, http, play

AVA, BEN = Setup({"model": "models/ava"}), Setup({"model": "models/ben"})
CALLER = "+14155550199"
NAMED = {"flow": "clinic", "line": "front-desk", "persona": "ava", "from": CALLER, "to": "+14155550100"}
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
SECURE = {"AUTH": "required", "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": "s3cret"}


class Service:
    """The model's service: every session is played by the test."""

    def __init__(self) -> None:
        self.models: asyncio.Queue[Model] = asyncio.Queue()
        self.open = 0
        self.most = 0
        self.url = ""

    async def session(self, socket: ServerConnection) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        model = Model(socket)
        self.models.put_nowait(model)
        try:
            await model.listen()
        finally:
            self.open -= 1

    async def dial(self) -> ClientConnection | ModelGone:
        return await dial(Endpoint(self.url, {}))

    async def asked(self, *said: live.ServerMessage) -> Model:
        """The next session, its setup read and answered so."""
        model = await asyncio.wait_for(self.models.get(), 5)
        await model.expect(Setup)
        if said:
            await model.say(*said)
        return model

    async def idle(self) -> None:
        """No session is open here."""
        await until(lambda: not self.open)


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    here = Service()
    async with serve(here.session, "127.0.0.1", 0, compression=None) as server:
        here.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield here


def warming(
    scenario: Callable[[Service, WarmRoom], Awaitable[None]], limit: int = 8, keep_s: float = 5, **counted: int
) -> None:
    """One scenario, after which nothing is open and these results are counted, and no others."""

    async def run() -> None:
        metrics = Metrics()
        async with service() as here:
            room = WarmRoom(metrics, limit, keep_s)
            await scenario(here, room)
            room.close()
            await asyncio.wait_for(room.empty(), 5)
            assert len(room) == 0
            await here.idle()
            assert tasks("live-warm") == 0
        samples = metrics.samples("gateway_warm_sessions_total")
        results = {result: int(number) for (result,), number in samples if number}
        assert results == counted

    asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  what it looks at has no event
            await asyncio.sleep(0.002)


def tasks(name: str) -> int:
    return sum(task.get_name().startswith(name) for task in asyncio.all_tasks())


def taken(room: WarmRoom, call_sid: str = "CA1", setup: Setup = AVA) -> Warmed:
    warmed = room.take(call_sid, setup)
    assert warmed is not None
    return warmed


def test_the_session_that_waits_is_the_calls() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        assert room.prepare("CA1", AVA, service.dial)
        model = await service.asked(Ready("s1"), live.ResumptionUpdate("h1", True))
        await asyncio.sleep(0.05)
        opened = await taken(room, setup=Setup(dict(AVA.setup))).session()
        assert isinstance(opened, Opened)
        assert opened.messages == (Ready("s1"), live.ResumptionUpdate("h1", True))
        await model.say(live.WaitingForInput())
        assert live.parse(await opened.socket.recv(decode=False)) == (live.WaitingForInput(),)
        assert model.got.empty()
        assert room.take("CA1", AVA) is None
        await hang_up(opened.socket)

    warming(scenario, used=1)


def test_a_stream_that_comes_early_waits_for_the_session_on_its_way() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        coming = asyncio.ensure_future(taken(room).session())
        await service.asked(Ready())
        opened = await asyncio.wait_for(coming, 5)
        assert isinstance(opened, Opened)
        await hang_up(opened.socket)

    warming(scenario, used=1)


def test_a_session_that_was_taken_does_not_expire() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        coming = asyncio.ensure_future(taken(room).session())
        model = await service.asked()
        await asyncio.sleep(0.15)
        await model.say(Ready())
        opened = await asyncio.wait_for(coming, 5)
        assert isinstance(opened, Opened)
        await hang_up(opened.socket)

    warming(scenario, keep_s=0.1, used=1)


@pytest.mark.parametrize("said", [(Ready(),), ()], ids=["ready", "on its way"])
def test_a_session_whose_stream_never_comes_is_closed(said: tuple[Ready, ...]) -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        model = await service.asked(*said)
        await asyncio.wait_for(model.closed.wait(), 5)
        assert model.code == 1000
        assert room.take("CA1", AVA) is None

    warming(scenario, keep_s=0.1, expired=1)


@pytest.mark.parametrize("said", [(Ready(),), ()], ids=["ready", "on its way"])
def test_a_session_with_another_setup_is_closed(said: tuple[Ready, ...]) -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        model = await service.asked(*said)
        assert room.take("CA1", BEN) is None
        await asyncio.wait_for(model.closed.wait(), 5)
        assert room.take("CA1", AVA) is None

    warming(scenario, stale=1)


def test_a_session_is_its_own_calls_and_no_others() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        await service.asked(Ready())
        assert room.take("CA2", AVA) is None
        assert len(room) == 1

    warming(scenario, expired=1)


async def _refused() -> ClientConnection | ModelGone:
    return ModelGone(503, "overloaded")


def test_a_session_that_cannot_be_had_is_forgotten_at_once() -> None:
    async def scenario(_: Service, room: WarmRoom) -> None:
        assert room.prepare("CA1", AVA, _refused)
        await until(lambda: len(room) == 0)
        assert room.take("CA1", AVA) is None

    warming(scenario, failed=1)


async def _close(model: Model) -> None:
    await model.close(1011, "RESOURCE_EXHAUSTED: quota")


async def _babble(model: Model) -> None:
    await model.send_raw(b"{nonsense")


async def _chatter(model: Model) -> None:
    for _ in range(EARLY + 1):
        await model.say(live.WaitingForInput())


@pytest.mark.parametrize("fault", [_close, _babble, _chatter])
def test_a_service_that_takes_no_setup(fault: Callable[[Model], Awaitable[None]]) -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        await fault(await service.asked())
        await until(lambda: len(room) == 0)

    warming(scenario, failed=1)


def test_a_session_that_breaks_while_it_waits_is_not_given_away() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        model = await service.asked(Ready())
        await model.close(1001)
        await asyncio.sleep(0.05)
        assert room.take("CA1", AVA) is None

    warming(scenario, stale=1)


def test_a_session_that_breaks_on_its_way_to_the_stream() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        coming = asyncio.ensure_future(taken(room).session())
        await (await service.asked()).close(1011)
        assert await asyncio.wait_for(coming, 5) is None

    warming(scenario, failed=1)


@pytest.mark.parametrize("said", [(Ready(),), ()], ids=["as it is ready", "on its way"])
def test_a_caller_who_hangs_up_meanwhile_leaves_nothing(said: tuple[Ready, ...]) -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        room.prepare("CA1", AVA, service.dial)
        warmed = taken(room)
        coming = asyncio.ensure_future(warmed.session())
        warmed._opening.add_done_callback(lambda _: coming.cancel())
        model = await service.asked(*said)
        if not said:
            coming.cancel()
        await asyncio.wait({coming}, timeout=5)
        assert coming.cancelled()
        await asyncio.wait_for(model.closed.wait(), 5)

    warming(scenario, expired=1)


def test_so_many_and_no_more() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        said = [room.prepare(f"CA{nth}", AVA, service.dial) for nth in range(5)]
        assert said == [True] * 3 + [False] * 2
        for _ in range(3):
            await service.asked(Ready())
        assert room.take("CA1", BEN) is None
        assert not room.prepare("CA9", AVA, service.dial), "the socket is still being closed"
        await until(lambda: len(room) == 2)
        assert room.prepare("CA9", AVA, service.dial)
        await service.asked(Ready())

    warming(scenario, limit=3, full=3, stale=1, expired=3)


def test_a_call_that_is_announced_twice_has_one_session() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        assert room.prepare("CA1", AVA, service.dial)
        assert room.prepare("CA1", BEN, service.dial)
        await service.asked(Ready())
        assert service.models.empty()

    warming(scenario, expired=1)


def test_a_drain_closes_what_waits_and_opens_no_more() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        for nth in range(3):
            room.prepare(f"CA{nth}", AVA, service.dial)
        ready, silent = await service.asked(Ready()), await service.asked()
        room.close()
        await asyncio.wait_for(room.empty(), 5)
        await asyncio.wait_for(asyncio.gather(ready.closed.wait(), silent.closed.wait()), 5)
        assert not room.prepare("CA9", AVA, service.dial)

    warming(scenario, expired=3, full=1)


def test_a_thousand_announcements_of_calls_that_never_come() -> None:
    async def scenario(service: Service, room: WarmRoom) -> None:
        said = []
        for nth in range(1000):
            said.append(room.prepare(f"CA{nth}", AVA, service.dial))
            assert len(room) <= 8
            await asyncio.sleep(0.0005)
        await until(lambda: len(room) == 0)
        assert 8 <= sum(said) < 1000
        assert service.most <= 9  # the service learns a little later that one was closed

    metrics = Metrics()

    async def run() -> None:
        async with service() as here:
            await scenario(here, WarmRoom(metrics, 8, 0.05))
            await here.idle()
            assert tasks("live-warm") == 0

    asyncio.run(run())
    full, expired = (metrics.get("gateway_warm_sessions_total", result=name) for name in ("full", "expired"))
    assert full + expired == 1000


# the door, and the call


def counted(world: World) -> dict[str, int]:
    samples = world.exchange.metrics.samples("gateway_warm_sessions_total")
    return {result: int(number) for (result,), number in samples if number}


async def announced(world: World, sid: str = "CA1", secret: str = "", **changed: str) -> int:
    """What the door says of a call."""
    path, body, at = f"/calls/{sid}/warm", urlencode({**NAMED, **changed}), int(time.time())
    signed = knock.sign(secret, "POST", path, at, body) if secret else ""
    given = {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: signed}
    return (await http(world.url + path, body.encode(), given))[0]


def test_garbage_at_the_door_is_refused(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        for body in (b"", b"\xff\xfe", b"=&=&=", b"from=" + b"9" * 70_000):
            assert (await http(world.url + "/calls/CA1/warm", body))[0] in (403, 413)
        assert (await http(world.url + "/calls/CA1/warm?flow=clinic"))[0] == 405

    play(tmp_path, scenario, **SECURE)


async def asked(world: World) -> Model:
    """The next session; its setup is read, and nothing else was sent."""
    model = await world.model()
    await model.expect(Setup)
    assert model.got.empty()
    return model


def test_a_call_goes_on_with_the_session_that_waits_for_it(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert await announced(world) == 202
        model = await asked(world)
        await model.say(Ready())
        await asyncio.sleep(0.05)
        assert model.got.empty(), "the greeting is the call's business"
        phone = await world.phone()
        await phone.start(to=NAMED["to"])
        assert parse_say((await model.expect(live.SendText)).text) == "Good day."
        await model.say(sound(100))
        assert len((await phone.expect(media.Play)).mulaw) == 800
        await phone.stop()
        await asyncio.wait_for(model.closed.wait(), 5)
        assert world.models.empty()
        assert model.got.empty(), "one setup"
        assert counted(world) == {"used": 1}

    play(tmp_path, scenario)


def test_a_call_whose_session_is_on_its_way(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await announced(world)
        model = await asked(world)
        phone = await world.phone()
        await phone.start(to=NAMED["to"])
        await world.note("call-started")
        await model.say(Ready())
        await model.expect(live.SendText)
        assert world.models.empty()

    play(tmp_path, scenario)


@pytest.mark.parametrize("changed", [{"from": "+14155550198"}, {"line": "quiet", "persona": ""}, {"persona": "mute"}])
def test_a_call_with_another_setup_opens_its_own(tmp_path: Path, changed: dict[str, str]) -> None:
    async def scenario(world: World) -> None:
        await announced(world, **changed)
        model = await asked(world)
        await model.say(Ready())
        phone = await world.phone()
        await phone.start(to=NAMED["to"])
        own = await asked(world)
        await own.say(Ready())
        await own.expect(live.SendText)
        await asyncio.wait_for(model.closed.wait(), 5)
        assert counted(world) == {"stale": 1}

    play(tmp_path, scenario)


def test_a_call_whose_session_breaks_first_opens_its_own(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await announced(world)
        broken = await asked(world)
        phone = await world.phone()
        await phone.start(to=NAMED["to"])
        await world.note("call-started")
        await broken.close(1011, "internal")
        own = await asked(world)
        await own.say(Ready())
        await own.expect(live.SendText)
        assert world.notes("model-gone") == []
        assert counted(world) == {"failed": 1}

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (1011, "RESOURCE_EXHAUSTED: quota", "quota"),
        (1007, "API key not valid.", "key"),
        (1008, "models/x is not found for API version v1beta", "model"),
    ],
)
def test_a_refusal_on_the_sessions_way_is_the_calls_and_the_service_is_not_asked_again(
    tmp_path: Path, code: int, reason: str, kind: str
) -> None:
    async def scenario(world: World) -> None:
        await announced(world)
        refused = await asked(world)
        phone = await world.phone()
        await phone.start(to=NAMED["to"])
        await world.note("call-started")
        await refused.close(code, reason)
        assert (await phone.closed())[0] == 1011  # and the way on from the stream is the line's fallback
        assert [note["kind"] for note in world.notes("model-gone")] == [kind]
        assert world.models.empty()
        assert counted(world) == {"failed": 1}

    play(tmp_path, scenario)


def test_a_session_that_is_used_and_lost_is_resumed_as_any(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await announced(world)
        first = await asked(world)
        await first.say(Ready(), live.ResumptionUpdate("h1", True))
        phone = await world.phone()
        await phone.start(to=NAMED["to"])
        await first.expect(live.SendText)
        await first.close(1011, "internal")
        second = await world.model()
        assert (await second.expect(Setup)).setup["sessionResumption"] == {"handle": "h1"}
        assert counted(world) == {"used": 1}

    play(tmp_path, scenario)


def test_a_caller_who_hangs_up_before_the_session_is_ready(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await announced(world)
        model = await asked(world)
        phone = await world.phone()
        await phone.start(to=NAMED["to"])
        await world.note("call-started")
        await phone.stop()
        await asyncio.wait_for(model.closed.wait(), 5)
        await world.note("call-ended")
        assert counted(world) == {"expired": 1}

    play(tmp_path, scenario)


def test_a_drain_closes_the_sessions_that_wait(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await announced(world)
        model = await asked(world)
        await model.say(Ready())
        world.exchange.drain()
        await asyncio.wait_for(world.exchange.empty(), 5)
        await asyncio.wait_for(model.closed.wait(), 5)
        assert await announced(world, "CA2") == 503
        assert world.models.empty()

    play(tmp_path, scenario)


def test_the_door_is_for_who_holds_the_secret(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert [await announced(world, secret=secret) for secret in ("", "wrong")] == [403, 403]
        path, at = "/calls/CA1/warm", int(time.time())
        for signed, asked_for, status in ((path, path, 404), (path, path + "?line=x", 403), (path + "?a=1", path, 403)):
            given = {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: knock.sign("s3cret", "POST", signed, at, "")}
            assert (await http(world.url + asked_for, b"", given))[0] == status
        looked = {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: knock.sign("s3cret", "GET", path, at)}
        assert (await http(world.url + path, b"", looked))[0] == 403  # who may look may not open a session
        assert world.models.empty()
        assert await announced(world, secret="s3cret") == 202
        assert await announced(world, secret="s3cret") == 202
        await asked(world)
        assert world.models.empty()

    play(tmp_path, scenario, **SECURE)


@pytest.mark.parametrize("changed", [{"flow": "other"}, {"flow": ""}, {"line": "other"}, {"persona": "other"}])
def test_a_line_that_is_not_served_here(tmp_path: Path, changed: dict[str, str]) -> None:
    async def scenario(world: World) -> None:
        assert await announced(world, **changed) == 404
        assert world.models.empty()

    play(tmp_path, scenario)


def test_an_instance_that_is_full_opens_none(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.call(line="quiet")
        assert await announced(world, "CA9") == 503
        assert world.models.empty()
        assert await announced(world) == 202  # answered once more: its next stream will be let in
        await world.model()

    play(tmp_path, scenario, MAX_CALLS="1")


def test_an_instance_that_goes_away_opens_none(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.exchange.drain()
        assert await announced(world) == 503
        assert await announced(world, line="other") == 503  # and looks at nothing any more
        assert world.models.empty()

    play(tmp_path, scenario)


def test_a_bought_line_is_prepared_for_the_number_that_was_dialled(tmp_path: Path) -> None:
    """The flow doesn't know that number: only who announces the call can say it."""
    bought = FLOW.replace('number: "+14155550100"', "search: { country: US }").replace("{{call.from}}", "{{call.to}}")

    async def scenario(world: World) -> None:
        assert await announced(world, to="+14155557777") == 202
        model = await world.model()
        assert "+14155557777" in str((await model.expect(Setup)).setup["systemInstruction"])
        await model.say(Ready())
        phone = await world.phone()
        await phone.start_as("CA1", to="+14155557777")
        await world.note("call-started")
        await until(lambda: counted(world) == {"used": 1})
        assert world.models.empty()

    play(tmp_path, scenario, bought)


def test_so_many_calls_may_be_announced(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        said = [await announced(world, f"CA{nth}") for nth in range(10)]
        assert said == [202] * 8 + [503] * 2

    play(tmp_path, scenario)


def test_quota_that_a_warm_session_met_spares_the_calls_to_come(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert await announced(world, "CA1") == 202
        model = await world.model()
        await model.expect(Setup)
        await model.close(1011, "RESOURCE_EXHAUSTED: quota")
        await until(lambda: counted(world) == {"failed": 1})
        assert await announced(world, "CA2") == 503
        assert world.models.empty()  # the service isn't asked again

    play(tmp_path, scenario)
