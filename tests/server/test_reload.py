"""Edits under a real gateway with calls on it, over real sockets: calls in progress keep what they have."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect

from gateway.flow.model import Flow
from gateway.live import messages as live
from gateway.server import reading
from gateway.server.generations import KEPT
from gateway.server.reading import Source
from gateway.server.watch import Found, Watch, look
from gateway.settings import child_environment
from gateway.telemetry.log import Log
from gateway.twilio import media, twiml
from tests.server.served import Child, child
from tests.server.world import FLOW, Model, Phone, World, http, world

LONG = FLOW.replace("30s", "10m")
FRAME_S = 0.02
SETTLE_S = 20.0  # a reading on a loaded machine
MESSAGE_BYTES = 1280  # 40 ms at 16 kHz


def says(words: str) -> str:
    return LONG.replace("You listen.", words)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SETTLE_S):
        while not true():  # noqa: ASYNC110  what is waited for is another task's or process's
            await asyncio.sleep(0.01)


@asynccontextmanager
async def edited_world(folder: Path) -> AsyncIterator[World]:
    """A gateway in this process, and the watch over its folder. LONG is its second generation."""
    async with world(folder) as here:
        exchange = here.exchange
        found = Found(Source(folder, child_environment()), look(folder), exchange.generations.current.flows)
        (folder / "clinic.yaml").write_text(LONG, encoding="utf-8")
        watch = Watch(found, exchange.generations, Log(), exchange.metrics)
        watching = asyncio.create_task(watch.run(poll_s=0.02), name="flows-watch")
        try:
            await until(lambda: exchange.generations.current.number == 2)
            yield here
        finally:
            watching.cancel()
            await asyncio.wait([watching])


async def instructions(model: Model) -> str:
    """What the model is told to be."""
    setup = (await model.expect(live.Setup)).setup
    return str(setup["systemInstruction"]["parts"][0]["text"])


class Talk:
    """A call that goes on: the caller speaks all the time, and the model says a word whenever it is asked to."""

    def __init__(self, phone: Phone, model: Model) -> None:
        self.phone, self.model = phone, model
        self.sent = 0
        self._over = asyncio.Event()

    async def speak(self) -> None:
        """A frame each 20 ms, and an even number of them: a message to the model holds two."""
        due = time.monotonic()
        while self.sent % 2 or not self._over.is_set():
            await self.phone.say(bytes([self.sent % 100]) * 160)
            self.sent += 1
            due += FRAME_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def end(self, speaking: asyncio.Task[None]) -> list[bytes]:
        """The caller's sound as the model got it."""
        self._over.set()
        await speaking
        wanted, got = self.sent * MESSAGE_BYTES // 2, list[bytes]()
        while sum(map(len, got)) < wanted:
            got.append((await self.model.expect(live.SendAudio)).pcm)
        return got

    async def answers(self) -> None:
        """The way back is open."""
        await self.model.say(live.ModelAudio(b"\x10\x20" * 2400), live.TurnComplete())
        await self.phone.expect(media.Play)


@pytest.mark.parametrize("edits", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_a_call_in_progress_does_not_notice_edits(tmp_path: Path, edits: int) -> None:
    file = tmp_path / "clinic.yaml"

    async def scenario() -> None:
        async with edited_world(tmp_path) as here:
            generations, numbers = here.exchange.generations, count()
            phone, model = await here.call(line="quiet")
            talk = Talk(phone, model)
            speaking = asyncio.create_task(talk.speak(), name="caller")

            def write(words: str) -> Callable[[], bool]:
                before = generations.current.number
                file.write_text(says(words), encoding="utf-8")
                return lambda: generations.current.number > before and not generations.refused

            def breaks(edit: Callable[[], object]) -> Callable[[], bool]:
                was = generations.refused
                edit()
                return lambda: bool(generations.refused) and generations.refused is not was

            kinds: Iterator[Callable[[], Callable[[], bool]]] = cycle(
                [
                    lambda: write(f"You listen {next(numbers)} times."),
                    lambda: breaks(lambda: file.write_text("version: 2\n", encoding="utf-8")),
                    lambda: breaks(file.unlink),
                    lambda: write(f"You are restored {next(numbers)} times."),
                ]
            )
            for edit in islice(kinds, edits):
                await until(edit())
            await until(write("You are new."))
            await talk.answers()
            got = await talk.end(speaking)
            assert sum(map(len, got)) == talk.sent * MESSAGE_BYTES // 2
            assert min(max(map(abs, array("h", pcm))) for pcm in got) > 100  # sound, not the silence that fills holes
            assert model.got.empty()  # neither a second setup nor a word that an edit made it say
            assert here.notes("call-ended") == []
            assert here.exchange.calls == 1
            await _the_next_call_is(here, "You are new.")

    asyncio.run(scenario())


async def _the_next_call_is(here: World, words: str) -> None:
    phone = await here.phone()
    await phone.start(line="quiet")
    assert words in await instructions(await here.model())


def test_a_call_that_was_answered_before_an_edit_has_the_line_that_the_edit_removed(tmp_path: Path) -> None:
    form = {"To": "+14155550101", "From": "+14155550199", "CallSid": "CA1", "AccountSid": "AC1"}
    without = LONG.replace('  - { label: quiet, number: "+14155550101", persona: mute }\n', "")

    async def scenario() -> None:
        async with edited_world(tmp_path) as here:
            generations = here.exchange.generations
            _, document = await http(here.url + "/twiml", urlencode(form).encode())
            parameters = dict(twiml.read_connect(document).parameters)
            (tmp_path / "clinic.yaml").write_text(without, encoding="utf-8")
            await until(lambda: generations.current.number == 3)
            assert generations.current.flows.line(form["To"]) is None
            phone = await here.phone()
            await phone.start(**parameters)
            model = await here.model()
            assert "You listen." in await instructions(model)
            await model.say(live.Ready())
            await Talk(phone, model).answers()
            assert here.exchange.metrics.get("gateway_flow_hash_mismatch_total") == 0
            late = await here.phone()
            await late.start(**{**parameters, "hash": generations.current.hash})
            assert (await late.closed())[0] == 1008

    asyncio.run(scenario())


def test_a_hash_that_is_not_known_gets_the_flows_of_now_and_is_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with edited_world(tmp_path) as here:
            await here.call(line="quiet", hash="f" * 64)
            metrics = here.exchange.metrics
            assert (metrics.get("gateway_flow_hash_mismatch_total"), metrics.get("gateway_calls_total")) == (1, 1)

    asyncio.run(scenario())


def test_calls_that_were_refused_are_counted_by_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with world(tmp_path) as here:
            metrics = here.exchange.metrics
            form = {"To": "+14155559999", "From": "+14155550199", "CallSid": "CA1", "AccountSid": "AC1"}
            await http(here.url + "/twiml", urlencode(form).encode())
            assert metrics.get("gateway_calls_refused_total", why="no-line") == 1
            await http(here.url + "/twiml", urlencode({**form, "To": "+14155550101", "CallSid": "C" * 400}).encode())
            assert metrics.get("gateway_calls_refused_total", why="malformed") == 1
            phone = await here.phone()
            await phone.start(line="nowhere")
            await phone.closed()
            assert metrics.get("gateway_calls_refused_total", why="stream") == 1
            here.exchange.drain()
            await http(here.url + "/twiml", urlencode({**form, "To": "+14155550101"}).encode())
            assert metrics.get("gateway_calls_refused_total", why="draining") == 1

    asyncio.run(scenario())


def children() -> set[str]:
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def _flows_alive() -> int:
    gc.collect()
    return sum(isinstance(one, Flow) for one in gc.get_objects())


def test_two_hundred_quick_edits_leave_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "clinic.yaml"

    async def scenario() -> None:
        async with edited_world(tmp_path) as here:
            generations = here.exchange.generations

            def taken(words: str) -> bool:
                return words in generations.current.flows.flows[0].personas["mute"].instructions

            before, fds, tasks = children(), len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
            for n in range(200):  # too quick to be taken each
                file.write_text(says(f"You edit {n}.") if n % 3 else "version: 2\n", encoding="utf-8")
                await asyncio.sleep(0.004)
                if n in (50, 100):
                    await until(partial(taken, f"You edit {n}."))
            file.write_text(says("The last one."), encoding="utf-8")
            await until(partial(taken, "The last one."))
            assert (generations.refused, children()) == ((), before)
            assert (len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())) == (fds, tasks)
            assert _flows_alive() <= generations.kept + 1 <= KEPT + 2  # the cache of the watch has the newest

    asyncio.run(scenario())


def test_readings_leave_no_thread_or_memory_behind_however_many(tmp_path: Path) -> None:
    """The same without processes: a child that answers at once, 200 times."""
    (tmp_path / "clinic.yaml").write_text(LONG, encoding="utf-8")
    text = (tmp_path / "out").open("w+", encoding="utf-8")
    reading.main(tmp_path, {}, text)
    text.seek(0)
    said = text.read()
    text.close()

    class Quick(reading.Child):
        n = 0

        def run(self) -> tuple[bytes, int]:
            Quick.n += 1
            head, _, _ = said.rpartition("H")
            return f'{head}H"{Quick.n:064}"\n'.encode(), 0

    async def scenario(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.server.watch.Child", Quick)
        async with world(tmp_path) as here:
            generations = here.exchange.generations
            watch = Watch(
                Found(Source(tmp_path, {}), (), generations.current.flows), generations, Log(), here.exchange.metrics
            )
            gc.freeze()
            for n in range(200):
                watch.ask()
                await watch.step()
                assert generations.current.number == n + 2
            assert generations.kept == KEPT + 1
            assert _flows_alive() <= 2  # what did not change is shared

    with pytest.MonkeyPatch.context() as monkeypatch:
        try:
            asyncio.run(scenario(monkeypatch))
        finally:
            gc.unfreeze()


# the process


async def _quiet_call(gateway: Child) -> tuple[Phone, Model]:
    socket = await connect("ws" + gateway.url[4:] + "/ws/twilio", compression=None, proxy=None).__aenter__()
    phone = Phone(socket, f"MZ{id(socket)}")
    await phone.start(line="quiet")
    async with asyncio.timeout(SETTLE_S):
        return phone, await gateway.models.get()


@pytest.mark.slow
def test_serve_reads_at_sighup_and_by_itself_and_tells_why_it_refused(tmp_path: Path) -> None:
    file = tmp_path / "clinic.yaml"

    async def scenario() -> None:
        async with child(tmp_path, METRICS="on") as gateway:
            before = await gateway.ready()
            assert (before["generation"], before["lines"], "refused" in before) == (1, 2, False)
            first, model = await _quiet_call(gateway)
            assert "You listen." in await instructions(model)
            await model.say(live.Ready())
            file.write_text(says("You wait."), encoding="utf-8")
            gateway.process.send_signal(signal.SIGHUP)
            note = await gateway.note("flows-read")
            assert note["generation"] == 2
            second, other = await _quiet_call(gateway)
            assert "You wait." in await instructions(other)
            await asyncio.to_thread(file.write_text, says("You wait.").replace("persona: mute", "persona: nobody"))
            refused = await gateway.note("flows-refused")  # within two looks
            assert "numbers[1].persona: " in refused["problems"][0]
            state = await gateway.ready()
            assert (state["generation"], state["hash"], state["refused"]) == (2, note["hash"], refused["problems"])
            assert before["since"] <= state["since"] <= state["refused_since"]
            text = (await http(gateway.url + "/metrics"))[1]
            for line in ("generation 2.0", "refused 1.0", 'reloads_total{result="read"} 1.0', "calls_active 2.0"):
                assert line in text
            assert "gateway_calls_total 2.0" in text
            await Talk(first, model).answers()
            for phone in (first, second):
                await phone.socket.close()
            file.write_text(says("You wait."), encoding="utf-8")
            gateway.process.send_signal(signal.SIGHUP)
            assert (await gateway.note("flows-unchanged"))["generation"] == 2
            assert "refused" not in await gateway.ready()

    asyncio.run(scenario())


def test_draining_during_a_reading_ends_in_time_and_ends_the_reading(tmp_path: Path) -> None:
    (tmp_path / "path").mkdir()
    started = tmp_path / "path" / "started"
    (tmp_path / "path" / "sitecustomize.py").write_text(
        "import os, pathlib, sys, time\nif 'gateway.server.reading' in sys.orig_argv:\n"
        f"    pathlib.Path({str(started)!r}).write_text(str(os.getpid()))\n    time.sleep(60)\n",
        encoding="utf-8",
    )

    async def scenario() -> None:
        async with child(tmp_path, PYTHONPATH=str(tmp_path / "path")) as gateway:
            assert (await http(gateway.url + "/metrics"))[0] == 404  # METRICS is off
            gateway.process.send_signal(signal.SIGHUP)
            await until(lambda: started.exists() and bool(started.read_text()))
            reader = Path("/proc") / started.read_text()
            assert reader.exists()
            assert os.getpriority(os.PRIO_PROCESS, int(reader.name)) == reading.LOWEST
            assert await gateway.stop(within_s=4) == 0
            assert not reader.exists()
            assert (await gateway.lines())[-1]["message"] == "draining"

    asyncio.run(scenario())
